"""``kind: onvif``: cameras and recorders that say by ONVIF where their streams are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ingest.address import Login
from ingest.rtsp import OverRtsp, RtspSource
from ingest.sources.base import Stream
from lianfang.clock import Clock
from lianfang.config import Config as Configuration
from lianfang.config import Problem
from lianfang.config.stanza import Host
from lianfang.config.tls import Tls
from lianfang.reach.http import base_url
from lianfang.reach.networks import Reached, check_address

Token = Annotated[str, Field(min_length=1, max_length=256)]


class Config(OverRtsp, Login, Reached):
    """A camera, or a channel of a recorder, by ONVIF. Where its stream is is asked at each connection."""

    kind: Literal["onvif"]
    url: Annotated[str, AfterValidator(base_url)]
    """The device, such as http://10.1.2.3; the path is ONVIF's usual one where none is given."""
    tls: Tls | None = None
    """Certificates, where its address begins with https."""
    lens: Token | None = None
    """Token of what it looks through (video source), where it has several: one a channel of a recorder."""
    profile: Token | None = None
    """Token of the profile of the main stream."""
    min_width: int | None = Field(default=None, ge=1, le=16384)
    """In place of a token: the smallest profile that is so many pixels wide. Where no profile is, and where
    nothing is said, the largest."""
    sub_profile: Token | None = None
    """Token of the profile of the sub-stream; where not given, the smallest of the same lens that is at least
    640 pixels wide. Say `sub_width` of the camera where it is narrower."""
    stream_hosts: tuple[Host, ...] = Field(default=(), max_length=16)
    """Other hosts that its streams may be at. A stream at any other one is not opened: it would be another
    camera's."""
    keep_host: bool = False
    """True: its streams are at its own host, whatever it says. For a device behind an address translation."""

    @property
    def streams(self) -> tuple[Stream, ...]:
        """Both, as far as is known before it is asked."""
        return ("main", "sub")

    def check(self, config: Configuration) -> Iterable[Problem]:
        """Yield an address where nothing may be, and a password of nobody."""
        yield from super().check(config)
        yield from check_address("url", self.url, self.within)
        if self.profile is not None and self.min_width is not None:
            yield Problem(("min_width",), "a 'profile' too", "one of both")
        if self.keep_host and self.stream_hosts:
            yield Problem(("stream_hosts",), "'keep_host' too", "one of both")

    def clock_ahead_s(self, clock: Clock) -> float:
        """Ask the device what its clock says; it tells everybody."""
        return asyncio.run(self._clock_ahead_s(clock))

    async def _clock_ahead_s(self, clock: Clock) -> float:
        from ingest.onvif import Device  # noqa: PLC0415 - as below

        device = Device(
            self.url,
            self.login(),
            networks=self.within,
            timeout_s=self.open_timeout_s,
            tls=self.tls,
            clock=clock,
        )
        async with device, asyncio.timeout(2 * self.open_timeout_s):
            return (await device.time()).ahead_s


def build(config: Config, clock: Clock) -> RtspSource:
    """Return the source."""
    # Only here: the library costs 34 MB, which a process that reads the configuration only need not have.
    from ingest.onvif.where import Where  # noqa: PLC0415

    where = Where(config, clock)
    return RtspSource(config, where.address_of, lambda: where.streams)
