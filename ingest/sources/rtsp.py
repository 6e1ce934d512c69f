"""``kind: rtsp``: cameras that speak RTSP."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ingest.address import Addressed
from ingest.rtsp import OverRtsp, RtspSource
from ingest.sources.base import Stream
from lianfang.clock import Clock
from lianfang.config import Config as Configuration
from lianfang.config import Problem


class Config(OverRtsp, Addressed):
    """An RTSP stream."""

    schemes = ("rtsp", "rtsps")

    kind: Literal["rtsp"]
    sub_url: str | None = None
    """Address of its sub-stream: the same view, smaller; the same user name and password."""

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
    return RtspSource(config, lambda stream, _stop: config.address_of(stream), lambda: config.streams)
