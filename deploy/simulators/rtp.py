"""G.711 over RTP as a strict device takes it: packets of 20 ms, in order, no faster than they are heard."""

from __future__ import annotations

import asyncio
import struct
from typing import Self

_HEADER = struct.Struct("!BBHII")
_PACKET, _PACKET_S = 160, 0.02
_FASTEST = 2.0  # times as fast as it is heard: more does not fit into its buffer
_BUFFER_S = 0.5


class Hearing(asyncio.DatagramProtocol):
    """Collects what is heard at a UDP port of ``host``: 8000 bytes a second, of ``payload_type`` only.

    ``refused`` are the rules that it broke; such packets are not heard. Other places than ``sender``, the
    address and port that the caller has named, are not listened to.
    """

    def __init__(self, payload_type: int, sender: tuple[str, int]) -> None:
        self._payload_type, self._sender = payload_type, sender
        self._due: tuple[int, int, int] | None = None
        self._taken, self._begun_s = 0, 0.0
        self.heard = bytearray()
        self.refused: list[str] = []

    @classmethod
    async def at(cls, host: str, payload_type: int, sender: tuple[str, int]) -> Self:
        """Begin to listen."""
        loop = asyncio.get_running_loop()
        _, hearing = await loop.create_datagram_endpoint(
            lambda: cls(payload_type, sender), local_addr=(host, 0)
        )
        return hearing

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        self._transport = transport
        self.port: int = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take a packet, or note what is wrong with it."""
        try:
            self._take(data, addr)
        except (ValueError, struct.error) as error:
            self.refused.append(f"RTP: {error}")

    def close(self) -> None:
        """Listen no more."""
        self._transport.close()

    def _take(self, data: bytes, addr: tuple[str, int]) -> None:
        first, kind, number, at, source = _HEADER.unpack_from(data)
        sound = data[_HEADER.size :]
        if addr[:2] != self._sender:
            raise ValueError(f"from {addr[:2]}, not from {self._sender}")
        if first != 0x80 or kind & 0x7F != self._payload_type:
            raise ValueError(f"payload type {kind & 0x7F}, not {self._payload_type}")
        if len(sound) != _PACKET:
            raise ValueError(f"{len(sound)} bytes, not 20 ms")
        now_s = asyncio.get_running_loop().time()
        if self._due is None:
            self._begun_s = now_s
        elif (number, at, source) != self._due:
            raise ValueError(f"{(number, at, source)} instead of {self._due}")
        self._due = (number + 1) & 0xFFFF, (at + _PACKET) & 0xFFFFFFFF, source
        if self._taken * _PACKET_S > _BUFFER_S + (now_s - self._begun_s) * _FASTEST:
            raise ValueError("faster than it can be heard")
        self._taken += 1
        self.heard += sound
