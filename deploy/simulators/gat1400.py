"""A view library of GA/T 1400 that takes nothing that is not complete. See docs/protocols/gat1400.md.

``python -m deploy.simulators.gat1400 --port 8906``
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import re
import secrets
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from aiohttp import web

from deploy.simulators.server import Fault, Handler, Say, Simulator, serve_for_ever, to_stdout
from deploy.simulators.viid_objects import COLLECTIONS, InvalidObjectError, check, id_of

DEVICE, USERNAME, PASSWORD = "44200000005030000001", "lianfang", "library-1234"
_ZONE = ZoneInfo("Asia/Shanghai")
_REALM, _MEDIA = "viid", "application/viid+json"
_SILENT_S = 300.0  # without a word from a device for so long it is not registered any more
_PART = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')
_LISTS = {name: (f"{name[:-1]}ListObject", f"{name[:-1]}Object") for name in COLLECTIONS}


class _RefusedError(Exception):
    def __init__(self, status: int, why: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(why)
        self.status, self.headers = status, headers


class ViewLibrary(Simulator):
    """One platform that knows one device, ``DEVICE``.

    ``signs`` is what its Digest takes as uri; ``qop`` whether it asks for a quality of protection. ``codes``
    are given to the next objects in place of what is right; ``texts`` gives codes as strings. ``faults`` meet
    whatever is posted to a collection. ``ahead_s`` is by how much its clock is wrong. While
    ``lets_in`` is false no password is right.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        signs: Literal["path", "url"] = "path",
        qop: bool = True,
        texts: bool = False,
        ahead_s: float = 0,
        extensions: Iterable[str] = (),
        faults: Iterable[Fault | None] = (),
        say: Say = to_stdout,
    ) -> None:
        super().__init__(host=host, port=port, faults=faults, say=say)
        self._signs, self._qop, self._texts, self._ahead_s = signs, qop, texts, ahead_s
        self._extensions = frozenset(extensions)
        self._nonces: set[str] = set()
        self._heard_s = -_SILENT_S
        self.objects: dict[str, dict[str, Any]] = {name: {} for name in COLLECTIONS}
        self.posts: list[tuple[str, list[str]]] = []
        self.puts: list[tuple[str, list[str]]] = []
        self.deletes = 0
        self.refused: list[str] = []
        self.codes: deque[int] = deque()
        self.lets_in = True
        self.registered, self.registrations, self.unregistrations, self.keepalives = False, 0, 0, 0

    def routes(self) -> Iterable[web.RouteDef]:
        """Return what is served."""
        yield web.post("/VIID/System/Register", self.polite(self._register))
        yield web.post("/VIID/System/UnRegister", self.polite(self._unregister))
        yield web.post("/VIID/System/Keepalive", self.polite(self._keepalive))
        yield web.get("/VIID/System/Time", self.polite(self._time))
        collection = "/VIID/{collection:" + "|".join(COLLECTIONS) + "}"
        yield web.post(collection, self.faulty(self.polite(self._post)))
        yield web.put(collection, self.faulty(self.polite(self._put)))
        yield web.delete(collection, self.faulty(self.polite(self._delete)))

    def forget(self) -> None:
        """Know of no device any more, as after a restart."""
        self.registered = False

    def polite(self, handler: Handler) -> Handler:
        """Return ``handler`` with its refusals as answers."""

        async def meet(request: web.Request) -> web.StreamResponse:
            try:
                _check_device(request)
                return await handler(request)
            except _RefusedError as refusal:
                self.refused.append(str(refusal))
                self.say(f"REFUSED ({refusal.status}) {request.method} {request.path}: {refusal}")
                return web.Response(status=refusal.status, headers=refusal.headers, text=str(refusal))

        return meet

    async def _register(self, request: web.Request) -> web.Response:
        await self._body(request, "RegisterObject")
        self._check_digest(request)
        self.registered, self.registrations = True, self.registrations + 1
        self._heard_s = asyncio.get_running_loop().time()
        self.say("registered")
        return self._system(request)

    async def _unregister(self, request: web.Request) -> web.Response:
        await self._body(request, "UnRegisterObject")
        self._check_digest(request)
        self.check_registered()
        self.registered, self.unregistrations = False, self.unregistrations + 1
        self.say("unregistered")
        return self._system(request)

    async def _keepalive(self, request: web.Request) -> web.Response:
        self.check_registered()
        await self._body(request, "KeepaliveObject")
        self.keepalives += 1
        return self._system(request)

    async def _time(self, _request: web.Request) -> web.Response:
        self.check_registered()
        local = f"{self._now():%Y%m%d%H%M%S}"
        told = {"VIIDServerID": "44200000005030000000", "TimeMode": "0", "LocalTime": local, "TimeZone": "+8"}
        return self._answer({"SystemTimeObject": told})

    async def _post(self, request: web.Request) -> web.Response:
        return await self._list(request, self.posts, known=False)

    async def _put(self, request: web.Request) -> web.Response:
        return await self._list(request, self.puts, known=True)

    async def _list(
        self, request: web.Request, seen: list[tuple[str, list[str]]], *, known: bool
    ) -> web.Response:
        self.check_registered()
        collection = request.match_info["collection"]
        outer, inner = _LISTS[collection]
        listed = (await self._json(request)).get(outer)
        found = listed.get(inner) if isinstance(listed, dict) else None
        if not isinstance(found, list) or not found:
            raise _RefusedError(400, f"no {outer}.{inner} with objects")
        seen.append((collection, [id_of(collection, body) for body in found]))
        return self._statuses(request, [self._taken(collection, body, known=known) for body in found])

    async def _delete(self, request: web.Request) -> web.Response:
        self.check_registered()
        known = self.objects[request.match_info["collection"]]
        ids = [object_id for object_id in request.query.get("IDList", "").split(",") if object_id]
        if not ids:
            raise _RefusedError(400, "no IDList")
        self.deletes += len(ids)
        gone = [(i, 0, "OK") if known.pop(i, None) else (i, 4, "no such object") for i in ids]
        self.say(f"withdrawn: {', '.join(ids)}")
        return self._statuses(request, gone)

    def _taken(self, collection: str, body: Any, *, known: bool) -> tuple[str, int, str]:  # noqa: ANN401 - any JSON
        object_id = id_of(collection, body)
        code = self.codes.popleft() if self.codes else 0
        if code:
            return object_id, code, "as it was told to say"
        try:
            check(collection, body, self._extensions)
        except InvalidObjectError as error:
            self.refused.append(str(error))
            self.say(f"REFUSED {collection} {object_id}: {error}")
            return object_id, 8, str(error)
        again = object_id in self.objects[collection]
        if known and not again:
            return object_id, 4, "no such object"
        self.objects[collection][object_id] = body
        self.say(f"{'again' if again else 'taken'}: {collection} {object_id}")
        return object_id, 0, "OK"

    async def _body(self, request: web.Request, key: str) -> None:
        told = (await self._json(request)).get(key)
        if not isinstance(told, dict) or told.get("DeviceID") != DEVICE:
            raise _RefusedError(400, f"no {key} with the DeviceID of a device that is known")

    async def _json(self, request: web.Request) -> dict[str, Any]:
        if request.content_type.lower() != _MEDIA or (request.charset or "").lower() != "utf-8":
            raise _RefusedError(400, "the Content-Type is not application/VIID+JSON;charset=UTF-8")
        try:
            body = json.loads((await request.read()).decode())
        except ValueError as error:
            raise _RefusedError(400, "the body is no JSON in UTF-8") from error
        if not isinstance(body, dict):
            raise _RefusedError(400, "the body is no JSON object")
        return body

    def check_registered(self) -> None:
        """Return where the device is registered; any other call is answered with 401."""
        now_s = asyncio.get_running_loop().time()
        if not self.registered or now_s - self._heard_s > _SILENT_S:
            self.registered = False
            raise _RefusedError(401, "not registered")
        self._heard_s = now_s

    def _check_digest(self, request: web.Request) -> None:
        given = {
            n: quoted or plain for n, quoted, plain in _PART.findall(request.headers.get("Authorization", ""))
        }
        uri = request.path_qs if self._signs == "path" else str(request.url)
        nonce = given.get("nonce", "")
        who, what = _md5(f"{USERNAME}:{_REALM}:{PASSWORD}"), _md5(f"POST:{uri}")
        parts = [who, nonce, what]
        if self._qop:
            parts = [who, nonce, given.get("nc", ""), given.get("cnonce", ""), given.get("qop", ""), what]
        right = hmac.compare_digest(_md5(":".join(parts)), given.get("response", ""))
        whole = given.get("uri") == uri and (not self._qop or given.get("nc") == "00000001")
        if self.lets_in and nonce in self._nonces and right and whole:
            self._nonces.discard(nonce)  # once
            return
        self._nonces.add(nonce := secrets.token_hex(8))
        asked = f'Digest realm="{_REALM}", nonce="{nonce}", opaque="o"' + (
            ', qop="auth"' if self._qop else ""
        )
        raise _RefusedError(401, "log in", {"WWW-Authenticate": asked})

    def _system(self, request: web.Request) -> web.Response:
        return self._answer({"ResponseStatusObject": self._status(request, DEVICE, 0, "OK")})

    def _statuses(self, request: web.Request, said: Iterable[tuple[str, int, str]]) -> web.Response:
        statuses = [self._status(request, *one) for one in said]
        return self._answer({"ResponseStatusListObject": {"ResponseStatusObject": statuses}})

    def _status(self, request: web.Request, object_id: str, code: int, text: str) -> dict[str, Any]:
        return {
            "Id": object_id,
            "RequestURL": request.path,
            "StatusCode": str(code) if self._texts else code,
            "StatusString": text,
            "LocalTime": f"{self._now():%Y%m%d%H%M%S}",
        }

    def _now(self) -> datetime:
        return datetime.now(_ZONE) + timedelta(seconds=self._ahead_s)

    @staticmethod
    def _answer(body: Mapping[str, Any]) -> web.Response:
        return web.Response(text=json.dumps(body, ensure_ascii=False), content_type="application/json")


def _check_device(request: web.Request) -> None:
    if request.headers.get("User-Identify") != DEVICE:
        raise _RefusedError(400, "User-Identify is no device that is known")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def main() -> None:
    """Run the library until interrupted."""
    parser = argparse.ArgumentParser(description="A view library of GA/T 1400 that checks what it gets.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8906)
    parser.add_argument(
        "--signs", choices=("path", "url"), default="path", help="what its Digest takes as uri"
    )
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(serve_for_ever(ViewLibrary(host=options.host, port=options.port, signs=options.signs)))


if __name__ == "__main__":
    main()
