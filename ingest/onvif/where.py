"""Where the streams of a camera are, asked by ONVIF at each connection."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ingest.address import with_login
from ingest.asking import answered
from ingest.onvif.choice import Wanted, chosen
from ingest.onvif.device import Device
from ingest.sources.base import SourceLost, Stream
from lianfang.clock import Clock
from lianfang.events import CameraReason
from lianfang.redact import quoted

if TYPE_CHECKING:
    from ingest.sources.onvif import Config

_ROUNDS = 6  # messages until the address is known, two of them twice


class Where:
    """Asks the device where its streams are."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config, self._clock = config, clock
        self.streams: tuple[Stream, ...] = config.streams

    def address_of(self, stream: Stream, stop: threading.Event) -> str:
        """Return the address of a stream with credentials, of the main where there is no such. SourceLost."""
        login = self._config.login()
        told = answered(self._told(stream, login), self._config.open_timeout_s * _ROUNDS, stop)
        return with_login(self._checked(told), login)

    async def _told(self, stream: Stream, login: tuple[str, str] | None) -> str:
        config = self._config
        wanted = Wanted(config.lens, config.profile, config.sub_profile, config.min_width)
        async with Device(
            config.url,
            login,
            networks=config.within,
            timeout_s=config.open_timeout_s,
            tls=config.tls,
            clock=self._clock,
        ) as device:
            main, sub = chosen(await device.profiles(), wanted)
            self.streams = ("main",) if sub is None else ("main", "sub")
            profile = sub if stream == "sub" and sub is not None else main
            return await device.stream(profile.token, config.transport)

    def _checked(self, address: str) -> str:
        """Return the address without a user, at a host that it may be at; SourceLost for any other."""
        ours = urlsplit(self._config.url).hostname or ""
        try:
            parts = urlsplit(address)
            host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
        except ValueError:
            raise SourceLost(CameraReason.BAD_ADDRESS, "it gives an address that is none") from None
        allowed = {ours, *self._config.stream_hosts}
        if not self._config.keep_host and host not in allowed and not _same(host, ours):
            raise SourceLost(
                CameraReason.BAD_ADDRESS,
                f"it says that its stream is at another host, {quoted(host)}: set `keep_host` for a device"
                " behind an address translation, or allow the host in `stream_hosts`",
            )
        kept = ours if self._config.keep_host else host
        return parts._replace(netloc=f"[{kept}]{port}" if ":" in kept else f"{kept}{port}").geturl()


def _same(host: str, other: str) -> bool:
    """Say whether two names of hosts lead to one address."""
    try:
        found = [{info[4][0] for info in socket.getaddrinfo(name, None)} for name in (host, other)]
    except (OSError, UnicodeError):
        return False
    return not found[0].isdisjoint(found[1])
