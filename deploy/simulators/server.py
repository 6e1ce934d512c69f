"""What the simulators share: a server for one block of code, and ways to misbehave on purpose."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

from aiohttp import web

Say = Callable[[str], None]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Fault:
    """What a simulator does with one request instead of what is right.

    ``status``: that status, with ``headers`` and ``body``. ``hang``: no answer. ``close``: the connection is
    closed without one. ``garbage``: bytes that are no HTTP. ``late``: the right thing after ``delay_s``.
    ``lost``: the right thing is done, but the connection breaks before the answer.
    """

    kind: Literal["status", "hang", "close", "garbage", "late", "lost"]
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    delay_s: float = 0


def to_stdout(line: str) -> None:
    """Print a line at once, also into a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Simulator:
    """An HTTP server that lives as long as ``async with`` does; port 0 takes a free one.

    The first requests meet ``faults``, one each; None is no fault. Later ones are served as they should be.
    ``requests`` counts all of them.
    """

    def __init__(self, *, host: str, port: int, faults: Iterable[Fault | None], say: Say) -> None:
        self._host, self._port = host, port
        self._faults = deque(faults)
        self._runner: web.AppRunner | None = None
        self.say = say
        self.requests = 0

    def routes(self) -> Iterable[web.RouteDef]:
        """Return what is served."""
        raise NotImplementedError

    def misbehave(self, *faults: Fault | None) -> None:
        """Let the next requests meet ``faults``."""
        self._faults.extend(faults)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self._host}:{self._port}"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=32 * 1024 * 1024)
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def faulty(self, handler: Handler) -> Handler:
        """Return ``handler`` as it is met by requests: instead of it, or around it, the next fault."""

        async def meet(request: web.Request) -> web.StreamResponse:
            self.requests += 1
            fault = self._faults.popleft() if self._faults else None
            return await (handler(request) if fault is None else _misbehave(fault, request, handler))

        return meet


async def _misbehave(fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse:
    await request.read()
    match fault.kind:
        case "status":
            return web.Response(status=fault.status, headers=fault.headers, text=fault.body)
        case "hang":
            await asyncio.Event().wait()
        case "late":
            await asyncio.sleep(fault.delay_s)
            return await handler(request)
        case "garbage":
            _transport(request).write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        case "lost":
            await handler(request)
    _transport(request).close()
    return web.Response()  # nobody is there to get it


async def serve_for_ever(simulator: Simulator) -> None:
    """Serve until interrupted."""
    async with simulator:
        simulator.say(f"listening on {simulator.url}")
        await asyncio.Event().wait()


def _transport(request: web.Request) -> asyncio.Transport:
    transport = request.transport
    if transport is None:  # the client went away
        raise ConnectionResetError
    assert isinstance(transport, asyncio.Transport)  # noqa: S101 - aiohttp serves no other
    return transport
