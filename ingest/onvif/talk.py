"""Talking to a device over ONVIF: where its services are, and who we are there by its own clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from ingest.onvif import answers
from ingest.onvif.answers import DeviceTime
from ingest.onvif.library import ONVIFService
from ingest.onvif.soap import LONGEST, Wire, service, understood
from lianfang.clock import Clock, SystemClock
from lianfang.config.tls import Tls
from lianfang.errors import PermanentError
from lianfang.reach.http import HttpEndpoint
from lianfang.reach.networks import Network

_PATH = "/onvif/device_service"
_NAMESPACES = {name: f"http://www.onvif.org/ver10/{name}/wsdl" for name in ("media", "events")}


class Talk:
    """What is said to the device at ``url``. Of the addresses that it gives, none leads to another host."""

    def __init__(
        self,
        url: str,
        login: tuple[str, str] | None,
        *,
        networks: Sequence[Network],
        timeout_s: float,
        tls: Tls | None,
        clock: Clock,
    ) -> None:
        parts = urlsplit(url)
        self._url = url if parts.path.strip("/") else parts._replace(path=_PATH).geturl()
        self._networks, self._timeout_s, self._tls = networks, timeout_s, tls
        self._login, self._clock = login, clock
        self._http = self._reached()
        self._addresses: dict[str, str] | None = None
        self._services: dict[tuple[str, str], ONVIFService] = {}
        self._ahead_s: float | None = None

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def device(self, operation: str, **parameters: Any) -> Any:  # noqa: ANN401 - of the library
        """Say something to the device's own service."""
        return await self.at("devicemgmt", self._url, operation, **parameters)

    async def say(self, name: str, operation: str, **parameters: Any) -> Any:  # noqa: ANN401
        """Say something to the service ``media`` or ``events``; PermanentError if it has none."""
        if self._addresses is None:
            self._addresses = await self._listed()
        address = self._addresses.get(_NAMESPACES[name])
        if address is None:
            raise PermanentError(f"it has no service for {name}")
        return await self.at(name, address, operation, **parameters)

    async def at(
        self,
        name: str,
        address: str,
        operation: str,
        *,
        longer_s: float = 0,
        **parameters: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Say something to the service ``name`` at ``address``; the answer may take ``longer_s`` more."""
        if self._login is None:
            return await self._said(name, address, f"authless_{operation}", longer_s, parameters)
        if self._ahead_s is None:
            self._ahead_s = await self._clock_ahead_s()
            self._services.clear()  # they sign by our own clock
        return await self._said(name, address, operation, longer_s, parameters)

    async def time(self) -> DeviceTime:
        """Return what its clock says; by the standard it tells everybody, yet some ask for a login."""
        return await self._time(self._clock)

    def own(self, address: str) -> str:
        """Return ``address``, where it names another host, at the host and port of the device itself."""
        ours, told = urlsplit(self._url), urlsplit(address)
        try:
            same = told.hostname == ours.hostname and told.port != 0
        except ValueError:
            same = False
        if same and told.scheme == ours.scheme:
            return address
        return told._replace(scheme=ours.scheme, netloc=ours.netloc).geturl()

    async def login_is(self, login: tuple[str, str]) -> None:
        """Log in so from now on."""
        await self._http.close()
        self._login = login
        self._http = self._reached()
        self._services.clear()

    def clock_was_set(self) -> None:
        """Look at its clock again before the next login."""
        self._ahead_s = None
        self._services.clear()

    def _reached(self) -> HttpEndpoint:
        return HttpEndpoint(
            self._timeout_s, login=self._login, tls=self._tls, networks=self._networks, longest=LONGEST
        )

    async def _listed(self) -> dict[str, str]:
        answer = await self.device("GetServices", IncludeCapability=False)
        found = answers.each(answer, "Service", answers.service)
        return {namespace: self.own(address) for namespace, address in found}

    async def _clock_ahead_s(self) -> float:
        """Return what is to be added for the login; the library signs by the host's clock."""
        try:
            return (await self._time(SystemClock())).ahead_s
        except PermanentError:
            return 0.0  # it tells nobody: its clock had better be right

    async def _time(self, clock: Clock) -> DeviceTime:
        asked_at = clock.now()
        operation = "authless_GetSystemDateAndTime"
        answer = await self._said("devicemgmt", self._url, operation, 0, {})
        with understood():
            return answers.device_time(answer, asked_at, clock.now())

    async def _said(
        self, name: str, address: str, operation: str, longer_s: float, parameters: dict[str, Any]
    ) -> Any:  # noqa: ANN401
        key = (name, address)
        if key not in self._services:
            wire = Wire(self._http, self._clock, longer_s)
            ahead_s = self._ahead_s or 0.0
            self._services[key] = await service(name, address, self._login, wire, ahead_s=ahead_s)
        with understood():
            return await getattr(self._services[key], operation)(parameters)
