"""A WVP platform with its media server and one GB/T 28181 speaker. See docs/protocols/speaker_wvp.md.

``python -m deploy.simulators.speaker_wvp --port 8904``.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from deploy.simulators.rtsp import RtspReceiver
from deploy.simulators.server import Fault, Say, serve_for_ever, to_stdout
from deploy.simulators.wvp import USERNAME, WvpPlatform, channel, device, md5, ok

DEVICE, CHANNEL = "34020000001320000001", "34020000001370000001"
SECRET = "media-secret"  # noqa: S105 - of a simulator
_PUSH_KEY = "push-key"
_STREAM = "broadcast", f"{DEVICE}_{CHANNEL}"
_PATH = "/".join(_STREAM)


class WvpSimulator(WvpPlatform):
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
        super().__init__(host=host, port=port, asks_login=asks_login, faults=faults, say=say)
        self._answer_after_s = answer_after_s
        self.catalogue = [(device(DEVICE), [channel(CHANNEL)])]
        self._streams = RtspReceiver(self._may_push)
        self._hung_up = False
        self.takes_calls = True
        self.obeys_stop = True
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
        broadcast = "/api/play/broadcast"
        return [
            *super().routes(),
            web.post("/api/user/userInfo", self.behind_login(self._user_info)),
            web.get(f"{broadcast}/{{device}}/{{channel}}", self.faulty(self.behind_login(self._broadcast))),
            web.get(f"{broadcast}/stop/{{device}}/{{channel}}", self.behind_login(self._hung_up_on)),
            web.post("/index/api/listRtpSender", self._senders),
        ]

    @property
    def online(self) -> bool:
        """Whether the device is registered."""
        return self.catalogue[0][0]["onLine"] is True

    @online.setter
    def online(self, value: bool) -> None:
        self.catalogue[0][0]["onLine"] = value

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

    def hang_up(self) -> None:
        """Let the device end the call."""
        self._hung_up = True

    def break_off(self) -> None:
        """Let the media server close the connection of the stream."""
        self._streams.kick(_PATH)

    async def _user_info(self, _request: web.Request) -> web.Response:
        if not self._asks_login:
            return web.json_response({"code": 100, "msg": "失败", "data": None})
        return ok({"username": USERNAME, "pushKey": _PUSH_KEY})

    async def _broadcast(self, request: web.Request) -> web.Response:
        if (where := _unknown(request)) is not None:
            return where
        if request.query.get("broadcastMode") != "true" or not request.query.get("timeout", "").isdigit():
            return web.json_response({"code": 400, "msg": "参数或方法错误"})
        self.calls += 1
        self._hung_up, self.taken_at = False, None
        rtsp = f"rtsp://127.0.0.1:{self._streams.port}/{_PATH}"
        app, stream = _STREAM
        return ok({"streamInfo": {"rtsp": rtsp}, "codec": "G.711", "app": app, "stream": stream})

    async def _hung_up_on(self, request: web.Request) -> web.Response:
        if (where := _unknown(request)) is not None:
            return where
        if self.obeys_stop:
            self._hung_up = True
        return ok(None)

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
        return ok(["0200000001"] if self.busy else [])

    def _may_push(self, url: str) -> bool:
        sign = parse_qs(urlsplit(url).query).get("sign", [""])[0]
        return urlsplit(url).path == f"/{_PATH}" and (not self._asks_login or sign == md5(_PUSH_KEY))


def _unknown(request: web.Request) -> web.Response | None:
    if request.match_info["device"] != DEVICE:
        return web.json_response({"code": 400, "msg": "未找到设备"})
    if request.match_info["channel"] != CHANNEL:
        return web.json_response({"code": 400, "msg": "未找到通道"})
    return None


def main() -> None:
    """Run one platform until interrupted."""
    parser = argparse.ArgumentParser(description="A WVP platform with one speaker.")
    parser.add_argument("--port", type=int, default=8904)
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(serve_for_ever(WvpSimulator(port=options.port)))


if __name__ == "__main__":
    main()
