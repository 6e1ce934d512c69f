"""``kind: rtsp``: cameras that speak RTSP."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from ingest.address import Addressed
from ingest.demux import decoded, opened
from ingest.sources.base import Asked, Pictures, Stream
from ingest.timing import ArrivalTiming, HostTime, Timing
from lianfang.clock import Clock
from lianfang.config import Config as Configuration
from lianfang.config import Problem


class Config(Addressed):
    """An RTSP stream."""

    schemes = ("rtsp", "rtsps")

    kind: Literal["rtsp"]
    sub_url: str | None = None
    """Address of its sub-stream: the same view, smaller; the same user name and password."""
    transport: Literal["tcp", "udp"] = "tcp"
    """How the pictures travel. Over tcp none is lost or torn."""
    open_timeout_s: float = Field(default=5, gt=0, le=60)
    """Longest wait for the camera to answer, and again for it to describe the stream."""
    read_timeout_s: float = Field(default=2, gt=0, le=60)
    """Silence after which the camera counts as lost; longer than its pictures are apart."""

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams that have an address."""
        return ("main",) if self.sub_url is None else ("main", "sub")

    def check(self, config: Configuration) -> Iterable[Problem]:
        """Yield what is wrong with the addresses and with who we are."""
        yield from super().check(config)
        if self.sub_url is not None:
            yield from self._wrong("sub_url", self.sub_url)

    def address_of(self, stream: Stream) -> str:
        """Return the address of a stream with credentials, of the main where there is no such. SourceLost."""
        if stream == "sub" and self.sub_url is not None:
            return self._with_login("sub_url", self.sub_url)
        return self.address()


def build(config: Config, clock: Clock) -> RtspSource:
    """Return the source."""
    del clock
    return RtspSource(config)


class RtspSource:
    """One RTSP stream at a time. Only video is asked for."""

    def __init__(self, config: Config) -> None:
        self._config = config

    @property
    def live(self) -> bool:
        """A camera's pictures come as they are taken."""
        return True

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams that have an address."""
        return self._config.streams

    def timing(self, host: HostTime) -> Timing:
        """Return host time with the spacing of RTP's time stamps."""
        return ArrivalTiming(host)

    def open(self, stop: threading.Event, asked: Asked) -> Pictures:
        """Connect and yield pictures until the stream ends."""
        config = self._config
        options = {
            "rtsp_transport": config.transport,
            "allowed_media_types": "video",
            # Twenty pictures would be waited for only to estimate a frame rate that nobody asks for.
            "fpsprobesize": "0",
        }
        timeouts = (config.open_timeout_s, config.read_timeout_s)
        with opened(config.address_of(asked.stream), options, timeouts) as container:
            yield from decoded(container, stop, asked, config.read_timeout_s)
