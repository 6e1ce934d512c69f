"""``kind: nvr``: a channel of a recorder, by the addresses that its make gives channels."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

from pydantic import Field

from ingest.address import Login, with_login
from ingest.recorders import MAKES, Make, Recorder, filled
from ingest.rtsp import OverRtsp, RtspSource
from ingest.sources.base import Stream
from lianfang.clock import Clock
from lianfang.config import Config as Configuration
from lianfang.config import Problem
from lianfang.config.stanza import Host

_NAMES = {"main_path": "{channel}", "sub_path": "{channel}", "playback_path": "{channel}, {start}, {end}"}
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


class Config(OverRtsp, Login):
    """A channel of a network video recorder. It records; here its live pictures are read."""

    kind: Literal["nvr"]
    make: Make
    """Who made it, or whose protocol it speaks."""
    host: Host
    """Name or address of the recorder."""
    port: int = Field(default=554, ge=1, le=65535)
    """Its port for RTSP."""
    channel: int = Field(ge=1, le=512)
    """Number of the channel, from 1 on."""
    main_path: str | None = Field(default=None, max_length=256)
    """In place of the make's: path of the live main stream, with {channel}."""
    sub_path: str | None = Field(default=None, max_length=256)
    """In place of the make's: path of the live sub-stream."""
    playback_path: str | None = Field(default=None, max_length=256)
    """In place of the make's: path of what was recorded, with {start} and {end} too."""

    @property
    def streams(self) -> tuple[Stream, ...]:
        """Both."""
        return ("main", "sub")

    def check(self, config: Configuration) -> Iterable[Problem]:
        """Yield paths that cannot be filled, and a password of nobody."""
        yield from super().check(config)
        for key, names in _NAMES.items():
            path: str | None = getattr(self, key)
            span = (_SOME_DAY, _SOME_DAY) if "{start}" in names else None
            try:
                filled(path or "", self._recorder, self.channel, span)
            except (LookupError, ValueError) as error:
                yield Problem((key,), f"{path} ({error})", f"a path with {names}, and nothing else in braces")

    def address_of(self, stream: Stream) -> str:
        """Return the address of a live stream with credentials. SourceLost."""
        path = self._recorder.sub if stream == "sub" else self._recorder.main
        return with_login(self._at(filled(path, self._recorder, self.channel)), self.login())

    def playback(self, at: datetime, for_s: float, zone: tzinfo) -> str:
        """Return where the recorder plays what it recorded from ``at`` on, without user and password.

        ``zone`` is that of the recorder's own clock: some makes know no other.
        """
        span = (at.astimezone(zone), (at + timedelta(seconds=for_s)).astimezone(zone))
        return self._at(filled(self._recorder.playback, self._recorder, self.channel, span))

    @property
    def _recorder(self) -> Recorder:
        known = MAKES[self.make]
        return Recorder(
            self.main_path or known.main,
            self.sub_path or known.sub,
            self.playback_path or known.playback,
            known.moment,
        )

    def _at(self, path: str) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"rtsp://{host}:{self.port}/{path.lstrip('/')}"


def build(config: Config, clock: Clock) -> RtspSource:
    """Return the source."""
    del clock
    return RtspSource(config, lambda stream, _stop: config.address_of(stream), lambda: config.streams)
