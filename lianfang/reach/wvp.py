"""The HTTP interfaces of a WVP platform and of its ZLMediaKit server, as far as a call needs them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, StringConstraints, ValidationError

from lianfang.clock import Clock
from lianfang.errors import NotLetIn, PermanentError, TransientError, UnknownName
from lianfang.reach.http import Answer, HttpEndpoint, check_status
from lianfang.reach.networks import Network

_Model = TypeVar("_Model", bound=BaseModel)

_LONGEST = 1024 * 1024  # bytes of an answer: a page of channels is 100 KiB
_OK = 0
_UNKNOWN = frozenset({400, 404})  # of the body's code: no such device, no such channel
_UNAUTHORIZED = 401
_NO_STREAM = -500  # of ZLMediaKit: not found


@dataclass(frozen=True, slots=True)
class Call:
    """Where the sound of a call is pushed to."""

    url: str
    app: str
    stream: str


class _Body(BaseModel):
    """What both answer. It may say more than this."""

    code: int
    msg: str | None = None
    data: Any = None


class _Login(BaseModel):
    accessToken: str  # noqa: N815 - as it is on the wire


class _Streams(BaseModel):
    rtsp: str


class _Played(BaseModel):
    rtsp: Annotated[str, StringConstraints(pattern=r"^rtsps?://[^\s@]+$")]


class _Broadcast(BaseModel):
    streamInfo: _Streams  # noqa: N815
    app: str
    stream: str


class Platform:
    """A WVP platform: logs in once, and again when the token is over."""

    def __init__(
        self,
        base_url: str,
        username: str,
        password: str,
        *,
        timeout_s: float,
        ca_file: Path | None,
        networks: Sequence[Network],
        clock: Clock,
    ) -> None:
        self._base_url, self._clock = base_url, clock
        self._login = {"username": username, "password": _md5(password)}  # as its own console does
        self._http = HttpEndpoint(timeout_s, ca_file, networks=networks, longest=_LONGEST)
        self._token = ""

    async def call(self, device: str, channel: str) -> Call:
        """Ask for a call; the device is called once sound comes in. Signed, where the platform signs."""
        path = f"/api/play/broadcast/{device}/{channel}?timeout=30&broadcastMode=true"
        found = read_as(_Broadcast, await self.get(path))
        key = await self._push_key()
        sign = f"{'&' if '?' in found.streamInfo.rtsp else '?'}sign={_md5(key)}" if key else ""
        return Call(found.streamInfo.rtsp + sign, found.app, found.stream)

    async def play(self, device: str, channel: str, call_s: float) -> str:
        """Let a channel be called in ``call_s``, if it is not; return the RTSP address of its pictures."""
        try:
            said = await self.get(f"/api/play/start/{device}/{channel}", longer_s=call_s)
        except NotLetIn:
            raise
        except PermanentError as error:
            raise UnknownName(str(error)) from error
        return read_as(_Played, said).rtsp

    async def stop(self, device: str, channel: str) -> None:
        """End the call of a channel, for everybody who looks at it."""
        await self.get(f"/api/play/stop/{device}/{channel}")

    async def hang_up(self, device: str, channel: str) -> tuple[str, str]:
        """End a call; return the app and the stream that it had."""
        await self.get(f"/api/play/broadcast/stop/{device}/{channel}")
        return "broadcast", f"{device}_{channel}"

    async def online(self, device: str) -> bool:
        """Return whether the device is registered now."""
        said = await self.get(f"/api/device/query/devices/{device}")
        return isinstance(said, dict) and said.get("onLine") is True

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _push_key(self) -> str:
        """Return what pushes are signed with, "" where the platform asks for no login."""
        try:
            said = await self.get("/api/user/userInfo", method="POST")
        except (PermanentError, TransientError):
            return ""
        return str(said.get("pushKey") or "") if isinstance(said, dict) else ""

    async def get(self, path: str, method: str = "GET", *, longer_s: float = 0) -> Any:  # noqa: ANN401 - JSON
        """Return what the platform says to a request, for which it may take ``longer_s`` more than usual."""
        for again in (True, False):
            if not self._token:
                await self._log_in()
            headers = {"access-token": self._token}
            answer = await self._http.request(method, self._base_url + path, headers, longer_s=longer_s)
            said = _said(answer, self._clock)
            if said.code != _UNAUTHORIZED:
                break
            self._token = ""
            if not again:
                raise NotLetIn("the platform does not let us in")
        return _checked(said)

    async def _log_in(self) -> None:
        url = f"{self._base_url}/api/user/login?{urlencode(self._login)}"
        said = _said(await self._http.request("GET", url, {}), self._clock)
        if said.code != _OK:
            raise NotLetIn(f"the platform does not let us in: {said.msg}")
        self._token = read_as(_Login, said.data).accessToken


class Media:
    """A ZLMediaKit server."""

    def __init__(
        self,
        base_url: str,
        secret: str,
        *,
        timeout_s: float,
        ca_file: Path | None,
        networks: Sequence[Network],
        clock: Clock,
    ) -> None:
        self._base_url, self._secret, self._clock = base_url, secret, clock
        self._http = HttpEndpoint(timeout_s, ca_file, networks=networks)

    async def listeners(self, app: str, stream: str) -> int:
        """Return how many devices a stream is sent to: one that took the call, or none."""
        asked: Mapping[str, str] = {
            "secret": self._secret,
            "vhost": "__defaultVhost__",
            "app": app,
            "stream": stream,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        url = f"{self._base_url}/index/api/listRtpSender"
        said = _said(await self._http.request("POST", url, headers, urlencode(asked).encode()), self._clock)
        if said.code == _NO_STREAM:
            return 0
        data = _checked(said)
        return len(data) if isinstance(data, list) else 0

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def _said(answer: Answer, clock: Clock) -> _Body:
    if answer.status == _UNAUTHORIZED:
        return _Body(code=_UNAUTHORIZED, msg="unauthorized")
    check_status(answer, clock.now())
    try:
        return _Body.model_validate_json(answer.body)
    except ValidationError as error:
        raise TransientError(f"not an answer of this interface: {answer.quote()}") from error


def _checked(said: _Body) -> Any:  # noqa: ANN401 - JSON
    """Return what is said; raise what another code than 0 means."""
    if said.code == _OK:
        return said.data
    message = f"it answers with code {said.code}: {said.msg}"
    if said.code in _UNKNOWN:
        raise PermanentError(message)
    raise TransientError(message)


def read_as(model: type[_Model], data: object) -> _Model:
    """Return ``data`` as ``model``; TransientError says what it lacks."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise TransientError(f"not an answer of this interface: {where}: {fault['msg']}") from error


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
