"""What media servers ask us: the forms of each, and a real nginx with its RTMP module that is pushed to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from alerts.guests.preview import NoPicture, Previews
from alerts.guests.pushing import name_of, pushed
from alerts.guests.servers import Question, answer, question
from alerts.store import Store
from alerts.store.guests import digest
from deploy.demo.site import free_port
from lianfang.clock import SystemClock
from lianfang.config.guests import MediaServer
from lianfang.reach.guests import GuestSource
from tests.support import guests
from tests.support.api import Client, Site, serving, wait_for
from tests.support.guests import asked, invited

MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
HERE = (ip_network("127.0.0.0/8"),)


def server(kind: str, **other: Any) -> MediaServer:  # noqa: ANN401
    return MediaServer.model_validate(
        {
            "kind": kind,
            "push": "rtmp://media.test/live",
            "pull": "rtsp://media.test/live",
            "hook_secret": {"env": "TEST_TOKEN"},
            **other,
        }
    )


def mediamtx(action: str, path: str, query: str = "", password: str = "") -> bytes:
    """Return what MediaMTX posts."""
    return json.dumps(
        {
            "user": "lianfang" if password else "",
            "password": password,
            "token": "",
            "ip": "10.0.0.9",
            "action": action,
            "path": path,
            "protocol": "rtmp",
            "id": "8a0d6a3c-9d4f-4b59-a53a-3a0fb2b8f2a8",
            "query": query,
        }
    ).encode()


def zlmediakit(app: str, stream: str, params: str) -> bytes:
    """Return what ZLMediaKit posts."""
    return json.dumps(
        {
            "mediaServerId": "1",
            "app": app,
            "id": "140186529001776",
            "ip": "10.0.0.9",
            "params": params,
            "port": 65284,
            "schema": "rtmp",
            "stream": stream,
            "vhost": "__defaultVhost__",
        }
    ).encode()


def nginx(**form: str) -> bytes:
    """Return what the RTMP module of nginx posts."""
    return urlencode({"app": "live", "addr": "10.0.0.9", "clientid": "1", **form}).encode()


@pytest.mark.parametrize(
    ("kind", "hook", "body", "means"),
    [
        ("mediamtx", "auth", mediamtx("publish", "live/cam_1", "key=k"), Question("publish", "cam_1", "k")),
        ("mediamtx", "auth", mediamtx("read", "live/cam_1", password="k"), Question("read", "cam_1", "k")),
        ("mediamtx", "auth", mediamtx("read", "live/cam_1"), Question("read", "cam_1", "")),
        ("mediamtx", "auth", mediamtx("api", ""), None),
        ("mediamtx", "auth", mediamtx("publish", "other/cam_1", "key=k"), None),
        ("mediamtx", "auth", b"no JSON", None),
        ("mediamtx", "auth", b"[]", None),
        ("zlmediakit", "on_publish", zlmediakit("live", "cam_1", "key=k"), Question("publish", "cam_1", "k")),
        ("zlmediakit", "on_play", zlmediakit("live", "cam_1", "key=k"), Question("read", "cam_1", "k")),
        ("zlmediakit", "auth", zlmediakit("live", "cam_1", "key=k"), None),
        ("zlmediakit", "on_play", zlmediakit("rtp", "cam_1", "key=k"), None),
        (
            "nginx_rtmp",
            "on_publish",
            nginx(call="publish", name="cam_1", key="k"),
            Question("publish", "cam_1", "k"),
        ),
        ("nginx_rtmp", "on_play", nginx(call="play", name="cam_1"), Question("read", "cam_1", "")),
        ("nginx_rtmp", "on_play", nginx(call="record_done", name="cam_1"), None),
        ("nginx_rtmp", "on_play", b"\xff\xfe", None),
    ],
)
def test_each_server_asks_in_its_own_form(kind: str, hook: str, body: bytes, means: Question | None) -> None:
    assert question(server(kind), hook, body, "live") == means


def test_each_server_is_answered_as_it_wants() -> None:
    assert answer(server("mediamtx"), allowed=False)[0] == HTTPStatus.FORBIDDEN
    assert answer(server("zlmediakit"), allowed=True) == (200, {"code": 0, "msg": "success"})
    assert answer(server("zlmediakit"), allowed=False) == (200, {"code": -1, "msg": "refused"})
    assert answer(server("nginx_rtmp"), allowed=True)[0] == HTTPStatus.OK


CONFIG = """
load_module {module};
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
rtmp {{
  server {{
    listen 127.0.0.1:{rtmp};
    application live {{
      live on;
      on_publish http://127.0.0.1:{api}/share/hooks/on_publish?secret=speaker-token;
      on_play http://127.0.0.1:{api}/share/hooks/on_play?secret=speaker-token;
    }}
  }}
}}
http {{
  access_log off;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{http}; location / {{ rtmp_control all; }} }}
}}
"""


@contextmanager
def real_nginx(folder: Path, rtmp: int, http: int, api: int) -> Iterator[None]:
    """Run Debian's nginx with its RTMP module."""
    if not MODULE.exists() or shutil.which("nginx") is None:
        message = "no RTMP server (Debian: nginx libnginx-mod-rtmp)"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    file = folder / "nginx.conf"
    file.write_text(CONFIG.format(module=MODULE, folder=folder, rtmp=rtmp, http=http, api=api))
    process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(file)], stderr=subprocess.DEVNULL)
    try:
        wait_for((folder / "nginx.pid").exists)
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def pushing(address: str) -> Iterator[subprocess.Popen[bytes]]:
    """Do what the owner's side does: push until it is cut off."""
    command = [sys.executable, "-m", "tests.support.rtmp_process", address]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def is_refused(address: str) -> bool:
    """Say whether nobody takes what is pushed."""
    with pushing(address) as process:
        return process.wait(20) == 1


def gives(source: GuestSource) -> bool:
    """Say whether a picture comes of it, read by a process as always."""
    try:
        return bool(Previews(SystemClock()).take("test", source, HERE, 1024))
    except NoPicture:
        return False


def test_an_owner_pushes_and_is_cut_off_when_they_withdraw(tmp_path: Path) -> None:
    rtmp, http, api = free_port(0), free_port(0), free_port(0)
    media = {
        "kind": "nginx_rtmp",
        "push": f"rtmp://127.0.0.1:{rtmp}/live",
        "pull": f"rtmp://127.0.0.1:{rtmp}/live",
        "networks": ["127.0.0.0/8"],
        "hook_secret": {"env": "TEST_TOKEN"},
        "control": f"http://127.0.0.1:{http}",
    }
    store = Store(f"sqlite:///{tmp_path}/store.db")
    site = Site(guests.config(tmp_path, media_server=media), store)
    assert site.config.guests is not None
    with (
        closing(store),
        serving(site.app(static=tmp_path), api),
        real_nginx(tmp_path, rtmp, http, api),
    ):
        client, stranger = Client(api), Client(api)
        client.login()
        token = invited(client)
        push = asked(stranger, "POST", "push", token).json
        key = push["stream"].partition("?key=")[2]
        assert is_refused(f"{push['server']}/{name_of(digest(key))}?key=wrong")
        with pushing(f"{push['server']}/{push['stream']}") as pusher:
            source = pushed(site.config.guests, digest(key))
            wait_for(lambda: gives(source))
            assert not gives(
                source.model_copy(update={"url": source.url.partition("?")[0]})
            )  # without the key
            preview = asked(stranger, "POST", "preview", token, {})
            assert preview.status == HTTPStatus.OK, preview.json
            body = guests.offer(preview.headers["X-Preview"], "") | {"source": None}
            owner = asked(stranger, "POST", "join", token, body).json["link"].partition("#")[2]
            gone = asked(stranger, "POST", "camera/withdraw", owner).json["camera"]
            assert gone["state"] == "withdrawn"
            assert pusher.wait(20) == 1  # it was cut off
        assert is_refused(f"{push['server']}/{push['stream']}")
