"""Sound as a live stream to a media server: pushed over RTSP as G.711 A-law, as fast as it is heard.

Small, because it sends one kind of track one way (RFC 2326, ANNOUNCE and RECORD, interleaved in TCP). FFmpeg
would do it too; it holds the interpreter's lock while it connects.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from lianfang.errors import TransientError
from lianfang.reach.networks import Network, connect

RATE = 8000  # bytes and samples a second
SILENCE = b"\xd5"  # A-law
_PCMA = 8  # its payload type, RFC 3551
_PACKET_S = 0.04
_PACKET = int(RATE * _PACKET_S)
_BEHIND_S = 1.0  # a sender that stood still for longer goes on from now, not faster
_SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=lianfang\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
    "m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000/1\r\na=control:streamid=0\r\n"
)


class RtspPush:
    """A stream to ``url`` while the block lasts: silence, and between it what is played.

    Others say where that is: it must be a public address, or in ``networks``.

    TransientError where the server does not take it within ``timeout_s``, or breaks off.
    """

    def __init__(self, url: str, timeout_s: float, networks: Sequence[Network]) -> None:
        self._url, self._timeout_s, self._networks = url, timeout_s, networks
        parts = urlsplit(url)
        self._address = parts.hostname or "", parts.port or 554
        self._data = b""
        self._played = asyncio.Event()
        self._asked = 0
        self._session = ""

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(self._timeout_s):
                sock = await connect(*self._address, self._networks)
                self._reader, self._writer = await asyncio.open_connection(sock=sock)
                await self._announce()
        except TimeoutError as error:
            self._abort()
            raise TransientError(f"the media server: no answer within {self._timeout_s:g} s") from error
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            self._abort()
            raise TransientError(f"the media server: {_reason(error)}") from error
        except TransientError:
            self._abort()
            raise
        self._sending = asyncio.create_task(self._send())
        self._hearing = asyncio.create_task(self._hear())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in (self._sending, self._hearing):
            task.cancel()
        await asyncio.gather(self._sending, self._hearing, return_exceptions=True)
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                self._request("TEARDOWN", self._url)
                await self._writer.drain()
        self._writer.close()

    def begin(self, data: bytes) -> None:
        """Send A-law ``data`` from now on, instead of silence."""
        self._data = data
        self._played.clear()

    async def ended(self, within_s: float) -> bool:
        """Return whether the last of it has gone out, after so many seconds at most."""
        waiting = asyncio.create_task(self._played.wait())
        parts = (waiting, self._sending, self._hearing)
        await asyncio.wait(parts, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._sending.done() or self._hearing.done():
            raise TransientError("the media server broke off the stream")
        return self._played.is_set()

    async def _announce(self) -> None:
        sdp = {"Content-Type": "application/sdp", "Content-Length": str(len(_SDP))}
        await self._asking("ANNOUNCE", self._url, sdp, _SDP)
        track = f"{self._url.partition('?')[0]}/streamid=0"
        transport = {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1;mode=record"}
        answer = await self._asking("SETUP", track, transport)
        self._session = answer.get("session", "").partition(";")[0]
        await self._asking("RECORD", self._url, {"Range": "npt=0.000-"})

    async def _asking(self, method: str, url: str, headers: dict[str, str], body: str = "") -> dict[str, str]:
        self._request(method, url, headers, body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode(errors="replace")
        first, *lines = head.split("\r\n")
        version, _, status = first.partition(" ")
        if version != "RTSP/1.0":
            raise ValueError("not an RTSP answer")
        answer = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        await self._reader.readexactly(min(int(answer.get("content-length", "0")), 64 * 1024))
        if not status.startswith("200"):
            raise TransientError(f"the media server answers {method} with {status[:100]}")
        return answer

    def _request(self, method: str, url: str, headers: dict[str, str] | None = None, body: str = "") -> None:
        self._asked += 1
        fields = {"CSeq": str(self._asked), "User-Agent": "lianfang", **(headers or {})}
        if self._session:
            fields["Session"] = self._session
        lines = [f"{method} {url} RTSP/1.0", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        self._writer.write(("\r\n".join(lines) + body).encode())

    async def _send(self) -> None:
        """Send a packet every 40 ms; ends when the connection does."""
        loop = asyncio.get_running_loop()
        sent, due_s = 0, loop.time()
        with suppress(OSError):
            while True:
                await asyncio.sleep(due_s - loop.time())
                part, self._data = self._data[:_PACKET], self._data[_PACKET:]
                payload = part.ljust(_PACKET, SILENCE)
                header = struct.pack("!BBHII", 0x80, _PCMA, sent & 0xFFFF, sent * _PACKET & 0xFFFFFFFF, 1)
                self._writer.write(struct.pack("!cBH", b"$", 0, len(header) + _PACKET) + header + payload)
                await self._writer.drain()
                if part and not self._data:
                    self._played.set()
                sent += 1
                due_s = max(due_s + _PACKET_S, loop.time() - _BEHIND_S)

    async def _hear(self) -> None:
        """Read and drop what the server says (RTCP); ends when the connection does."""
        with suppress(OSError):
            while await self._reader.read(4096):
                pass

    def _abort(self) -> None:
        if hasattr(self, "_writer"):
            self._writer.transport.abort()


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error) or "no connection"
    return "it hung up" if isinstance(error, asyncio.IncompleteReadError) else str(error)
