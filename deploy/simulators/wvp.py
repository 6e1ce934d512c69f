"""A strict WVP platform: who logs in may list devices and channels, and let a channel be called.

``python -m deploy.simulators.wvp --rtsp rtsp://127.0.0.1:8554/stream --port 8905``.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiohttp import web

from deploy.simulators.server import Fault, Handler, Say, Simulator, serve_for_ever, to_stdout

USERNAME, PASSWORD = "admin", "admin"
DEVICE, CHANNEL = "34020000001180000001", "34020000001310000001"
_MOST_ROWS = 1000
Row = dict[str, Any]


def device(code: str, **more: object) -> Row:
    """Return a row of the list of devices, as the platform writes it."""
    said = {"deviceId": code, "name": "录像机", "manufacturer": "lianfang", "model": "SIM", "onLine": True}
    return {**said, "transport": "UDP", "charset": "GB2312", "channelCount": 1, "registerTime": None, **more}


def channel(code: str, **more: object) -> Row:
    """Return a row of a device's list of channels."""
    said = {"id": 1, "deviceId": code, "name": "东岸", "manufacturer": "lianfang", "model": "Camera"}
    return {**said, "status": "ON", "longitude": 120.1, "latitude": 30.2, "parental": 0, "ptzType": 3, **more}


class WvpPlatform(Simulator):
    """The platform. A call of a channel leads to the stream at ``rtsp``; ``faults`` meet requests for calls.

    ``catalogue`` are its devices, each with its channels. ``called`` are the channels that are called now.
    """

    def __init__(
        self,
        rtsp: str = "rtsp://127.0.0.1:554/rtp/stream",
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        asks_login: bool = True,
        faults: Iterable[Fault | None] = (),
        say: Say = to_stdout,
    ) -> None:
        super().__init__(host=host, port=port, faults=faults, say=say)
        self._asks_login = asks_login
        self._tokens: set[str] = set()
        self.rtsp = rtsp
        self.catalogue: list[tuple[Row, Sequence[object]]] = [(device(DEVICE), [channel(CHANNEL)])]
        self.called: list[tuple[str, str]] = []
        self.logins = 0

    def routes(self) -> Iterable[web.RouteDef]:
        """Return what is served."""
        queries = "/api/device/query/devices"
        return [
            web.get("/api/user/login", self._login),
            web.get(queries, self.behind_login(self._devices)),
            web.get(f"{queries}/{{device}}", self.behind_login(self._device)),
            web.get(f"{queries}/{{device}}/channels", self.behind_login(self._channels)),
            web.get("/api/play/start/{device}/{channel}", self.faulty(self.behind_login(self._play))),
            web.get("/api/play/stop/{device}/{channel}", self.behind_login(self._stop)),
        ]

    def forget_logins(self) -> None:
        """Let every token be over."""
        self._tokens.clear()

    def behind_login(self, handler: Handler) -> Handler:
        """Return ``handler`` as it is met by who has logged in."""

        async def meet(request: web.Request) -> web.StreamResponse:
            if self._asks_login and request.headers.get("access-token") not in self._tokens:
                return web.json_response({"code": 401, "msg": "请登录后重新请求"}, status=401)
            return await handler(request)

        return meet

    def known(self, code: str) -> tuple[Row, Sequence[object]] | None:
        """Return a device and its channels."""
        return next((entry for entry in self.catalogue if entry[0].get("deviceId") == code), None)

    async def _login(self, request: web.Request) -> web.Response:
        self.logins += 1
        given = request.query.get("username"), request.query.get("password")
        if given != (USERNAME, md5(PASSWORD)):
            return web.json_response({"code": 100, "msg": "用户名或密码错误"})
        self._tokens.add(token := secrets.token_hex(8))
        return ok({"username": USERNAME, "accessToken": token})

    async def _devices(self, request: web.Request) -> web.Response:
        return _page(request.query, [row for row, _ in self.catalogue])

    async def _channels(self, request: web.Request) -> web.Response:
        entry = self.known(request.match_info["device"])
        return _page(request.query, entry[1] if entry else [])

    async def _device(self, request: web.Request) -> web.Response:
        entry = self.known(request.match_info["device"])
        return ok(entry[0] if entry else None)

    async def _play(self, request: web.Request) -> web.Response:
        call = (request.match_info["device"], request.match_info["channel"])
        if (fault := self._uncallable(*call)) is not None:
            return fault
        if call not in self.called:
            self.called.append(call)
        app, stream = "rtp", "_".join(call)
        return ok({"app": app, "stream": stream, "rtsp": self.rtsp, "rtmp": None, "mediaServerId": "zlm"})

    async def _stop(self, request: web.Request) -> web.Response:
        call = (request.match_info["device"], request.match_info["channel"])
        if (fault := self._uncallable(*call)) is not None:
            return fault
        if call in self.called:
            self.called.remove(call)
        return ok({"deviceId": call[0], "channelId": call[1]})

    def _uncallable(self, code: str, channel_code: str) -> web.Response | None:
        entry = self.known(code)
        if entry is None:
            return web.json_response({"code": 400, "msg": "设备不存在"})
        rows = [row for row in entry[1] if isinstance(row, dict) and row.get("deviceId") == channel_code]
        if not rows:
            return web.json_response({"code": 400, "msg": "通道不存在"})
        if entry[0].get("onLine") is not True or rows[0].get("status") != "ON":
            return web.json_response({"code": 100, "msg": "点播超时"})
        return None


def _page(query: Mapping[str, str], rows: Sequence[object]) -> web.Response:
    page, count = query.get("page", ""), query.get("count", "")
    if not page.isdigit() or not count.isdigit() or not 0 < int(count) <= _MOST_ROWS or int(page) < 1:
        return web.json_response({"code": 400, "msg": "参数或方法错误"}, status=400)
    begin, size = (int(page) - 1) * int(count), int(count)
    pages = -(-len(rows) // size)
    shown = list(rows[begin : begin + size])
    return ok({"total": len(rows), "list": shown, "pageNum": int(page), "pageSize": size, "pages": pages})


def ok(data: object) -> web.Response:
    """Return the answer that all is well."""
    return web.json_response({"code": 0, "msg": "成功", "data": data})


def md5(text: str) -> str:
    """Return the digest of ``text``, in hexadecimal digits."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def main() -> None:
    """Run one platform until interrupted."""
    parser = argparse.ArgumentParser(description="A WVP platform with one camera, whose stream is elsewhere.")
    parser.add_argument("--port", type=int, default=8905)
    parser.add_argument("--rtsp", required=True, help="the address of its stream")
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(serve_for_ever(WvpPlatform(options.rtsp, port=options.port)))


if __name__ == "__main__":
    main()
