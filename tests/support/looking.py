"""A detector worker on the real bus, with a stage that finds what the test says, when the test lets it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from detectors.worker import DetectWorker
from lianfang.bus import Consumer, Footage, Mode, Position, Record, TopicPartition
from lianfang.bus.embedded import EmbeddedBus, RingSettings
from lianfang.bus.embedded.consumer import EmbeddedConsumer
from lianfang.clock import SystemClock
from lianfang.codec import decode_event, encode_frame
from lianfang.config import Config, Runtime
from lianfang.events import (
    DEAD_LETTER,
    FRAMES,
    OBSERVATIONS,
    DetectedObject,
    Frame,
    FrameReference,
    Observation,
)
from tests.support.reading import configured

WAIT_S = 30.0
WIDTH, HEIGHT = 32, 24
PERSON = DetectedObject(track_id="e:1", label="person", confidence=0.9, xyxyn=(0.1, 0.1, 0.4, 0.9))
Image = NDArray[np.uint8]
See = Callable[[str, Image], tuple[DetectedObject, ...]]


def until(condition: Callable[[], object], what: str) -> None:
    """Return once ``condition`` holds; AssertionError names ``what`` when it never does."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"not in {WAIT_S} s: {what}"
        time.sleep(0.002)


def jpeg(shade: int = 128, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """Return a picture of one grey; ``shade`` tells pictures apart."""
    data: bytes = simplejpeg.encode_jpeg(np.full((height, width, 3), shade, np.uint8), quality=95)
    return data


def shade_of(image: Image) -> int:
    """Return the grey of a picture of ``jpeg``."""
    return round(float(image.mean()))


def frame(
    seq: int,
    captured_at: datetime | None = None,
    *,
    camera: str = "cam",
    epoch: str = "c1",
    pixels: bytes | None = None,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> Frame:
    """Return picture number ``seq`` of a connection, as grey as its number, taken now by default."""
    at = captured_at or datetime.now(UTC)
    data = jpeg(seq) if pixels is None else pixels
    return Frame(camera, epoch, seq, at, at, width, height, "jpeg", data)


@dataclass
class Stage:
    """Finds what ``see`` says of a picture; ``opened`` are the track epochs, in order, by camera."""

    see: See
    models: tuple[str, ...] = ("fake@000000000000",)
    opened: list[tuple[str, str]] = field(default_factory=list)

    def open(self, camera_id: str, track_epoch: str) -> CameraStage:
        """Return the stage for one camera."""
        self.opened.append((camera_id, track_epoch))
        return CameraStage(camera_id, self.see)


@dataclass
class CameraStage:
    """The stage of one camera."""

    camera_id: str
    see: See

    def look(
        self, image_bgr: Image, at: datetime, objects: tuple[DetectedObject, ...]
    ) -> tuple[DetectedObject, ...]:
        """Return the objects so far and what ``see`` says."""
        del at
        return (*objects, *self.see(self.camera_id, image_bgr))


class Gate:
    """A ``see`` that waits in every look until the test lets it go on; it always sees a person."""

    def __init__(self) -> None:
        self.looking: list[tuple[str, int]] = []  # (camera, shade) of every look that has begun
        self._go = threading.Semaphore(0)

    def __call__(self, camera_id: str, image: Image) -> tuple[DetectedObject, ...]:
        self.looking.append((camera_id, shade_of(image)))
        assert self._go.acquire(timeout=WAIT_S)
        return (PERSON,)

    def let(self, looks: int) -> None:
        """Let so many looks end."""
        self._go.release(looks)

    def begun(self, looks: int) -> None:
        """Return once so many looks have begun."""
        until(lambda: len(self.looking) >= looks, f"{looks} looks; begun are {self.looking}")


class TappedBus:
    """A bus in one process that tells what the reader of its frames does."""

    def __init__(self, folder: Path) -> None:
        self._bus = EmbeddedBus.own(folder, RingSettings(seconds=5, max_bytes=4 * 1024 * 1024))
        self.subscribed = threading.Event()
        self.polls = 0
        self.closed = 0
        self.taken_away = False
        """Set it, and the reader of frames sees its partitions given to somebody else."""
        self.delivered: list[tuple[str, int]] = []
        """(key, seq) of every frame that the reader was given."""

    def send(self, frame: Frame, key: str | None = None) -> None:
        """Publish a frame as ingest does."""
        value, headers = encode_frame(frame)
        self.publish(FRAMES, key or frame.camera_id, value, headers).result(WAIT_S)

    def publish(self, topic: str, key: str, value: bytes, headers: Mapping[str, str]) -> Future[Position]:
        """Append a record."""
        return self._bus.publish(topic, key, value, headers)

    def partition_of(self, topic: str, key: str) -> int:
        """Return the partition of a key."""
        return self._bus.partition_of(topic, key)

    def subscribe(self, topics: Sequence[str], group: str, mode: Mode = "durable") -> Consumer:
        """Return a consumer; one of frames is tapped."""
        consumer = self._bus.subscribe(topics, group, mode)
        if FRAMES in topics:
            self._tap(consumer)
            self.subscribed.set()
        return consumer

    def fetch(self, reference: FrameReference) -> Record:
        """Return the record of a frame."""
        return self._bus.fetch(reference)

    def forget(self, camera_id: str) -> None:
        """Keep nothing anyway."""

    def footage(self, camera_id: str, since: datetime) -> Footage:
        """Return the frames of a camera."""
        return self._bus.footage(camera_id, since)

    def close(self) -> None:
        """Release it."""
        self._bus.close()

    def _tap(self, consumer: EmbeddedConsumer) -> None:
        poll, close, assignment = consumer.poll, consumer.close, consumer.assignment

        def tapped_poll(timeout_s: float, max_records: int = 500) -> list[Record]:
            self.polls += 1
            records = [] if self.taken_away else poll(timeout_s, max_records)
            self.delivered += [(record.key, int(record.headers["seq"])) for record in records]
            return records

        def tapped_close() -> None:
            self.closed += 1
            close()

        def tapped_assignment() -> frozenset[TopicPartition]:
            return frozenset() if self.taken_away else assignment()

        consumer.assignment = tapped_assignment  # type: ignore[method-assign]
        consumer.poll = tapped_poll  # type: ignore[method-assign]
        consumer.close = tapped_close  # type: ignore[method-assign]


class Looking:
    """A detector worker at work in a thread. ``failure`` is what ended it, if anything but ``end`` did."""

    def __init__(self, bus: TappedBus, see: See, cameras: Sequence[str], threads: int) -> None:
        self.bus, self.stage, self.registry = bus, Stage(see), CollectorRegistry()
        self.failure: BaseException | None = None
        self._observations = bus.subscribe([OBSERVATIONS], "test")
        self._dead = bus.subscribe([DEAD_LETTER], "test-dead")
        self.config = self.in_force = _config(cameras, threads)
        self._worker = DetectWorker(
            self.config,
            {"objects": self.stage},
            bus,
            SystemClock(),
            self.registry,
            lambda _at: self.in_force,
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self.bus.subscribed.wait(WAIT_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()
        self._observations.close()
        self._dead.close()

    def end(self) -> None:
        """Stop the worker as the service does, and wait for its end."""
        self._stop.set()
        self.ended()

    def ended(self) -> None:
        """Wait until the worker has ended."""
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive(), "the worker goes on"

    def observations(self, count: int) -> list[Observation]:
        """Return the next ``count`` observations."""
        events = [decode_event(r.value, r.headers) for r in self._next(self._observations, count)]
        assert all(isinstance(event, Observation) for event in events)
        return [event for event in events if isinstance(event, Observation)]

    def dead_letter(self) -> Record:
        """Return the next dead letter."""
        return self._next(self._dead, 1)[0]

    def other_dead_letters(self) -> list[Record]:
        """Return the dead letters up to now."""
        self.bus.publish(DEAD_LETTER, "test", b"", {}).result(WAIT_S)
        records = self._next(self._dead, 1)
        while records[-1].key != "test":
            records += self._next(self._dead, 1)
        return records[:-1]

    def detected(self, camera: str = "cam") -> float:
        """Return how many frames were looked at."""
        return self.registry.get_sample_value("lianfang_frames_detected_total", {"camera": camera}) or 0.0

    def skipped(self, reason: str, camera: str = "cam") -> float:
        """Return how many frames were not looked at for ``reason``."""
        labels = {"camera": camera, "reason": reason}
        return self.registry.get_sample_value("lianfang_frames_skipped_total", labels) or 0.0

    def _run(self) -> None:
        try:
            self._worker.run(self._stop)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.failure = error

    def _next(self, consumer: Consumer, count: int) -> list[Record]:
        records: list[Record] = []
        deadline = time.monotonic() + WAIT_S
        while len(records) < count:
            assert time.monotonic() < deadline, f"{len(records)} of {count} records came"
            records += consumer.poll(0.1, count - len(records))
        return records


def _config(cameras: Sequence[str], threads: int) -> Config:
    source = {"kind": "rtsp", "url": "rtsp://127.0.0.1:1/a"}
    config = configured({camera: {"source": source} for camera in cameras})
    return config.model_copy(update={"runtime": Runtime(detect_threads=threads)})


@contextmanager
def looking(folder: Path, see: See, cameras: Sequence[str] = ("cam",), threads: int = 1) -> Iterator[Looking]:
    """Give a worker with a bus of its own in ``folder``."""
    bus = TappedBus(folder)
    try:
        with Looking(bus, see, cameras, threads) as worker:
            yield worker
    finally:
        bus.close()
