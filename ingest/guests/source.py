"""The camera of a guest as a source of pictures: FFmpeg reads it through our own door, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from ingest.demux import decoded, opened
from ingest.guests.door import Door
from ingest.sources.base import Asked, LiveSource, Pictures, Source, SourceLost
from lianfang import plugins
from lianfang.clock import Clock
from lianfang.events import CameraReason
from lianfang.reach.guests import GuestSource
from lianfang.reach.networks import Network

_RTMP = {"rtmp_live": "live", "protocol_whitelist": "rtmp,tcp"}
_TIMEOUTS_S = (8.0, 4.0)


class BehindDoor(LiveSource):
    """A guest's camera, or what its owner pushes to the media server. A door is made for each connection."""

    def __init__(self, source: GuestSource, networks: Sequence[Network], clock: Clock) -> None:
        self._source, self._networks, self._clock = source, networks, clock

    def open(self, stop: threading.Event, asked: Asked) -> Pictures:
        """Connect and yield pictures until the stream ends. SourceLost says why, where the door was shut."""
        with Door(self._source, self._networks) as door:
            try:
                yield from self._inner(door.port).open(stop, asked)
            except SourceLost:
                if door.refused:
                    raise SourceLost(CameraReason.UNREACHABLE, door.refused) from None
                raise

    def _inner(self, port: int) -> Source:
        address = self._source.at(port)
        if self._source.kind == "rtmp":
            return _Rtmp(address)
        module = plugins.load("ingest.sources", self._source.kind)
        stanza = module.Config.model_validate({"kind": self._source.kind, "url": address})
        source: Source = module.build(stanza, self._clock)
        return source


class _Rtmp(LiveSource):
    """A stream at a media server that speaks RTMP only."""

    def __init__(self, address: str) -> None:
        self._address = address

    def open(self, stop: threading.Event, asked: Asked) -> Pictures:
        with opened(self._address, _RTMP, _TIMEOUTS_S, "flv") as container:
            yield from decoded(container, stop, asked, _TIMEOUTS_S[1], live=True)
