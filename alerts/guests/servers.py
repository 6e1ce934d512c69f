"""What media servers ask us, and how a stream is cut there. The forms are those of their documentation.

MediaMTX (``authMethod: http``) posts JSON with ``user``, ``password``, ``action``, ``path`` and ``query``,
and lets in who is answered 2xx. ZLMediaKit (``on_publish``, ``on_play``) posts JSON with ``stream`` and
``params``, and wants ``code`` 0. The RTMP module of nginx (``on_publish``, ``on_play``) posts a form with
``call``, ``name`` and the arguments of the stream, and lets in who is answered 2xx.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from lianfang.config.guests import MediaServer
from lianfang.errors import TransientError
from lianfang.reach.http import HttpEndpoint

Wants = Literal["publish", "read"]
_TIMEOUT_S = 5.0
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_KICKED = {
    "rtmpConn": "rtmpconns",
    "rtmpsConn": "rtmpsconns",
    "rtspSession": "rtspsessions",
    "rtspsSession": "rtspssessions",
    "srtConn": "srtconns",
    "webRTCSession": "webrtcsessions",
}


@dataclass(frozen=True, slots=True)
class Question:
    """Whether somebody with ``key`` may publish or read a stream."""

    wants: Wants
    stream: str
    key: str


def question(server: MediaServer, hook: str, body: bytes, application: str) -> Question | None:
    """Return what is asked; None for what is never let in. ``hook`` is the last part of our address."""
    try:
        if server.kind == "nginx_rtmp":
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            wants = {"publish": "publish", "play": "read"}.get(form.get("call", ""))
            return _asked(wants, form.get("name", ""), form.get("key", ""), form.get("app", ""), application)
        said: Any = json.loads(body)
        if server.kind == "zlmediakit":
            wants = {"on_publish": "publish", "on_play": "read"}.get(hook)
            key = _argument(said.get("params", ""), "key")
            return _asked(wants, said.get("stream", ""), key, said.get("app", ""), application)
        wants = {"publish": "publish", "read": "read"}.get(said.get("action", ""))
        app, _, stream = said.get("path", "").rpartition("/")
        key = said.get("password") or _argument(said.get("query", ""), "key")
        return _asked(wants, stream, key, app, application)
    except (ValueError, AttributeError, TypeError):
        return None


def answer(server: MediaServer, *, allowed: bool) -> tuple[int, Mapping[str, Any]]:
    """Return status and body of our answer."""
    if server.kind == "zlmediakit":
        return 200, {"code": 0, "msg": "success"} if allowed else {"code": -1, "msg": "refused"}
    return (200, {}) if allowed else (403, {})


def application_of(server: MediaServer) -> str:
    """Return the application, the first part of the path, to which owners push; "" where there is none."""
    return urlsplit(server.push).path.strip("/")


async def cut(server: MediaServer, stream: str) -> None:
    """Cut a stream off at the server, whoever pushes it; TransientError where that fails."""
    if server.control is None:
        return
    try:
        secret = server.control_secret.read() if server.control_secret else ""
    except LookupError as error:
        raise TransientError(str(error.args[0])) from error
    app = application_of(server)
    endpoint = HttpEndpoint(_TIMEOUT_S, networks=server.networks)
    try:
        if server.kind == "nginx_rtmp":
            where = f"/drop/publisher?{urlencode({'app': app, 'name': stream})}"
            await endpoint.request("GET", server.control + where, {})
        elif server.kind == "zlmediakit":
            form = {"secret": secret, "app": app, "stream": stream, "force": "1"}
            address = f"{server.control}/index/api/close_streams"
            await endpoint.request("POST", address, _FORM, urlencode(form).encode())
        else:
            await _kick(endpoint, server.control, f"{app}/{stream}".strip("/"), secret)
    finally:
        await endpoint.close()


async def _kick(endpoint: HttpEndpoint, control: str, path: str, secret: str) -> None:
    """Cut off who publishes a path of MediaMTX: its API has a list for each kind of connection."""
    headers = {"Authorization": f"Basic {b64encode(secret.encode()).decode()}"} if secret else {}
    found = await endpoint.request("GET", f"{control}/v3/paths/get/{path}", headers)
    try:
        source = json.loads(found.body)["source"] or {}
        kind, number = _KICKED.get(str(source.get("type"))), str(source.get("id", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return  # nobody publishes it
    if kind and number:
        await endpoint.request("POST", f"{control}/v3/{kind}/kick/{quote(number, safe='')}", headers)


def _asked(wants: str | None, stream: str, key: str, app: str, application: str) -> Question | None:
    if wants not in ("publish", "read") or app != application or not stream:
        return None
    return Question("publish" if wants == "publish" else "read", stream, key)


def _argument(query: str, name: str) -> str:
    return parse_qs(query.lstrip("?")).get(name, [""])[0]
