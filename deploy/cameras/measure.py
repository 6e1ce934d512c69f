"""What reading one camera costs on this machine: a few seconds of it, measured."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from av import VideoFrame
from av.error import FFmpegError

from detectors.camera import WatchedCamera
from ingest.encode import Encoder, Jpeg
from ingest.sampler import Sampler
from ingest.sources.base import Asked, Picture, Source, SourceLost
from lianfang import plugins
from lianfang.bus import Position
from lianfang.clock import Clock
from lianfang.config import Camera
from lianfang.config.way import Stream
from lianfang.events import FRAMES, CameraReason, Frame

PATIENCE_S = 15.0
"""A camera that gives too little for so much longer than was asked for counts as one that does not answer."""
KEPT = 6
"""Published pictures that are kept, to measure detectors on."""
_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured of a camera. ``decode`` is in cores, ``encode_s`` a published picture."""

    width: int
    height: int
    fps: float
    published_fps: float
    decode: float
    encode_s: float
    mbit_s: float | None
    jpeg_bytes: float
    jpegs: tuple[Jpeg, ...]


def most_fps(camera: Camera) -> float:
    """Return the most pictures a second that a camera publishes at any hour."""
    return max([camera.fps, *(hours.fps for hours in camera.fps_hours)])


def read(camera: Camera, stream: Stream, clock: Clock, seconds: float) -> Reading:
    """Read ``stream`` of ``camera`` for so long in this thread, as ingest would; SourceLost where it is away.

    Only the processor time of this thread counts, so that several cameras can be read at once.
    """
    source: Source = plugins.build("ingest.sources", camera.source, clock)
    asked = Asked(stream, camera.keyframes == "always")
    tally = _Tally(camera)
    with _ending(seconds + PATIENCE_S) as stop, closing(source.open(stop, asked)) as pictures:
        try:
            for picture in pictures:
                if picture.frame is not None and not picture.corrupt:
                    tally.take(picture, picture.frame, clock.monotonic())
                if tally.seconds >= seconds:
                    break
        except SourceLost:
            if tally.seconds < min(1.0, seconds):  # a file may be shorter, and is enough
                raise
    return tally.reading()


@contextmanager
def _ending(after_s: float) -> Iterator[threading.Event]:
    stop = threading.Event()
    timer = threading.Timer(after_s, stop.set)
    timer.daemon = True
    timer.start()
    try:
        yield stop
    finally:
        timer.cancel()
        timer.join()


class _Tally:
    """Counts from the first picture on: connecting costs once, and is not what is asked for."""

    def __init__(self, camera: Camera) -> None:
        self._sampler, self._encoder = Sampler(most_fps(camera)), Encoder.of(camera)
        self._size = (0, 0)
        self._first: tuple[float, float] | None = None  # time of the stream, processor time
        self.seconds = 0.0
        self._count, self._bytes, self._cpu_s = 0, 0, 0.0
        self._encode_s: list[float] = []
        self._jpegs: list[Jpeg] = []
        self._jpeg_bytes = 0

    def take(self, picture: Picture, frame: VideoFrame, now_s: float) -> None:
        """Count a picture, and encode it where it would be published."""
        at_s = now_s if picture.pts_s is None else picture.pts_s
        if self._first is None:
            self._first, self._size = (at_s, time.thread_time()), (frame.width, frame.height)
        else:
            self._count += 1
            self._bytes += picture.data_bytes or 0
        self.seconds = at_s - self._first[0]
        if self._sampler.takes(_START + timedelta(seconds=max(0.0, self.seconds))):
            self._encode(frame)
        self._cpu_s = time.thread_time() - self._first[1] - sum(self._encode_s)

    def _encode(self, frame: VideoFrame) -> None:
        begin_s = time.thread_time()
        try:
            jpeg = self._encoder.encode(frame)
        except (FFmpegError, ValueError):
            return
        self._encode_s.append(time.thread_time() - begin_s)
        self._jpeg_bytes += len(jpeg.data)
        if len(self._jpegs) < KEPT:
            self._jpegs.append(jpeg)

    def reading(self) -> Reading:
        """Return what was measured; SourceLost where that is nothing."""
        if not self._jpegs or self.seconds <= 0:
            raise SourceLost(CameraReason.NO_PICTURE, "too few pictures to measure")
        published = len(self._encode_s)
        return Reading(
            width=self._size[0],
            height=self._size[1],
            fps=self._count / self.seconds,
            published_fps=(published - 1) / self.seconds if published > 1 else 1 / self.seconds,
            decode=self._cpu_s / self.seconds,
            encode_s=median(self._encode_s),
            mbit_s=self._bytes * 8e-6 / self.seconds if self._bytes else None,
            jpeg_bytes=self._jpeg_bytes / published,
            jpegs=tuple(self._jpegs),
        )


def look_s(watched: WatchedCamera, camera_id: str, jpegs: tuple[Jpeg, ...]) -> float:
    """Return the processor seconds of this process that its detectors need for one picture."""
    taken = []
    for n in range(max(3, len(jpegs))):
        jpeg = jpegs[n % len(jpegs)]
        at = _START + timedelta(seconds=n / 5)
        frame = Frame(camera_id, "plan", n, at, at, jpeg.width, jpeg.height, "jpeg", jpeg.data)
        begin_s = time.process_time()
        watched.look(frame, Position(FRAMES, 0, n))
        taken.append(time.process_time() - begin_s)
    return median(taken[1:])  # the first one warms up
