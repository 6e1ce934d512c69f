"""A camera that gives pictures over HTTP: one for each question, and Motion JPEG without end."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import simplejpeg
from aiohttp import web

from deploy.simulators.digest import Digest
from deploy.simulators.server import Simulator
from tests.support.video import numbered

USER, PASSWORD = "admin", "p@ss:w/r d%#?é"
FPS = 25
_PART = "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n"
_Server = TypeVar("_Server", bound=Simulator)


class HttpCamera(Simulator):
    """Asks for Digest; each picture carries its number. ``/elsewhere`` leads to another camera's picture."""

    def __init__(self, elsewhere: str = "") -> None:
        super().__init__(host="127.0.0.1", port=0, faults=(), say=lambda _: None)
        self._digest = Digest(USER, PASSWORD)
        self._elsewhere, self._given = elsewhere, 0
        self.stands = self.spoils = self.refuses = False
        """No more pictures come; what comes is none; everybody is refused."""

    def routes(self) -> Iterable[web.RouteDef]:
        """Return what is served."""
        for path, handler in (("/snap.jpg", self._snapshot), ("/stream", self._stream)):
            yield web.get(path, self._digest.before(self.faulty(handler)))
        yield web.get("/open.jpg", self._snapshot)
        yield web.get("/elsewhere", self._redirect)

    async def _snapshot(self, _request: web.Request) -> web.Response:
        self._given += 1
        self._refuse()
        if self.stands:
            await asyncio.sleep(60)
        return web.Response(body=self._picture(self._given), content_type="image/jpeg")

    def _picture(self, number: int) -> bytes:
        return os.urandom(4096) if self.spoils else _jpeg(number)

    def _refuse(self) -> None:
        if self.refuses:
            raise web.HTTPServiceUnavailable

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self._refuse()
        answer = web.StreamResponse(headers={"Content-Type": "multipart/x-mixed-replace;boundary=frame"})
        await answer.prepare(request)
        number = 0
        while not self.refuses:
            if not self.stands:
                jpeg = self._picture(number)
                await answer.write(_PART.format(length=len(jpeg)).encode() + jpeg + b"\r\n")
                number += 1
            await asyncio.sleep(1 / FPS)
        return answer

    async def _redirect(self, _request: web.Request) -> web.Response:
        raise web.HTTPFound(self._elsewhere)


@contextmanager
def in_thread(server: _Server) -> Iterator[_Server]:
    """Run a simulator in a thread of its own."""
    begun, loop = threading.Event(), asyncio.new_event_loop()
    ended = asyncio.Event()

    async def run() -> None:
        async with server:
            begun.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    assert begun.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        loop.close()


def _jpeg(number: int) -> bytes:
    jpeg: bytes = simplejpeg.encode_jpeg(numbered(number % 60_000, 320, 240), colorspace="RGB")
    return jpeg
