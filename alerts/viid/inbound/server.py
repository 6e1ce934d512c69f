"""The HTTP server for one view library, apart from API and console: it registers here, and gives orders."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Any, Literal

import structlog
from aiohttp import web

from alerts.viid.answers import Status
from alerts.viid.inbound.door import Door
from alerts.viid.inbound.intake import BUSY, OK, Intake, Surroundings, content_fault, operation_fault
from alerts.viid.inbound.settings import Answers
from lianfang.errors import LianfangError, TransientError

_log = structlog.get_logger()
_MEDIA = "application/VIID+JSON"
_TAKEN_MEDIA = frozenset({"application/viid+json", "application/json"})
_CHARSETS = frozenset({"utf-8", "utf8"})
_READ_S = 30.0
_FORMAT = 7
_ID = re.compile("[0-9A-Za-z]{1,48}", re.ASCII)
_SYSTEM = ("Register", "UnRegister", "Keepalive", "Time")

Outcome = Literal["taken", "refused", "busy", "unauthorised"]
Count = Callable[[str, Outcome], None]
"""Counts a request by path and outcome: ``taken`` is all of it, ``refused`` some of it or all."""
_Answer = tuple[Mapping[str, Any], Outcome]
_Handler = Callable[[web.Request], Awaitable[_Answer]]
_UNKNOWN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS})


class _RefusedError(Exception):
    """A call of which nothing is taken."""

    def __init__(self, http: HTTPStatus, status: Status, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status.text)
        self.http, self.status, self.headers = http, status, headers


class PlatformServer:
    """Answers one platform. Of one event loop."""

    def __init__(
        self, answers: Answers, there: Surroundings, intakes: Sequence[Intake], count: Count
    ) -> None:
        """Raise LookupError where the password cannot be read."""
        self._answers, self._there, self._count = answers, there, count
        self._door = Door(answers.username, answers.password.read(), there.clock)
        self._intakes = {f"/VIID/{intake.path}": intake for intake in intakes}
        self._known = {f"/VIID/System/{name}" for name in _SYSTEM} | self._intakes.keys()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve inside the block; LianfangError where the address is taken."""
        app = web.Application(client_max_size=self._answers.max_body_bytes)
        app.add_routes([web.route("*", "/{path:.*}", self._answer)])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        host, port = self._answers.host, self._answers.port
        try:
            try:
                await web.TCPSite(runner, host, port).start()
            except OSError as error:
                where = f"receivers.{self._there.receiver}.answers"
                raise LianfangError(f"{where} cannot listen on {host}:{port}: {error.strerror}") from error
            yield
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.path if request.path in self._known else "other"
        try:
            body, outcome = await self._handler(request)(request)
        except _RefusedError as refusal:
            self._count(path, "unauthorised" if refusal.http in _UNKNOWN else "refused")
            body = {"ResponseStatusObject": self._said(request, "", refusal.status)}
            return _json(body, refusal.http, refusal.headers)
        self._count(path, outcome)
        return _json(body)

    def _handler(self, request: web.Request) -> _Handler:
        """Return what deals with a call; refuse those of whoever is not registered, whatever they ask for."""
        call = request.method, request.path
        if call == ("POST", "/VIID/System/Register"):
            return self._register
        if call == ("POST", "/VIID/System/UnRegister"):
            return self._unregister
        here = self._door.is_registered(request.remote or "")
        if not here or request.headers.get("User-Identify") != self._answers.device_code:
            raise _RefusedError(HTTPStatus.UNAUTHORIZED, operation_fault("not registered"))
        if call == ("POST", "/VIID/System/Keepalive"):
            return self._keepalive
        if call == ("GET", "/VIID/System/Time"):
            return self._time
        if request.path not in self._known:
            raise _RefusedError(HTTPStatus.NOT_FOUND, operation_fault("no such path"))
        methods = {"POST": self._take, "PUT": self._take, "DELETE": self._remove, "GET": self._list}
        if request.path not in self._intakes or request.method not in methods:
            raise _RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, operation_fault("no such method here"))
        return methods[request.method]

    async def _register(self, request: web.Request) -> _Answer:
        await self._log_in(request, "RegisterObject")
        self._door.register(request.remote or "")
        _log.info("platform_registered_here", receiver=self._there.receiver, address=request.remote)
        return self._system(request)

    async def _unregister(self, request: web.Request) -> _Answer:
        await self._log_in(request, "UnRegisterObject")
        self._door.unregister(request.remote or "")
        _log.info("platform_unregistered_here", receiver=self._there.receiver, address=request.remote)
        return self._system(request)

    async def _log_in(self, request: web.Request, key: str) -> None:
        header = request.headers.get("Authorization", "")
        knock = self._door.knock(header, request.method, request.path_qs, request.remote or "")
        if knock == "wait":
            headers = {"Retry-After": "60"}
            raise _RefusedError(HTTPStatus.TOO_MANY_REQUESTS, BUSY, headers)
        if knock != "in":
            headers = {"WWW-Authenticate": self._door.challenge(stale=knock == "stale")}
            raise _RefusedError(HTTPStatus.UNAUTHORIZED, operation_fault("log in"), headers)
        await self._own(request, key)

    async def _keepalive(self, request: web.Request) -> _Answer:
        await self._own(request, "KeepaliveObject")
        return self._system(request)

    async def _own(self, request: web.Request, key: str) -> None:
        """Return for a body that is about the platform itself."""
        told = (await self._read(request)).get(key)
        if not isinstance(told, dict) or told.get("DeviceID") != self._answers.device_code:
            fault = content_fault(f"no {key} with the DeviceID of the platform that may register here")
            raise _RefusedError(HTTPStatus.BAD_REQUEST, fault)

    async def _time(self, _request: web.Request) -> _Answer:
        told = {
            "VIIDServerID": self._there.device_code,
            "TimeMode": "0",
            "LocalTime": self._local_time(),
            "TimeZone": self._there.zone.key,
        }
        return {"SystemTimeObject": told}, "taken"

    async def _take(self, request: web.Request) -> _Answer:
        intake, anew = self._intakes[request.path], request.method == "POST"
        outer = (await self._read(request)).get(f"{intake.name}ListObject")
        found = outer.get(f"{intake.name}Object") if isinstance(outer, dict) else None
        if not isinstance(found, list) or not found:
            fault = content_fault(f"no {intake.name}ListObject.{intake.name}Object with objects")
            raise _RefusedError(HTTPStatus.BAD_REQUEST, fault)

        def take(body: object) -> Status:
            if not isinstance(body, dict) or not _id_of(intake, body):
                return content_fault(f"no object with a {intake.name}ID")
            return intake.take(body, anew=anew)

        return await self._each(request, [(_id_of(intake, body), partial(take, body)) for body in found])

    async def _remove(self, request: web.Request) -> _Answer:
        intake = self._intakes[request.path]
        ids = [one for one in request.query.get("IDList", "").split(",") if one]
        if not ids:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, content_fault("no IDList"))

        def remove(one: str) -> Status:
            return intake.remove(one) if _ID.fullmatch(one) else content_fault("no id of an object")

        return await self._each(request, [(one, partial(remove, one)) for one in ids])

    async def _list(self, request: web.Request) -> _Answer:
        intake = self._intakes[request.path]
        wanted = {*request.query.get("IDList", "").split(","), request.query.get(f"{intake.name}ID", "")}
        wanted.discard("")
        try:
            there = await asyncio.to_thread(intake.listed)
        except TransientError as error:
            raise _RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, BUSY) from error
        found = [one for one in there if not wanted or one[f"{intake.name}ID"] in wanted]
        return {f"{intake.name}ListObject": {f"{intake.name}Object": found}}, "taken"

    async def _each(self, request: web.Request, those: Sequence[tuple[str, Callable[[], Status]]]) -> _Answer:
        """Return one status for each; none of them keeps another from being taken."""

        def done(do: Callable[[], Status]) -> Status:
            try:
                return do()
            except TransientError as error:
                _log.warning("platform_told_busy", receiver=self._there.receiver, error=str(error))
                return BUSY

        said = await asyncio.to_thread(lambda: [(object_id, done(do)) for object_id, do in those])
        statuses = [self._said(request, *each) for each in said]
        codes = {status.code for _, status in said}
        outcome: Outcome = "taken" if codes == {OK.code} else "busy" if BUSY.code in codes else "refused"
        return {"ResponseStatusListObject": {"ResponseStatusObject": statuses}}, outcome

    async def _read(self, request: web.Request) -> dict[str, Any]:
        media, charset = request.content_type.lower(), (request.charset or "utf-8").lower()
        if media not in _TAKEN_MEDIA or charset not in _CHARSETS or "Content-Encoding" in request.headers:
            fault = Status(_FORMAT, f"allowed: {_MEDIA};charset=UTF-8")
            raise _RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, fault)
        try:
            async with asyncio.timeout(_READ_S):
                body = json.loads((await request.read()).decode("utf-8-sig"), parse_constant=_no_number)
        except web.HTTPRequestEntityTooLarge as error:
            fault = content_fault(f"more than {self._answers.max_body_bytes} bytes")
            raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, fault) from error
        except TimeoutError as error:
            raise _RefusedError(HTTPStatus.REQUEST_TIMEOUT, BUSY) from error
        except (ValueError, RecursionError, ConnectionError, web.RequestPayloadError) as error:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, Status(_FORMAT, "no JSON in UTF-8")) from error
        if not isinstance(body, dict):
            raise _RefusedError(HTTPStatus.BAD_REQUEST, Status(_FORMAT, "no JSON object"))
        return body

    def _system(self, request: web.Request) -> _Answer:
        return {"ResponseStatusObject": self._said(request, self._answers.device_code, OK)}, "taken"

    def _said(self, request: web.Request, object_id: str, status: Status) -> dict[str, Any]:
        return {
            "Id": object_id,
            "RequestURL": request.path,
            "StatusCode": status.code,
            "StatusString": status.text,
            "LocalTime": self._local_time(),
        }

    def _local_time(self) -> str:
        return self._there.clock.now().astimezone(self._there.zone).strftime("%Y%m%d%H%M%S")


def _json(
    body: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> web.Response:
    # What was sent may hold halves of characters, and comes back in ids.
    text = json.dumps(body, ensure_ascii=False).encode(errors="replace")
    return web.Response(status=status, headers=headers, body=text, content_type=_MEDIA, charset="UTF-8")


def _id_of(intake: Intake, body: object) -> str:
    found = body.get(f"{intake.name}ID") if isinstance(body, dict) else None
    return found if isinstance(found, str) else ""


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
