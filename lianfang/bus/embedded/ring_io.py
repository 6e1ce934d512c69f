"""Writing and reading one ring; the layout and its promise are in ``ring``."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from lianfang.bus.embedded.ring import (
    HEAD,
    NEXT,
    RESERVED,
    SEQUENCE,
    SLOT,
    SLOT_BYTES,
    SLOTS_AT,
    Description,
    RingFile,
)
from lianfang.errors import PermanentError

_CHECKED = SLOT.size - 4  # the bytes of a slot that its own checksum covers
_RACES = 16  # how often a newest frame may be overwritten under a reader before it comes back later


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """A frame as it stood in the ring: whole, checked. ``sequence`` counts the frames ever written."""

    offset: int
    sequence: int
    published_us: int
    headers: bytes
    value: bytes


class RingWriter:
    """The one writer of a ring; not thread-safe."""

    def __init__(self, file: RingFile) -> None:
        self._file = file
        self._description = file.description

    @property
    def partition(self) -> int:
        """The partition that the ring is."""
        return self._description.partition

    def append(self, headers: bytes, value: bytes, published_us: int) -> int:
        """Write a frame over the oldest ones and return its offset.

        PermanentError for one over half the ring: it could not be read while the next is written.
        """
        file, words, size = self._file, self._file.words, len(headers) + len(value)
        capacity = self._description.capacity
        if size > capacity // 2:
            name, limit = self._description.key, f"at most {capacity // 2} (half of {capacity})"
            raise PermanentError(f"a frame of {name!r} has {size} bytes, its ring takes {limit}")
        start = next_start(words[RESERVED], size, capacity)
        words[RESERVED] = start + size  # from here on readers know that the old bytes are gone
        at = self._description.bytes_at + start % capacity
        file.view[at : at + len(headers)] = headers
        file.view[at + len(headers) : at + size] = value
        offset, sequence = words[NEXT], words[SEQUENCE]
        fields = (offset + 1, start, len(headers), len(value), published_us, sequence)
        crc = _checksum(SLOT.pack(*fields, 0), headers, value)
        SLOT.pack_into(file.view, SLOTS_AT + offset % self._description.slots * SLOT_BYTES, *fields, crc)
        words[SEQUENCE] = sequence + 1
        words[NEXT] = offset + 1
        words[HEAD] = offset + 1
        return offset

    def close(self) -> None:
        """Unmap it."""
        self._file.close()


class RingReader:
    """A reader of a ring, in any process; reads may run in several threads at once."""

    def __init__(self, file: RingFile) -> None:
        self._file = file
        self.words = file.words
        self.description: Description = file.description
        self.inode = file.inode

    @property
    def head(self) -> int:
        """One more than the newest offset; 0 while there is none."""
        return self.words[HEAD]

    @property
    def end(self) -> int:
        """The offset that the next frame will have."""
        return self.words[NEXT]

    def beginning(self) -> int:
        """Return the least offset that is kept, ``end`` when nothing is."""
        reserved, capacity = self.words[RESERVED], self.description.capacity
        kept = (s[0] - 1 for s in self._file.slots() if s[0] and 0 <= reserved - s[1] <= capacity)
        return min(kept, default=self.end)

    def newest(self) -> tuple[int, StoredFrame | None]:
        """Return (head, the frame before it); no frame where that one is torn or the writer too fast."""
        for _ in range(_RACES):
            head = self.head
            frame = self.read(head - 1) if head else None
            if frame is not None or head == self.head:
                return head, frame
        return head, None

    def read(self, offset: int) -> StoredFrame | None:
        """Return the frame of ``offset`` if it is there, whole; else None."""
        place = SLOTS_AT + offset % self.description.slots * SLOT_BYTES
        slot = bytes(self._file.view[place : place + SLOT.size])
        tag, start, headers_bytes, value_bytes, published_us, sequence, crc = SLOT.unpack(slot)
        capacity, size = self.description.capacity, headers_bytes + value_bytes
        if tag != offset + 1 or start % capacity + size > capacity or not self._intact(start):
            return None
        at = self.description.bytes_at + start % capacity
        headers = bytes(self._file.view[at : at + headers_bytes])
        value = bytes(self._file.view[at + headers_bytes : at + size])
        if not self._intact(start) or _checksum(slot, headers, value) != crc:
            return None
        return StoredFrame(offset, sequence, published_us, headers, value)

    def close(self) -> None:
        """Unmap it."""
        self._file.close()

    def _intact(self, start: int) -> bool:
        return self.words[RESERVED] - start <= self.description.capacity


def next_start(reserved: int, size: int, capacity: int) -> int:
    """Return where a frame of ``size`` bytes goes after ``reserved``: aligned to 8, in one piece."""
    start = (reserved + 7) // 8 * 8
    room = capacity - start % capacity
    return start if size <= room else start + room


def _checksum(slot: bytes, headers: bytes, value: bytes) -> int:
    return zlib.crc32(value, zlib.crc32(headers, zlib.crc32(slot[:_CHECKED])))
