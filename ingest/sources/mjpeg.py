"""``kind: mjpeg``: cameras that give Motion JPEG over HTTP, a picture after the other in one answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from pydantic import Field

from ingest.address import HTTP_OPTIONS, OverHttp
from ingest.demux import decoded, opened
from ingest.sources.base import Asked, LiveSource, Picture, Pictures
from lianfang.clock import Clock


class Config(OverHttp):
    """Motion JPEG over HTTP (multipart/x-mixed-replace)."""

    kind: Literal["mjpeg"]
    open_timeout_s: float = Field(default=5, gt=0, le=60)
    """Longest wait for the camera to answer."""
    read_timeout_s: float = Field(default=2, gt=0, le=60)
    """Silence after which the camera counts as lost; longer than its pictures are apart."""


def build(config: Config, clock: Clock) -> MjpegSource:
    """Return the source."""
    del clock
    return MjpegSource(config)


class MjpegSource(LiveSource):
    """One answer that does not end. Its pictures carry no time: they were taken when they came."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def open(self, stop: threading.Event, asked: Asked) -> Pictures:
        """Connect and yield pictures until the answer ends."""
        config = self._config
        timeouts = (config.open_timeout_s, config.read_timeout_s)
        with opened(config.address(), HTTP_OPTIONS, timeouts, "mpjpeg") as container:
            yield from _timeless(decoded(container, stop, asked, config.read_timeout_s))


def _timeless(pictures: Iterator[Picture]) -> Pictures:
    """Yield them without the time stamps that FFmpeg counts up at 25 a second, whatever comes."""
    for picture in pictures:
        yield replace(picture, pts_s=None)
