"""``kind: wvp``: cameras of GB/T 28181 (国标), by a WVP platform and its media server."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field

from ingest.asking import answered
from ingest.rtsp import OverRtsp, RtspSource
from ingest.sources.base import Asked, LiveSource, Pictures, SourceLost, Stream
from lianfang.clock import Clock
from lianfang.config import Config as Configuration
from lianfang.config import Problem, Secret
from lianfang.config.stanza import DeviceCode
from lianfang.errors import TransientError
from lianfang.events import CameraReason
from lianfang.reach.http import BaseUrl, check_ca_file
from lianfang.reach.networks import Reached, address_of, check_address
from lianfang.reach.wvp import Platform

_RTSP_PORT = 554


class Config(OverRtsp, Reached):
    """A channel of a device that is registered at a WVP platform. The platform calls it for us.

    Which of its streams comes is set at the platform, channel by channel: GB/T 28181 knows no other way.
    """

    kind: Literal["wvp"]
    base_url: BaseUrl
    """The platform, such as http://10.0.0.2:18080."""
    username: str = Field(min_length=1)
    """Whom it knows us as."""
    password: Secret
    """Its password."""
    device: DeviceCode
    """The 20-digit code of the device: a camera, a recorder, a platform below."""
    channel: DeviceCode
    """The 20-digit code of the channel."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    call_s: float = Field(default=20, ge=1, le=60)
    """Seconds that the platform may take to call the device."""
    hang_up: bool = False
    """True: the call is ended with our last picture; whoever looks at the camera at the platform then sees
    nothing more. Else the platform ends it when nobody looks."""

    def check(self, config: Configuration) -> Iterable[Problem]:
        """Yield an address where nothing may be, and a certificate file that cannot be read."""
        yield from super().check(config)
        yield from check_address("base_url", self.base_url, self.within)
        yield from check_ca_file(self.ca_file)


def build(config: Config, clock: Clock) -> WvpSource:
    """Return the source."""
    return WvpSource(config, clock)


@dataclass(frozen=True)
class WvpSource(LiveSource):
    """Asks the platform for a call at each connection, and reads the stream that its media server gives."""

    config: Config
    clock: Clock

    def open(self, stop: threading.Event, asked: Asked) -> Pictures:
        """Let the device be called, and yield pictures until the stream ends."""
        try:
            with closing(self._reading.open(stop, asked)) as pictures:
                yield from pictures
        finally:
            if self.config.hang_up:
                with suppress(SourceLost):  # the platform ends it by itself some day
                    answered(self._ended(), self.config.open_timeout_s, threading.Event())

    @property
    def _reading(self) -> RtspSource:
        return RtspSource(self.config, self._address, lambda: self.streams)

    def _address(self, _stream: Stream, stop: threading.Event) -> str:
        # A login, and one more where its token is over; whether the device is there; the call.
        return answered(self._called(), self.config.call_s + 4 * self.config.open_timeout_s, stop)

    async def _called(self) -> str:
        """Return the address of the stream of a call, where something may be."""
        config = self.config
        async with self._platform() as platform:
            if not await platform.online(config.device):
                raise TransientError("the device is not registered at the platform")
            told = await platform.play(config.device, config.channel, config.call_s)
        try:
            parts = urlsplit(told)
            named, port = parts.hostname or "", parts.port or _RTSP_PORT
        except ValueError as error:
            raise TransientError("the platform gives an address that is none") from error
        host, port = await address_of(named, port, config.within)
        return parts._replace(netloc=f"{host}:{port}").geturl()

    async def _ended(self) -> None:
        async with self._platform() as platform:
            await platform.stop(self.config.device, self.config.channel)

    @asynccontextmanager
    async def _platform(self) -> AsyncIterator[Platform]:
        config = self.config
        try:
            password = config.password.read()
        except LookupError as error:
            raise SourceLost(CameraReason.SECRET_MISSING, f"password: {error.args[0]}") from None
        platform = Platform(
            config.base_url,
            config.username,
            password,
            timeout_s=config.open_timeout_s,
            ca_file=config.ca_file,
            networks=config.within,
            clock=self.clock,
        )
        try:
            yield platform
        finally:
            await platform.close()
