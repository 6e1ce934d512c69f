"""A socket for simulators that speak SIP, by UDP or TCP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

Back = Callable[[bytes], None]
"""Sends bytes to whoever sent the message."""
Meet = Callable[[bytes, Back], None]
"""Does what is to be done with the bytes of a message."""


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, meet: Meet) -> None:
        self._meet = meet
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._meet(data, lambda said: self._transport.sendto(said, addr))


@asynccontextmanager
async def sip_server(
    transport: Literal["udp", "tcp"], meet: Meet, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[int]:
    """Serve each message by ``meet``; the value is the port."""
    if transport == "udp":
        loop = asyncio.get_running_loop()
        endpoint, _ = await loop.create_datagram_endpoint(lambda: _Udp(meet), local_addr=(host, port))
        try:
            yield endpoint.get_extra_info("sockname")[1]
        finally:
            endpoint.close()
        return

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().rpartition(b"content-length:")[2].split()[0])
            meet(head + await reader.readexactly(length), writer.write)

    async with stream_server(serve, host, port) as bound:
        yield bound


@asynccontextmanager
async def stream_server(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncIterator[int]:
    """Serve each connection by ``serve``, until it is over; the value is the port."""
    open_ones: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task: Any = asyncio.current_task()
        open_ones[task] = writer
        with suppress(asyncio.IncompleteReadError, OSError):
            await serve(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async with await asyncio.start_server(meet, host, port) as server:
        yield server.sockets[0].getsockname()[1]
        for writer in open_ones.values():
            writer.close()
        if open_ones:
            await asyncio.wait(open_ones)
