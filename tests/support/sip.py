"""A SIP server that does to each message what a test says, over real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from alerts.sip.agent import Agent, Answer, Login
from alerts.sip.link import Server, Transport
from alerts.sip.message import Request
from deploy.simulators import sip

LOGIN = Login("sip:44200000002000000002@4420000000", "lianfang", "geheim")
URI, TO = "sip:44200000002000000001@4420000000", "sip:44200000002000000001@4420000000"
Back = Callable[[bytes], None]
"""Sends bytes to whoever sent the message."""
Meet = Callable[[bytes, Back], None]


def any_socket(info: tuple[Any, ...]) -> socket.socket:
    """Return a socket to any address."""
    return socket.socket(info[0], info[1], info[2])


def ok(data: bytes, back: Back) -> None:
    """Answer 200."""
    back(bytes(sip.answer(sip.parsed(data), 200, "OK", tag="server")))


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, meet: Meet) -> None:
        self._meet = meet
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - as asyncio gives it
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        transport = self.transport
        assert transport is not None
        self._meet(data, lambda said: transport.sendto(said, addr))


@asynccontextmanager
async def sip_server(transport: Transport, meet: Meet) -> AsyncIterator[Server]:
    """Serve each message by ``meet``; the value is where it listens."""
    loop = asyncio.get_running_loop()
    if transport == "udp":
        endpoint, _ = await loop.create_datagram_endpoint(lambda: _Udp(meet), local_addr=("127.0.0.1", 0))
        try:
            yield Server("127.0.0.1", endpoint.get_extra_info("sockname")[1], transport)
        finally:
            endpoint.close()
        return

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().rpartition(b"content-length:")[2].split()[0])
            meet(head + await reader.readexactly(length), writer.write)

    async with stream_server(serve) as server:
        yield server


@asynccontextmanager
async def stream_server(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[Server]:
    """Serve each connection by ``serve``, until it is over on either side; the value is where it listens."""
    open_ones: list[asyncio.Task[None]] = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_ones.append(task)
        with suppress(asyncio.IncompleteReadError, OSError):
            await serve(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async with await asyncio.start_server(meet, "127.0.0.1", 0) as server:
        yield Server("127.0.0.1", server.sockets[0].getsockname()[1], "tcp")
        if open_ones:
            await asyncio.wait(open_ones)


@asynccontextmanager
async def agent_of(
    server: Server,
    *,
    answer: Callable[[Request], Answer] = lambda _request: (200, "OK"),
    timeout_s: float = 20,
    t1_s: float = 0.02,
) -> AsyncIterator[Agent]:
    """Give an agent of ``server`` that repeats quickly."""
    agent = Agent(server, LOGIN, any_socket, answer, timeout_s=timeout_s, t1_s=t1_s)
    try:
        yield agent
    finally:
        await agent.close()
