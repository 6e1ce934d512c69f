"""Cameras on real servers, and the ways in which each fails and comes back."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.support.elementary import Encoding, elementary_stream
from tests.support.http_camera import PASSWORD, USER, HttpCamera, in_thread
from tests.support.rtsp_server import Login, RtspServer, pattern

RIGHT, OTHER = Login("viewer", "right-one"), Login("viewer", "another-one")


@dataclass(frozen=True)
class Act:
    """A way to fail: ``fail`` brings the camera down, and after ``recover`` it is back."""

    name: str
    fail: Callable[[], object]
    recover: Callable[[], object]


@dataclass(frozen=True)
class Soaked:
    """A camera: its keys of the configuration, and what it does in turn."""

    name: str
    stanza: dict[str, Any]
    acts: tuple[Act, ...]


@contextmanager
def cameras() -> Iterator[list[Soaked]]:
    """Run them all for as long as the block runs. Every RTSP camera begins with another act."""
    os.environ["SOAK_HTTP"], os.environ["SOAK_RTSP"] = PASSWORD, RIGHT.password
    with ExitStack() as stack:
        found = [_rtsp(stack, turn) for turn in range(4)]
        for kind, path in (("mjpeg", "/stream"), ("http_snapshot", "/snap.jpg")):
            found.append(_http(stack.enter_context(in_thread(HttpCamera())), kind, path))
        yield found


def _rtsp(stack: ExitStack, turn: int) -> Soaked:
    usual = elementary_stream(pattern())
    server = stack.enter_context(RtspServer(login=RIGHT, streams={"stream": usual}))
    noise = stack.enter_context(_Noise())

    def serve(stream: Path, login: Login = RIGHT) -> None:
        server.kill()
        server.serve({"stream": stream}, login)
        server.start()

    def noisy() -> None:
        server.kill()
        noise.begin(server.port)

    def quiet() -> None:
        noise.end()
        serve(usual)

    wide = elementary_stream(pattern(), Encoding(width=640, height=360))
    other = elementary_stream(pattern(), Encoding(codec="h265"))
    acts = [
        Act("dies", server.kill, lambda: serve(usual)),
        Act("stalls", server.stop, server.cont),
        Act("changes its resolution", server.kill, lambda: serve(wide)),
        Act("changes its codec", server.kill, lambda: serve(other)),
        Act("asks for another password", lambda: serve(usual, OTHER), lambda: serve(usual)),
        Act("sends garbage", noisy, quiet),
    ]
    source = {"kind": "rtsp", "url": server.url, "username": RIGHT.user, "password": {"env": "SOAK_RTSP"}}
    return Soaked(f"rtsp{turn}", {"source": source}, tuple(acts[turn:] + acts[:turn]))


def _http(camera: HttpCamera, kind: str, path: str) -> Soaked:
    def put(key: str, *, to: bool) -> Callable[[], None]:
        return lambda: setattr(camera, key, to)

    acts = [Act(key, put(key, to=True), put(key, to=False)) for key in ("stands", "spoils", "refuses")]
    source = {"kind": kind, "url": camera.url + path, "username": USER, "password": {"env": "SOAK_HTTP"}}
    return Soaked(kind, {"source": source}, tuple(acts))


class _Noise:
    """Answers everybody on a port with noise."""

    def __init__(self) -> None:
        self._listening: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self, port: int) -> None:
        """Answer from now on."""
        self._listening = socket.create_server(("127.0.0.1", port), reuse_port=False)
        self._listening.settimeout(0.1)
        self._thread = threading.Thread(target=self._answer, args=(self._listening,))
        self._thread.start()

    def end(self) -> None:
        """Leave the port."""
        listening, thread, self._listening, self._thread = self._listening, self._thread, None, None
        if listening is not None and thread is not None:
            listening.close()
            thread.join()

    def _answer(self, listening: socket.socket) -> None:
        while listening.fileno() >= 0:
            try:
                connection, _ = listening.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with connection:
                try:
                    connection.settimeout(1)
                    connection.recv(4096)
                    connection.sendall(os.urandom(4096))
                except OSError:
                    continue
