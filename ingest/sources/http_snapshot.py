"""``kind: http_snapshot``: cameras that give a picture for each time that they are asked."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Literal

from pydantic import Field

from ingest.address import HTTP_OPTIONS, OverHttp
from ingest.demux import decoded, opened
from ingest.sources.base import Asked, LiveSource, Pictures
from lianfang.clock import Clock


class Config(OverHttp):
    """A picture at an address, a JPEG."""

    kind: Literal["http_snapshot"]
    every_s: float = Field(default=1, ge=0.2, le=3600)
    """Seconds from one question to the next. Rules see nothing in between."""
    timeout_s: float = Field(default=5, gt=0, le=60)
    """Longest wait for the answer, and again for its picture."""


def build(config: Config, clock: Clock) -> SnapshotSource:
    """Return the source; ``clock`` says when to ask."""
    return SnapshotSource(config, clock)


class SnapshotSource(LiveSource):
    """Asks again and again. A picture was taken when its answer came."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config, self._clock = config, clock

    def open(self, stop: threading.Event, asked: Asked) -> Pictures:
        """Ask and yield pictures until one does not come."""
        config = self._config
        due_s = self._clock.monotonic()
        while not stop.is_set():
            with opened(config.address(), HTTP_OPTIONS, (config.timeout_s,) * 2, "jpeg_pipe") as container:
                for picture in decoded(container, stop, asked, config.timeout_s):
                    yield replace(picture, pts_s=None)
            due_s = max(due_s + config.every_s, self._clock.monotonic())
            stop.wait(due_s - self._clock.monotonic())
