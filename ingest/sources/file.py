"""``kind: file``: recorded video in place of a camera."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import av
from pydantic import AwareDatetime

from ingest.demux import decoded, opened
from ingest.sources.base import Asked, Picture, Pictures, SourceEnded, SourceLost, Stream
from ingest.timing import ArrivalTiming, HostTime, StreamTiming, Timing
from lianfang.clock import Clock
from lianfang.config import Config as Configuration
from lianfang.config import Problem, Stanza
from lianfang.events import CameraReason

DEFAULT_INTERVAL_S = 1 / 25
"""Distance of two pictures of a file that states no rate."""
MAX_INTERVAL_S = 60.0
"""A larger step between two time stamps is a fault of the file, not a pause."""
FORMATS = (
    *("asf", "avi", "flv", "matroska", "mov", "mpeg", "mpegts", "mxf", "nut", "ogg"),
    *("dhav", "hxvs"),  # recorders of Dahua and HXVS
    *("av1", "dv", "h264", "hevc", "ivf", "m4v", "mjpeg", "mpegvideo", "obu"),
    *("jpeg_pipe", "png_pipe"),  # a still picture is a short video
)
"""What counts as video, by the names of FFmpeg's demuxers. It would also draw the letters of a text (tty) or
follow a play list, and each of its hundreds of formats is one more way in."""
MAX_BEHIND_S = 1.0
"""Further behind real time than this, the pace starts anew rather than hurry."""


class Config(Stanza):
    """A video file."""

    kind: Literal["file"]
    path: Path
    """The file; relative to the configuration."""
    pace: Literal["realtime", "asap"] = "realtime"
    """realtime: as a camera would give it. asap: as fast as it can be read, with the file's time stamps."""
    loop: bool = False
    """Begin again at the end. Without it the camera is offline when the file has ended."""
    start: AwareDatetime | None = None
    """With asap, when the first picture was taken; now where not given."""

    def check(self, config: Configuration) -> Iterable[Problem]:
        """Yield a problem if there is no such file."""
        del config
        if not self.path.is_file():
            found = "a folder" if self.path.is_dir() else f"no file {self.path}"
            yield Problem(("path",), found, "a video file")


def build(config: Config, clock: Clock) -> FileSource:
    """Return the source; ``clock`` paces it."""
    return FileSource(config, clock)


class FileSource:
    """One video file."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock

    @property
    def live(self) -> bool:
        """In real time the pictures come as if they were taken now."""
        return self._config.pace == "realtime"

    @property
    def streams(self) -> tuple[Stream, ...]:
        """One."""
        return ("main",)

    def timing(self, host: HostTime) -> Timing:
        """Return host time, or with asap the file's own time from the start on."""
        return ArrivalTiming(host) if self.live else StreamTiming(self._config.start or host.now())

    def open(self, stop: threading.Event, asked: Asked) -> Pictures:
        """Yield the pictures with time stamps that go on from one round to the next."""
        timeline = _Timeline()
        ahead = _Pacer(self._clock) if self.live else None
        while not stop.is_set():
            before = timeline.count
            for picture in self._round(timeline, stop, asked):
                if ahead and picture.pts_s is not None:
                    waited_s = ahead.wait(picture.pts_s, stop)
                    yield replace(picture, waited_s=(picture.waited_s or 0.0) + waited_s)
                else:
                    yield picture
            if stop.is_set():
                return
            if timeline.count == before:
                raise SourceLost(CameraReason.NO_PICTURE, "no picture in the file")
            if not self._config.loop:
                raise SourceEnded(CameraReason.END_OF_FILE)

    def _round(self, timeline: _Timeline, stop: threading.Event, asked: Asked) -> Iterator[Picture]:
        # The whitelists keep a play list that poses as a video from opening what it names.
        allowed = {"protocol_whitelist": "file", "format_whitelist": ",".join(FORMATS)}
        with opened(str(self._config.path), allowed) as container:
            rate = container.streams.video[0].average_rate if container.streams.video else None
            timeline.begin(1 / float(rate) if rate else DEFAULT_INTERVAL_S)
            for picture in decoded(container, stop, asked):
                if picture.frame is None:
                    yield picture
                else:
                    yield replace(picture, pts_s=timeline.place(picture.frame))


class _Timeline:
    """Seconds since the first picture, strictly increasing, whatever the file says."""

    def __init__(self) -> None:
        self.count = 0
        self._interval_s = DEFAULT_INTERVAL_S
        self._at_s = 0.0
        self._pts_s: float | None = None

    def begin(self, interval_s: float) -> None:
        """Start a round of a file whose pictures are usually ``interval_s`` apart."""
        self._interval_s = min(interval_s, MAX_INTERVAL_S)
        self._pts_s = None

    def place(self, frame: av.VideoFrame) -> float:
        """Return the time of the next picture."""
        pts_s: float | None = frame.time
        step_s = self._interval_s
        if pts_s is not None and self._pts_s is not None and 0 < pts_s - self._pts_s <= MAX_INTERVAL_S:
            step_s = pts_s - self._pts_s
        if self.count:
            self._at_s += step_s
        self._pts_s = pts_s
        self.count += 1
        return self._at_s


class _Pacer:
    """Holds pictures back until it is their time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._origin_s: float | None = None

    def wait(self, pts_s: float, stop: threading.Event) -> float:
        """Return when the picture is due, or ``stop`` is set: the seconds that it took."""
        now_s = self._clock.monotonic()
        if self._origin_s is None or now_s - (self._origin_s + pts_s) > MAX_BEHIND_S:
            self._origin_s = now_s - pts_s
        stop.wait(max(0.0, self._origin_s + pts_s - now_s))
        return self._clock.monotonic() - now_s
