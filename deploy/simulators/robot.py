"""A robot of a chat group, in the dialect of WeCom, DingTalk or Feishu. See docs/protocols/robot.md.

``python -m deploy.simulators.robot --dialect dingtalk --port 8907 --key SEC123``
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Literal

from aiohttp import web

from deploy.simulators.server import Fault, Say, Simulator, serve_for_ever, to_stdout

_TOKEN, _LONGEST, _A_MINUTE = "group-1234", 2048, 20
_OLD_S = 3600
_PATHS = {
    "wecom": "/cgi-bin/webhook/send",
    "dingtalk": "/robot/send",
    "feishu": f"/open-apis/bot/v2/hook/{_TOKEN}",
}
_QUERIES = {"wecom": "key", "dingtalk": "access_token"}
_TOO_MANY = {"wecom": 45009, "dingtalk": 130101, "feishu": 11232}
_NOT_SIGNED = {"dingtalk": 310000, "feishu": 19021}


class RobotSimulator(Simulator):
    """One robot. ``lines`` is what it wrote; with ``key`` it wants messages signed with it."""

    def __init__(
        self,
        dialect: Literal["wecom", "dingtalk", "feishu"],
        *,
        key: str = "",
        a_minute: int = _A_MINUTE,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Iterable[Fault | None] = (),
        say: Say = to_stdout,
    ) -> None:
        super().__init__(host=host, port=port, faults=faults, say=say)
        self._dialect, self._key, self._a_minute = dialect, key, a_minute
        self._times: list[float] = []
        self.lines: list[str] = []

    @property
    def url(self) -> str:
        """Its address, with what lets somebody in."""
        query = f"?{_QUERIES[self._dialect]}={_TOKEN}" if self._dialect in _QUERIES else ""
        return f"{super().url}{_PATHS[self._dialect]}{query}"

    def routes(self) -> Iterable[web.RouteDef]:
        """Return what is served."""
        return [web.post(_PATHS[self._dialect], self.faulty(self._post))]

    async def _post(self, request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.read())
        except ValueError:
            return self._answer(9499, "no JSON")
        if self._dialect in _QUERIES and request.query.get(_QUERIES[self._dialect]) != _TOKEN:
            return self._answer(93000, "no such robot")
        if self._key and not self._is_signed(request, body):
            return self._answer(_NOT_SIGNED[self._dialect], "sign not match")
        text = self._text(body)
        if not isinstance(text, str) or not text or len(text.encode()) > _LONGEST:
            return self._answer(40058, "no text, or too long")
        now_s = time.monotonic()
        self._times = [at for at in self._times if now_s - at < 60]
        if len(self._times) >= self._a_minute:
            return self._answer(_TOO_MANY[self._dialect], "too many in a minute")
        self._times.append(now_s)
        self.lines.append(text)
        self.say(text)
        return self._answer(0, "ok")

    def _text(self, body: Any) -> object:  # noqa: ANN401 - JSON that nobody has looked at
        kind, outer, inner = (
            ("msg_type", "content", "text") if self._dialect == "feishu" else ("msgtype", "text", "content")
        )
        if not isinstance(body, dict) or body.get(kind) != "text" or not isinstance(body.get(outer), dict):
            return None
        return body[outer].get(inner)

    def _is_signed(self, request: web.Request, body: Any) -> bool:  # noqa: ANN401 - as above
        given = body if self._dialect == "feishu" else request.query
        stamp, sign = str(given.get("timestamp", "")), str(given.get("sign", ""))
        if not stamp.isdecimal():
            return False
        seconds = int(stamp) / (1 if self._dialect == "feishu" else 1000)
        whole = f"{stamp}\n{self._key}".encode()
        key, text = (whole, b"") if self._dialect == "feishu" else (self._key.encode(), whole)
        right = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
        return hmac.compare_digest(right, sign) and abs(time.time() - seconds) < _OLD_S

    def _answer(self, code: int, text: str) -> web.Response:
        names = ("code", "msg") if self._dialect == "feishu" else ("errcode", "errmsg")
        return web.json_response(dict(zip(names, (code, text), strict=True)))


def main() -> None:
    """Run the robot until interrupted."""
    parser = argparse.ArgumentParser(description="A robot of a chat group that shows what it is told.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8907)
    parser.add_argument("--dialect", choices=tuple(_PATHS), default="wecom")
    parser.add_argument("--key", default="", help="of signed messages")
    options = parser.parse_args()
    robot = RobotSimulator(options.dialect, key=options.key, host=options.host, port=options.port)
    robot.say(f"its address is {_PATHS[options.dialect]}, its token {_TOKEN}")
    with suppress(KeyboardInterrupt):
        asyncio.run(serve_for_ever(robot))


if __name__ == "__main__":
    main()
