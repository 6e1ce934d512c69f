"""One camera while somebody looks at it: its newest picture, and what detectors saw in it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import structlog

from lianfang import codec
from lianfang.bus import Bus, Consumer, Record, TopicPartition
from lianfang.clock import Clock
from lianfang.errors import DecodeError, TransientError
from lianfang.events import OBSERVATIONS, DetectedObject, Frame, Observation

_log = structlog.get_logger()

_LOOK_S = 0.1  # between two looks at the bus: twice as often as pictures are handed out at most
_AGAIN_S = 1.0  # after the bus was out of reach
_BEGIN = timedelta(seconds=2)  # so old may the first picture be
_KEPT = 40  # pictures that wait for the detectors' word
_BEHIND = timedelta(seconds=2)  # detectors that are later than that are not waited for


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture as it was published; ``objects`` are what detectors saw, None where they said nothing."""

    captured_at: datetime
    jpeg: bytes
    objects: tuple[DetectedObject, ...] | None = None


class Sight:
    """The newest picture of one camera; a thread reads it."""

    def __init__(self, bus: Bus, clock: Clock, camera: str, key: str) -> None:
        """``key`` is the camera's key in the log."""
        self._bus, self._clock, self._camera, self._key = bus, clock, camera, key
        self.tell: Callable[[], None] = lambda: None
        """Is called, in that thread, whenever there is another picture."""
        self._waiting: OrderedDict[tuple[str, int], Frame] = OrderedDict()
        self._plain: Shot | None = None
        self._seen: Shot | None = None
        self._annotated, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"live-{camera}", daemon=True)

    def begin(self) -> None:
        """Read it from now on."""
        self._thread.start()

    def annotate(self) -> None:
        """Read also what detectors see."""
        self._annotated.set()

    def end(self) -> None:
        """Read it no more; returns at once."""
        self._stop.set()

    def join(self) -> None:
        """Return when nothing is read any more."""
        self._thread.join()

    def shot(self, *, annotated: bool) -> Shot | None:
        """Return the newest picture, ``annotated`` the newest that detectors have looked at.

        Where they are too late, or away, it is the newest one without their word.
        """
        plain, seen = self._plain, self._seen
        if not annotated or plain is None or seen is None:
            return plain
        return plain if plain.captured_at - seen.captured_at > _BEHIND else seen

    def _run(self) -> None:
        lost = False
        while not self._stop.is_set():
            try:
                self._read()
            except TransientError as error:
                if not lost:
                    _log.warning("live_view_lost", camera_id=self._camera, reason=str(error))
                lost = True
                self._stop.wait(_AGAIN_S)

    def _read(self) -> None:
        with ExitStack() as opened:
            footage = opened.enter_context(
                closing(self._bus.footage(self._camera, self._clock.now() - _BEGIN))
            )
            seen: _Seen | None = None
            while not self._stop.wait(_LOOK_S):
                if seen is None and self._annotated.is_set():
                    seen = opened.enter_context(closing(_Seen(self._bus, self._key)))
                news = self._take(footage.read())
                if seen is not None:
                    news |= self._match(seen.read())
                if news:
                    self.tell()

    def _take(self, records: Iterable[Record]) -> bool:
        newest = None
        for record in records:
            try:
                frame = codec.decode_frame(record.value, record.headers)
            except DecodeError:
                continue
            if frame.encoding == "jpeg":
                newest = self._waiting[frame.epoch, frame.seq] = frame
        while len(self._waiting) > _KEPT:
            self._waiting.popitem(last=False)
        if newest is not None:
            self._plain = Shot(newest.captured_at, newest.pixels)
        return newest is not None

    def _match(self, observations: Iterable[Observation]) -> bool:
        """Join what was seen with its pictures, whichever comes later."""
        found = False
        for seen in observations:
            frame = self._waiting.get((seen.frame.epoch, seen.frame.seq))
            if seen.camera_id == self._camera and frame is not None:
                self._seen, found = Shot(frame.captured_at, frame.pixels, seen.objects), True
        return found


class _Seen:
    """What is said of one key of the log from now on."""

    def __init__(self, bus: Bus, key: str) -> None:
        self._key = key
        self._mine = TopicPartition(OBSERVATIONS, bus.partition_of(OBSERVATIONS, key))
        self._consumer: Consumer = bus.subscribe((OBSERVATIONS,), f"live-{uuid4()}", "durable")
        self._assigned = False

    def read(self) -> list[Observation]:
        """Return what has come."""
        if not self._assigned:
            assigned = self._consumer.assignment()
            if self._mine not in assigned:
                self._consumer.poll(0)  # a group of Kafka is given its partitions while it is polled
                return []
            self._consumer.pause(assigned - {self._mine})
            self._consumer.seek(self._mine, self._consumer.end(self._mine))
            self._assigned = True
        return [event for record in self._consumer.poll(0) if (event := self._event(record)) is not None]

    def close(self) -> None:
        """Read it no more."""
        self._consumer.close()

    def _event(self, record: Record) -> Observation | None:
        if record.key != self._key:
            return None
        try:
            event = codec.decode_event(record.value, record.headers)
        except DecodeError:
            return None
        return event if isinstance(event, Observation) else None
