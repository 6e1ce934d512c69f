"""``kind: rtsp``: cameras that speak RTSP."""

from __future__ import annotations

import threading
from typing import Literal

from pydantic import Field

from ingest.address import Addressed
from ingest.demux import decoded, opened
from ingest.sources.base import Pictures
from ingest.timing import ArrivalTiming, HostTime, Timing
from lianfang.clock import Clock


class Config(Addressed):
    """An RTSP stream."""

    schemes = ("rtsp", "rtsps")

    kind: Literal["rtsp"]
    transport: Literal["tcp", "udp"] = "tcp"
    """How the pictures travel. Over tcp none is lost or torn."""
    open_timeout_s: float = Field(default=5, gt=0, le=60)
    """Longest wait for the camera to answer, and again for it to describe the stream."""
    read_timeout_s: float = Field(default=2, gt=0, le=60)
    """Silence after which the camera counts as lost; longer than its pictures are apart."""


def build(config: Config, clock: Clock) -> RtspSource:
    """Return the source."""
    del clock
    return RtspSource(config)


class RtspSource:
    """One RTSP stream. Only video is asked for."""

    def __init__(self, config: Config) -> None:
        self._config = config

    @property
    def live(self) -> bool:
        """A camera's pictures come as they are taken."""
        return True

    def timing(self, host: HostTime) -> Timing:
        """Return host time with the spacing of RTP's time stamps."""
        return ArrivalTiming(host)

    def open(self, stop: threading.Event) -> Pictures:
        """Connect and yield pictures until the stream ends."""
        config = self._config
        options = {
            "rtsp_transport": config.transport,
            "allowed_media_types": "video",
            # Twenty pictures would be waited for only to estimate a frame rate that nobody asks for.
            "fpsprobesize": "0",
        }
        with opened(config.address(), options, (config.open_timeout_s, config.read_timeout_s)) as container:
            yield from decoded(container, stop, config.read_timeout_s)
