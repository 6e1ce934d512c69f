"""A media server that takes live sound over RTSP, and lets go of it when told."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

_RTP_HEADER = 12
_REQUEST = re.compile(r"(?P<method>[A-Z]+) (?P<url>rtsp://\S+) RTSP/1\.0")

Allowed = Callable[[str], bool]


class RtspReceiver:
    """Takes streams on 127.0.0.1; ``allowed`` says of a URL whether it may be pushed to.

    Strict: one audio track, PCMA 8000 Hz mono, interleaved in TCP, the requests in their order.
    """

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed
        self._server: asyncio.Server | None = None
        self._writers: dict[str, asyncio.StreamWriter] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.sound: dict[str, bytearray] = {}
        self.since_s: dict[str, float] = {}
        self.refused: list[str] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None  # noqa: S101 - it was entered
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def live(self, path: str) -> bool:
        """Return whether a stream comes in there now."""
        return path in self._writers

    def kick(self, path: str) -> None:
        """Close the connection of a stream."""
        self._writers[path].transport.abort()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a server's callback is one
        self._tasks.add(task)
        path = ""
        try:
            async with asyncio.timeout(300):
                path = await self._prepared(reader, writer)
                self._writers[path], self.since_s[path] = writer, asyncio.get_running_loop().time()
                await self._take(reader, writer, self.sound.setdefault(path, bytearray()))
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass
        except ValueError as error:
            self.refused.append(str(error))
        finally:
            self._writers.pop(path, None)
            self._tasks.discard(task)
            writer.transport.abort()

    async def _prepared(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        """Answer until RECORD; return the path that is pushed to."""
        path = ""
        due = ["ANNOUNCE", "SETUP", "RECORD"]
        while due:
            method, url, headers, body = await _request(reader)
            more: dict[str, str] = {}
            if method == "OPTIONS":
                more["Public"] = "OPTIONS, ANNOUNCE, SETUP, RECORD, TEARDOWN"
            elif method != due.pop(0):
                _answer(writer, headers, "455 Method Not Valid in This State")
                raise ValueError(f"{method} out of order")
            elif method == "ANNOUNCE":
                if not self._allowed(url):
                    _answer(writer, headers, "401 Unauthorized")
                    raise ValueError(f"not allowed to push to {url.partition('?')[0]}")
                if b"m=audio 0 RTP/AVP 8\r\n" not in body or b"m=video" in body:
                    _answer(writer, headers, "415 Unsupported Media Type")
                    raise ValueError(f"no PCMA: {body!r}")
                path = re.sub(r"^rtsp://[^/]+/", "", url).partition("?")[0]
            elif method == "SETUP":
                if "TCP;unicast;interleaved=0-1" not in headers["transport"]:
                    _answer(writer, headers, "461 Unsupported Transport")
                    raise ValueError(headers["transport"])
                more["Transport"] = headers["transport"]
            _answer(writer, headers, "200 OK", more)
        return path

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sound: bytearray
    ) -> None:
        while True:
            first = await reader.readexactly(1)
            if first != b"$":
                method, _, headers, _ = await _request(reader, first)
                _answer(writer, headers, "200 OK")
                if method == "TEARDOWN":
                    await writer.drain()
                    return
                continue
            channel, high, low = await reader.readexactly(3)
            packet = await reader.readexactly(high << 8 | low)
            if channel == 0:
                if packet[1] & 0x7F != 8:
                    raise ValueError(f"payload type {packet[1] & 0x7F} instead of 8, PCMA")
                sound += packet[_RTP_HEADER:]


async def _request(
    reader: asyncio.StreamReader, begun: bytes = b""
) -> tuple[str, str, Mapping[str, str], bytes]:
    head = begun + await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    match = _REQUEST.fullmatch(first)
    if match is None:
        raise ValueError(f"no RTSP request: {first!r}")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return match["method"], match["url"], headers, body


def _answer(
    writer: asyncio.StreamWriter, asked: Mapping[str, str], status: str, more: Mapping[str, str] | None = None
) -> None:
    headers = {"CSeq": asked.get("cseq", "0"), "Session": "1", **(more or {})}
    with suppress(ConnectionError):
        lines = [f"RTSP/1.0 {status}", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
