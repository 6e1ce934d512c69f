"""The file of one camera's frames: fixed size, preallocated, written round and round.

::

    0     description  magic, slots, partition, capacity, boot id, key, crc32: never changes
    1024  words        uint64 each: HEAD, NEXT, RESERVED, SEQUENCE: the writer's state
    4096  slots        64 bytes each: where the frame of offset n lies is in slot n % slots
    ...   bytes        ``capacity`` bytes; a frame is contiguous, so the end of a lap may stay unused

Positions in the byte area grow for ever (position % capacity is the place), so a frame that starts at
``start`` is intact exactly while ``RESERVED - start <= capacity``. The writer moves RESERVED *before* it
touches bytes and HEAD after the slot is complete; a reader copies, looks at RESERVED again and checks the
CRC-32 of slot, headers and value: it never returns a torn or overwritten frame, whatever the processor
reorders and whenever the writer was killed. Numbers are in the host's byte order: the file never travels.
"""

from __future__ import annotations

import math
import mmap
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from lianfang.errors import PermanentError, TransientError

MAX_FPS = 30  # the most that a camera may be configured to publish
MAX_KEY_BYTES = 512
HEAD, NEXT, RESERVED, SEQUENCE = range(4)
SLOT = struct.Struct("=QQIIqQI")  # offset + 1 (0: empty), start, headers, value, published_us, sequence, crc
SLOT_BYTES = 64
WORDS_AT, WORDS_BYTES, SLOTS_AT = 1024, 32, 4096
_MAGIC = b"LFRING01"
_DESCRIPTION = struct.Struct("=8sIIQ16sI")  # magic, slots, partition, capacity, boot id, bytes of the key
_CRC = struct.Struct("=I")
_LEAST_FRAME_BYTES = 4096  # a slot for every 4 KiB is enough: no picture worth looking at is smaller


@dataclass(frozen=True, slots=True)
class RingSettings:
    """How much is kept of one camera.

    ``max_bytes`` is the size of its file, preallocated. ``seconds`` sizes the index, for up to 30 pictures
    a second: frames are kept until the bytes or the slots run out, whichever is first.
    """

    seconds: float = 20.0
    max_bytes: int = 48 * 1024 * 1024

    def __post_init__(self) -> None:
        """Refuse a ring that could hold nothing."""
        if not self.seconds > 0 or self.max_bytes < 64 * 1024:
            raise ValueError(f"a ring of {self.seconds} s and {self.max_bytes} bytes holds no frame")

    @property
    def slots(self) -> int:
        """The most frames kept."""
        return max(8, min(math.ceil(self.seconds * MAX_FPS), self.max_bytes // _LEAST_FRAME_BYTES))

    @property
    def capacity(self) -> int:
        """The bytes of frames kept, a multiple of 8."""
        return (self.max_bytes - SLOTS_AT - self.slots * SLOT_BYTES) // 8 * 8


@dataclass(frozen=True, slots=True)
class Description:
    """What a ring is: fixed at its creation.

    ``boot`` is the host's boot id. After a restart of the host some pages of the file may be older than
    others, and offsets that were handed out may not have reached the disk: such a ring is not taken up
    again but replaced.
    """

    key: str
    partition: int
    slots: int
    capacity: int
    boot: bytes

    @property
    def bytes_at(self) -> int:
        """Where the byte area begins."""
        return SLOTS_AT + self.slots * SLOT_BYTES

    @property
    def file_bytes(self) -> int:
        """The size of the file."""
        return self.bytes_at + self.capacity

    def pack(self) -> bytes:
        """Return the first bytes of the file."""
        key = self.key.encode()
        packed = _DESCRIPTION.pack(_MAGIC, self.slots, self.partition, self.capacity, self.boot, len(key))
        packed += key
        return packed + _CRC.pack(zlib.crc32(packed))


def encoded_key(key: str) -> bytes:
    """Return the key as UTF-8; PermanentError if it is no Unicode, empty or over 512 bytes."""
    try:
        encoded = key.encode()
    except UnicodeEncodeError as error:
        raise PermanentError(f"key {key!r} is no Unicode text") from error
    if not 0 < len(encoded) <= MAX_KEY_BYTES:
        raise PermanentError(f"a key has 1 to {MAX_KEY_BYTES} bytes, not {len(encoded)}")
    return encoded


class RingFile:
    """A ring, mapped. ``words`` and ``view`` must not be used after ``close``."""

    def __init__(self, description: Description, mapping: mmap.mmap, inode: int) -> None:
        self.description = description
        self.inode = inode
        self.view = memoryview(mapping)
        self.words = self.view[WORDS_AT : WORDS_AT + WORDS_BYTES].cast("Q")
        self._mapping = mapping

    @classmethod
    def open(cls, path: Path, writable: bool = False) -> RingFile | None:
        """Map the ring at ``path``; None when there is none, or what stands there is no (whole) ring."""
        try:
            fd = os.open(path, os.O_RDWR if writable else os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            description, status = _described(os.pread(fd, WORDS_AT, 0)), os.fstat(fd)
            if description is None or status.st_size != description.file_bytes:
                return None
            access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
            return cls(description, mmap.mmap(fd, description.file_bytes, access=access), status.st_ino)
        finally:
            os.close(fd)

    def slots(self) -> list[tuple[int, int, int, int, int, int, int]]:
        """Return every slot as it stands: unchecked."""
        at = SLOTS_AT
        places = range(at, at + self.description.slots * SLOT_BYTES, SLOT_BYTES)
        return [SLOT.unpack_from(self.view, place) for place in places]

    def close(self) -> None:
        """Unmap it."""
        self.words.release()
        self.view.release()
        self._mapping.close()


def create(path: Path, description: Description, next_offset: int) -> None:
    """Put a new, empty ring in place of whatever is at ``path``.

    Its blocks are allocated here, so that a full disk is a TransientError now and not a SIGBUS later.
    It comes to its name complete or not at all.
    """
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    words = struct.pack("=4Q", 0, next_offset, 0, 0)
    fd = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.posix_fallocate(fd, 0, description.file_bytes)
        os.pwrite(fd, description.pack(), 0)
        os.pwrite(fd, words, WORDS_AT)
        os.fsync(fd)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        size = f"{description.file_bytes} bytes for the frames of {description.key!r}"
        raise TransientError(f"{path}: no room for {size}: {error.strerror}") from error
    finally:
        os.close(fd)


def _described(page: bytes) -> Description | None:
    if len(page) < WORDS_AT:
        return None
    magic, slots, partition, capacity, boot, key_bytes = _DESCRIPTION.unpack_from(page)
    end = _DESCRIPTION.size + key_bytes
    if (
        magic != _MAGIC
        or key_bytes > MAX_KEY_BYTES
        or _CRC.unpack_from(page, end)[0] != zlib.crc32(page[:end])
    ):
        return None
    return Description(page[_DESCRIPTION.size : end].decode(), partition, slots, capacity, boot)
