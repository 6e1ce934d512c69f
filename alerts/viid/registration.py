"""Being registered at a view library: with Digest, kept alive, registered again whenever it has forgotten."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

import structlog

from alerts.clock_offset import ClockOffset
from alerts.digest import authorization
from alerts.link_time import LinkTime
from alerts.viid import answers
from lianfang.clock import Clock
from lianfang.errors import PermanentError, TransientError

_log = structlog.get_logger()
MEDIA = "application/VIID+JSON;charset=UTF-8"
"""Of every body."""
_KEEPALIVE = "/VIID/System/Keepalive"
_TIME = "%Y%m%d%H%M%S"
_CLOCKS_EVERY_S = 3600.0
_LEAVE_S = 3.0

DigestUri = Literal["path", "url"]


class Answered(Protocol):
    """An HTTP answer."""

    @property
    def status(self) -> int:
        """Its status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers."""
        ...

    @property
    def body(self) -> bytes:
        """Its body."""
        ...


Call = Callable[[str, str, Mapping[str, str], bytes | None], Awaitable[Answered]]
"""Makes a request, (method, URL, headers, body), and gives an answer of success or 401; raises any other."""


@dataclass(frozen=True, slots=True)
class Login:
    """Where we register and who we are; ``device`` is our 20-digit code."""

    base_url: str
    device: str
    username: str
    password: str


class Notes(Protocol):
    """Where it is written down how a platform is; TransientError while it cannot be. Called in a thread."""

    def linked(self, since: datetime, until: datetime) -> None:
        """Write down that it has kept us registered from ``since`` until now."""
        ...

    def compared(self, at: datetime, offset_s: float) -> None:
        """Write down by how many seconds its clock was ahead of ours."""
        ...


class Registration:
    """Makes requests as a registered device. Of one event loop. ``notes`` are kept of what ``keep`` finds."""

    def __init__(
        self, login: Login, call: Call, clock: Clock, zone: ZoneInfo, notes: Notes | None = None
    ) -> None:
        self._login, self._call = login, call
        self._clock, self._zone = clock, zone
        self._registering = asyncio.Lock()
        self._epoch = 0  # grows with each registration; 0 is none yet
        self._lost = True
        self._signed: DigestUri = "path"  # what the platform took last
        self._trouble = ""
        self._offset = ClockOffset(login.device, clock, notes.compared if notes else None)
        self._link = LinkTime(clock, notes.linked if notes else None)
        self.offset_s: float | None = None

    @property
    def epoch(self) -> int:
        """A number for each registration, 0 while we are not registered as far as we know."""
        return 0 if self._lost else self._epoch

    async def request(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        """Return the JSON of the answer; 401 means that we are not registered, and it is asked again."""
        epoch = await self._registered()
        answer = await self._send(method, path, body)
        if answer.status == 401:
            self._forget(epoch)
            await self._registered()
            answer = await self._send(method, path, body)
            if answer.status == 401:
                raise TransientError("not registered, it says, although it has just registered us")
        return answers.read(answer.body)

    async def keep(self, every_s: float) -> None:
        """Say that we are there every ``every_s`` seconds until cancelled.

        Clocks are compared after each registration, and every hour.
        """
        compared, compared_s = 0, 0.0
        while True:
            try:
                await self.say_alive()
                await self._link.alive()
                now_s = self._clock.monotonic()
                if compared != self._epoch or now_s - compared_s >= _CLOCKS_EVERY_S:
                    await self.compare_clocks()
                    compared, compared_s = self._epoch, now_s
            except (TransientError, PermanentError) as error:
                self._link.lost()
                self._complain(str(error))
            else:
                self._complain("")
            await asyncio.sleep(every_s)

    async def register(self) -> None:
        """Register now, if we are not; TransientError where it does not let us in."""
        await self._registered()

    async def unregister(self) -> None:
        """Unregister now; TransientError where it does not take it."""
        self._lost = True
        await self._signed_in("/VIID/System/UnRegister", "UnRegisterObject")

    def with_password(self, password: str) -> Registration:
        """Return another registration of ours that gives ``password``."""
        return Registration(replace(self._login, password=password), self._call, self._clock, self._zone)

    async def ask_unregistered(self) -> int:
        """Say that we are there without registering first, and return the HTTP status of the answer."""
        return (await self._send("POST", _KEEPALIVE, self._alive())).status

    async def compare_clocks(self) -> float:
        """Return by how many seconds the platform's clock is ahead of ours; it knows whole seconds only."""
        before = self._clock.now()
        answer = await self.request("GET", "/VIID/System/Time")
        after = self._clock.now()
        told = answer.get("SystemTimeObject")
        local = str(told.get("LocalTime", "")) if isinstance(told, dict) else ""
        try:
            theirs = datetime.strptime(local, _TIME).replace(tzinfo=self._zone)
        except ValueError as error:
            raise TransientError(f"its LocalTime is {local[:40]!r}, not yyyyMMddHHmmss") from error
        self.offset_s = round((theirs - (before + (after - before) / 2)).total_seconds(), 1)
        await self._offset.found(self.offset_s)
        return self.offset_s

    async def leave(self) -> None:
        """Unregister, if we are registered and it answers soon: whoever stops us does not wait for long."""
        if self._lost:
            return
        with suppress(TransientError, PermanentError, TimeoutError):
            async with asyncio.timeout(_LEAVE_S):
                await self.unregister()

    async def say_alive(self) -> None:
        """Say that we are there; TransientError where it does not like that."""
        epoch = self._epoch
        status = answers.of_call(await self.request("POST", _KEEPALIVE, self._alive()))
        if status.code != 0:
            self._forget(epoch)  # to register again is the only thing that we can do
            raise TransientError(f"keepalive: the platform says {status.code}: {status.text}")

    def _alive(self) -> bytes:
        return _json({"KeepaliveObject": {"DeviceID": self._login.device}})

    async def _registered(self) -> int:
        async with self._registering:
            if self._lost:
                await self._signed_in("/VIID/System/Register", "RegisterObject")
                self._lost, self._epoch = False, self._epoch + 1
                _log.info("platform_registered", device=self._login.device)
            return self._epoch

    def _forget(self, epoch: int) -> None:
        if epoch == self._epoch:  # or somebody else has registered since
            self._lost = True
            self._link.lost()

    async def _signed_in(self, path: str, key: str) -> None:
        """Post a system call that asks for our password; TransientError where it is not taken."""
        body = _json({key: {"DeviceID": self._login.device}})
        answer = await self._send("POST", path, body)
        other: DigestUri = "url" if self._signed == "path" else "path"
        for uri in (self._signed, other):
            if answer.status != 401:
                break
            answer = await self._send("POST", path, body, self._answer_to(answer, path, uri))
            if answer.status != 401:
                self._signed = uri
        if answer.status == 401:
            raise TransientError("does not let us in: username or password is wrong")
        status = answers.of_call(answers.read(answer.body))
        if status.code != 0:
            raise TransientError(f"{path.rpartition('/')[2]}: the platform says {status.code}: {status.text}")

    def _answer_to(self, refusal: Answered, path: str, uri: DigestUri) -> dict[str, str]:
        login = self._login
        signed = path if uri == "path" else login.base_url + path
        challenge = refusal.headers.get("WWW-Authenticate", "")
        return {"Authorization": authorization(challenge, login.username, login.password, "POST", signed)}

    async def _send(
        self, method: str, path: str, body: bytes | None, extra: Mapping[str, str] | None = None
    ) -> Answered:
        headers = {"User-Identify": self._login.device, "Accept": MEDIA, **(extra or {})}
        if body is not None:
            headers["Content-Type"] = MEDIA
        return await self._call(method, self._login.base_url + path, headers, body)

    def _complain(self, trouble: str) -> None:
        """Log when the trouble changes, and once when it is over."""
        if trouble and trouble != self._trouble:
            _log.warning("platform_not_kept", device=self._login.device, error=trouble)
        elif self._trouble and not trouble:
            _log.info("platform_recovered", device=self._login.device, after=self._trouble)
        self._trouble = trouble


def _json(data: object) -> bytes:
    return json.dumps(data, ensure_ascii=False).encode()
