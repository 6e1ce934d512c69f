"""The way to one SIP server, by UDP or TCP: whatever comes from elsewhere is not heard.

Source: RFC 3261, section 18.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from alerts.sip.message import LONGEST
from lianfang.errors import TransientError
from lianfang.tasks import end

Transport = Literal["udp", "tcp"]
Sockets = Callable[[tuple[Any, ...]], socket.socket]
"""Makes a socket to an address as ``getaddrinfo`` gives it; OSError where it may not be reached."""
_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:[ \t]*([0-9]{1,7})[ \t]*\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server is; ``host`` is a name or an address."""

    host: str
    port: int
    transport: Transport


class Ear(Protocol):
    """What hears of a link. Both are called on its event loop."""

    def heard(self, data: bytes) -> None:
        """Take the bytes of one message."""
        ...

    def broken(self, trouble: str) -> None:
        """Hear that nothing comes any more, or that something did not arrive."""
        ...


async def open_link(server: Server, sockets: Sockets, ear: Ear) -> Datagrams | Stream:
    """Return a way to ``server``; TransientError. ``sockets`` makes those to addresses that are allowed."""
    kind = socket.SOCK_STREAM if server.transport == "tcp" else socket.SOCK_DGRAM
    loop = asyncio.get_running_loop()
    trouble: OSError = OSError(None, "no address")
    try:
        for info in await loop.getaddrinfo(server.host, server.port, type=kind):
            try:
                return await _opened(info, sockets, ear)
            except OSError as error:
                trouble = error
    except OSError as error:
        trouble = error
    raise TransientError(
        f"no connection: {os.strerror(trouble.errno) if trouble.errno else trouble.strerror}"
    )


async def _opened(info: tuple[Any, ...], sockets: Sockets, ear: Ear) -> Datagrams | Stream:
    loop = asyncio.get_running_loop()
    made = sockets(info)
    try:
        made.setblocking(False)
        await loop.sock_connect(made, info[4])
        if info[1] == socket.SOCK_DGRAM:
            transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(ear), sock=made)
            return Datagrams(transport)
        reader, writer = await asyncio.open_connection(sock=made, limit=LONGEST)
        return Stream(reader, writer, ear)
    except BaseException:
        made.close()
        raise


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, ear: Ear) -> None:
        self._ear = ear

    def datagram_received(self, data: bytes, addr: object) -> None:
        del addr
        if data.strip(b"\r\n\0"):  # or it keeps a hole in some router open
            self._ear.heard(data)

    def error_received(self, exc: Exception) -> None:
        self._ear.broken(f"no connection: {getattr(exc, 'strerror', None) or exc}")


class Datagrams:
    """UDP. The socket is connected: the kernel keeps away whatever comes from others."""

    reliable = False

    def __init__(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    @property
    def ends(self) -> tuple[tuple[str, int], tuple[str, int]]:
        """Our address and the server's."""
        return _ends(self._transport)

    def send(self, data: bytes) -> None:
        """Send one message; where it is lost, ``Ear.broken`` may say so."""
        self._transport.sendto(data)

    async def close(self) -> None:
        """Close it."""
        self._transport.close()
        await asyncio.sleep(0)  # it is closed in the next turn of the loop


class Stream:
    """TCP: messages follow one another, each as long as its Content-Length says."""

    reliable = True

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ear: Ear) -> None:
        self._writer, self._ear = writer, ear
        self._reading = asyncio.create_task(self._read(reader))

    @property
    def ends(self) -> tuple[tuple[str, int], tuple[str, int]]:
        """Our address and the server's."""
        return _ends(self._writer)

    def send(self, data: bytes) -> None:
        """Send one message; where it is lost, ``Ear.broken`` may say so."""
        self._writer.write(data)

    async def close(self) -> None:
        """Close it."""
        await end(self._reading)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        trouble = "the connection broke"
        try:
            while True:
                self._ear.heard(await read_message(reader))
        except (asyncio.IncompleteReadError, OSError):
            pass
        except ValueError as error:
            trouble = f"it {error}"
        finally:
            self._writer.close()
            self._ear.broken(trouble)
            await asyncio.sleep(0)


Link = Datagrams | Stream


async def read_message(reader: asyncio.StreamReader) -> bytes:
    """Return the bytes of the next message; IncompleteReadError at the end, ValueError for what is none."""
    head = b""
    while not head.strip(b"\r\n"):  # empty lines keep a connection alive
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError as error:
            raise ValueError("sends what is no SIP") from error
    told = _LENGTH.search(head)
    if told is None or len(head) + int(told[1]) > LONGEST:
        raise ValueError("sends a message that does not say how long it is, or is too long")
    return head.lstrip(b"\r\n") + await reader.readexactly(int(told[1]))


def _ends(end: asyncio.BaseTransport | asyncio.StreamWriter) -> tuple[tuple[str, int], tuple[str, int]]:
    ours, theirs = end.get_extra_info("sockname"), end.get_extra_info("peername")
    with suppress(TypeError):
        return (ours[0], ours[1]), (theirs[0], theirs[1])
    return ("", 0), ("", 0)  # it is closed meanwhile
