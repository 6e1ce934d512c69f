"""Hundreds of reconnects leave nothing behind."""

from __future__ import annotations

import gc
import multiprocessing
import os
import random
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import av
import pytest
from av.container import InputContainer
from prometheus_client import CollectorRegistry

from ingest.backoff import Backoff
from ingest.camera import CameraReader
from ingest.metrics import IngestMetrics
from ingest.sources import rtsp
from ingest.sources.base import Asked, Pictures, Source, SourceLost, Stream
from ingest.timing import HostTime, Timing
from lianfang.clock import SystemClock
from lianfang.events import CameraReason
from tests.support.fake_bus import FakeBus
from tests.support.reading import configured
from tests.support.rtsp_server import RtspServer
from tests.support.video import write_clip

THREADS = 16
WARM_UP, RECONNECTS = 120, 200
LEAK_LIMIT_BYTES = 16 * 1024 * 1024  # a leaked connection to this server holds 0.5 MB and more


class NoWait(Backoff):
    """Reconnects at once."""

    def __init__(self) -> None:
        super().__init__(random.Random(1))  # noqa: S311 - never drawn from

    def next_s(self) -> float:
        return 0.0


class Flapping:
    """A real RTSP connection that is lost after its first picture, until ``left`` are used up."""

    live = True
    streams: tuple[Stream, ...] = ("main",)

    def __init__(self, source: Source, left: list[int], done: threading.Event) -> None:
        self._source = source
        self._left = left
        self._done = done

    def timing(self, host: HostTime) -> Timing:
        return self._source.timing(host)

    def open(self, stop: threading.Event, asked: Asked) -> Pictures:
        try:
            self._left.pop()
        except IndexError:
            self._done.set()
            stop.wait()
            return
        pictures = self._source.open(stop, asked)
        try:
            yield next(pictures)
        finally:
            pictures.close()
        raise SourceLost(CameraReason.END_OF_STREAM, "cut by the test")


def rss_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def held() -> int:
    """Return how many containers and pictures of FFmpeg's are alive."""
    return sum(isinstance(o, InputContainer | av.VideoFrame) for o in gc.get_objects())


def reconnect(times: int, url: str) -> FakeBus:
    """Lose and open ``times`` connections, THREADS at a time."""
    config = configured({"gate": {"source": {"kind": "rtsp", "url": url}}})
    bus, metrics, clock = FakeBus(), IngestMetrics(CollectorRegistry()), SystemClock()
    left, stop = list(range(times)), threading.Event()
    done = [threading.Event() for _ in range(THREADS)]
    threads = []
    for event in done:
        source = Flapping(rtsp.build(rtsp.Config(kind="rtsp", url=url), clock), left, event)
        reader = CameraReader(config, "gate", source, bus, clock, metrics, NoWait())
        threads.append(threading.Thread(target=reader.run, args=(stop,)))
        threads[-1].start()
    for event in done:
        assert event.wait(120)
    stop.set()
    for thread in threads:
        thread.join()
    return bus


def grown(url: str) -> tuple[int, int, int]:
    """Return by how much bytes of memory, objects of FFmpeg's and descriptors grow over RECONNECTS."""
    reconnect(WARM_UP, url)
    gc.collect()
    rss, alive, descriptors = rss_bytes(), held(), open_descriptors()
    bus = reconnect(RECONNECTS, url)
    assert bus.conditions("gate").count("online") == RECONNECTS
    del bus
    gc.collect()
    return rss_bytes() - rss, held() - alive, open_descriptors() - descriptors


@pytest.mark.slow
def test_memory_is_flat_over_200_reconnects(tmp_path: Path) -> None:
    every_picture_a_keyframe = write_clip(tmp_path / "one.mp4", count=1)
    alone = multiprocessing.get_context("spawn")  # other tests of this process have memory of their own
    with RtspServer(every_picture_a_keyframe) as server, ProcessPoolExecutor(1, alone) as process:
        rss, alive, descriptors = process.submit(grown, server.url).result(240)
    assert rss < LEAK_LIMIT_BYTES
    assert alive <= 0
    assert descriptors <= 0
