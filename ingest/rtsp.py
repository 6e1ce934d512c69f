"""Pictures by RTSP: what sources share whose streams come so, however their addresses are found."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from ingest.asking import Stopped
from ingest.demux import decoded, opened
from ingest.sources.base import Asked, LiveSource, Pictures, Stream
from lianfang.config import Stanza


class OverRtsp(Stanza):
    """How the pictures of a source travel."""

    transport: Literal["tcp", "udp"] = "tcp"
    """How the pictures travel. Over tcp none is lost or torn."""
    open_timeout_s: float = Field(default=5, gt=0, le=60)
    """Longest wait for the camera to answer, and again for it to describe the stream."""
    read_timeout_s: float = Field(default=2, gt=0, le=60)
    """Silence after which the camera counts as lost; longer than its pictures are apart."""


@dataclass(frozen=True)
class RtspSource(LiveSource):
    """One RTSP stream at a time, at the address that ``address_of`` gives for it at each connection.

    That raises SourceLost, or Stopped once its event is set. Only video is asked for. ``has`` says which
    streams there are.
    """

    config: OverRtsp
    address_of: Callable[[Stream, threading.Event], str]
    has: Callable[[], tuple[Stream, ...]]

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams that have an address."""
        return self.has()

    def open(self, stop: threading.Event, asked: Asked) -> Pictures:
        """Connect and yield pictures until the stream ends."""
        config = self.config
        options = {
            "rtsp_transport": config.transport,
            "allowed_media_types": "video",
            # Twenty pictures would be waited for only to estimate a frame rate that nobody asks for.
            "fpsprobesize": "0",
        }
        try:
            address = self.address_of(asked.stream, stop)
        except Stopped:
            return
        timeouts = (config.open_timeout_s, config.read_timeout_s)
        with opened(address, options, timeouts) as container:
            yield from decoded(container, stop, asked, config.read_timeout_s, live=True)
