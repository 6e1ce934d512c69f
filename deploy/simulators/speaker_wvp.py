"""A WVP platform with its media server and one GB/T 28181 speaker. See docs/protocols/speaker_wvp.md.

``python -m deploy.simulators.speaker_wvp --port 8904``.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import secrets
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from deploy.simulators.rtsp import RtspReceiver
from deploy.simulators.server import Fault, Handler, Say, Simulator, serve_for_ever, to_stdout

DEVICE, CHANNEL = "34020000001320000001", "34020000001370000001"
USERNAME, PASSWORD, SECRET = "admin", "admin", "media-secret"
_PUSH_KEY = "push-key"
_STREAM = "broadcast", f"{DEVICE}_{CHANNEL}"
_PATH = "/".join(_STREAM)


class WvpSimulator(Simulator):
    """The platform, its media server and the device in one.

    The device takes a call ``answer_after_s`` after its sound comes in, and never where ``takes_calls`` is
    false, whatever the platform says. ``faults`` meet the requests for a call. While ``obeys_stop`` is false
    the platform says that it has hung up, and does not.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        answer_after_s: float = 0.0,
        asks_login: bool = True,
        faults: Iterable[Fault | None] = (),
        say: Say = to_stdout,
    ) -> None:
        super().__init__(host=host, port=port, faults=faults, say=say)
        self._answer_after_s, self._asks_login = answer_after_s, asks_login
        self._tokens: set[str] = set()
        self._streams = RtspReceiver(self._may_push)
        self._hung_up = False
        self.takes_calls = True
        self.obeys_stop = True
        self.online = True
        self.logins = 0
        self.calls = 0
        self.taken_at: int | None = None

    async def __aenter__(self) -> Self:
        await self._streams.__aenter__()
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, traceback)
        await self._streams.__aexit__(kind, error, traceback)

    def routes(self) -> Iterable[web.RouteDef]:
        """Return what is served."""
        return [
            web.get("/api/user/login", self._login),
            web.post("/api/user/userInfo", self._behind_login(self._user_info)),
            web.get(
                "/api/play/broadcast/{device}/{channel}", self.faulty(self._behind_login(self._broadcast))
            ),
            web.get("/api/play/broadcast/stop/{device}/{channel}", self._behind_login(self._stop)),
            web.get("/api/device/query/devices/{device}", self._behind_login(self._device)),
            web.post("/index/api/listRtpSender", self._senders),
        ]

    @property
    def heard(self) -> bytes:
        """What the device was sent since it took the last call, A-law."""
        return bytes(self._streams.sound.get(_PATH, b"")[self.taken_at or 0 :])

    @property
    def refused(self) -> list[str]:
        """Streams that were not as they should be, and why."""
        return self._streams.refused

    @property
    def busy(self) -> bool:
        """Whether the device is on the line."""
        if not self._streams.live(_PATH) or not self.takes_calls or self._hung_up:
            return False
        waited_s = asyncio.get_running_loop().time() - self._streams.since_s[_PATH]
        return waited_s >= self._answer_after_s

    def forget_logins(self) -> None:
        """Let every token be over."""
        self._tokens.clear()

    def hang_up(self) -> None:
        """Let the device end the call."""
        self._hung_up = True

    def break_off(self) -> None:
        """Let the media server close the connection of the stream."""
        self._streams.kick(_PATH)

    def _behind_login(self, handler: Handler) -> Handler:
        async def meet(request: web.Request) -> web.StreamResponse:
            if self._asks_login and request.headers.get("access-token") not in self._tokens:
                return web.json_response({"code": 401, "msg": "请登录后重新请求"}, status=401)
            return await handler(request)

        return meet

    async def _login(self, request: web.Request) -> web.Response:
        self.logins += 1
        given = request.query.get("username"), request.query.get("password")
        if given != (USERNAME, _md5(PASSWORD)):
            return web.json_response({"code": 100, "msg": "用户名或密码错误"})
        self._tokens.add(token := secrets.token_hex(8))
        return _ok({"username": USERNAME, "accessToken": token})

    async def _user_info(self, _request: web.Request) -> web.Response:
        if not self._asks_login:
            return web.json_response({"code": 100, "msg": "失败", "data": None})
        return _ok({"username": USERNAME, "pushKey": _PUSH_KEY})

    async def _broadcast(self, request: web.Request) -> web.Response:
        if (where := _unknown(request)) is not None:
            return where
        if request.query.get("broadcastMode") != "true" or not request.query.get("timeout", "").isdigit():
            return web.json_response({"code": 400, "msg": "参数或方法错误"})
        self.calls += 1
        self._hung_up, self.taken_at = False, None
        rtsp = f"rtsp://127.0.0.1:{self._streams.port}/{_PATH}"
        app, stream = _STREAM
        return _ok({"streamInfo": {"rtsp": rtsp}, "codec": "G.711", "app": app, "stream": stream})

    async def _stop(self, request: web.Request) -> web.Response:
        if (where := _unknown(request)) is not None:
            return where
        if self.obeys_stop:
            self._hung_up = True
        return _ok(None)

    async def _device(self, request: web.Request) -> web.Response:
        if request.match_info["device"] != DEVICE:
            return _ok(None)
        return _ok({"deviceId": DEVICE, "onLine": self.online})

    async def _senders(self, request: web.Request) -> web.Response:
        asked = await request.post()
        if asked.get("secret") != SECRET:
            return web.json_response({"code": -100, "msg": "Incorrect secret"})
        if asked.get("vhost") != "__defaultVhost__" or (asked.get("app"), asked.get("stream")) != _STREAM:
            return web.json_response({"code": -300, "msg": "Required parameter missed"})
        if not self._streams.live(_PATH):
            return web.json_response({"code": -500, "msg": "can not find the source stream"})
        if self.busy and self.taken_at is None:
            self.taken_at = len(self._streams.sound[_PATH])
            self.say("the device is on the line")
        return _ok(["0200000001"] if self.busy else [])

    def _may_push(self, url: str) -> bool:
        sign = parse_qs(urlsplit(url).query).get("sign", [""])[0]
        return urlsplit(url).path == f"/{_PATH}" and (not self._asks_login or sign == _md5(_PUSH_KEY))


def _unknown(request: web.Request) -> web.Response | None:
    if request.match_info["device"] != DEVICE:
        return web.json_response({"code": 400, "msg": "未找到设备"})
    if request.match_info["channel"] != CHANNEL:
        return web.json_response({"code": 400, "msg": "未找到通道"})
    return None


def _ok(data: object) -> web.Response:
    return web.json_response({"code": 0, "msg": "成功", "data": data})


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def main() -> None:
    """Run one platform until interrupted."""
    parser = argparse.ArgumentParser(description="A WVP platform with one speaker.")
    parser.add_argument("--port", type=int, default=8904)
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(serve_for_ever(WvpSimulator(port=options.port)))


if __name__ == "__main__":
    main()
