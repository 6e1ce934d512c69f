"""Frames on their way into a clip: appended to a file as they come, so that a killed service loses none."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import msgpack

from lianfang import codec
from lianfang.bus import Record
from lianfang.errors import DecodeError
from lianfang.events import Frame

MAX_BYTES = 256 * 1024 * 1024
"""Of one clip's frames; what comes after them is left out."""
GAP = timedelta(seconds=2)
"""Without a picture for longer than this, it is said."""


class Spool:
    """The file of one clip's frames. A record that was cut short by the end of its writer is dropped."""

    def __init__(self, path: Path) -> None:
        """Go on with the file at ``path``, made if need be; OSError where it cannot be written."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.captured: list[datetime] = []
        end = 0
        for frame, end in _scanned(path) if path.exists() else ():  # noqa: B007 - the last one is wanted
            self.captured += [frame.captured_at] if frame else []
        self._file = path.open("ab")
        self._file.truncate(end)

    @property
    def is_full(self) -> bool:
        """Whether it takes no more."""
        return self._file.tell() >= MAX_BYTES

    def add(self, record: Record, captured_at: datetime) -> None:
        """Append a frame."""
        self._file.write(msgpack.packb((dict(record.headers), record.value)))
        self._file.flush()
        self.captured.append(captured_at)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read(path: Path) -> Iterator[Frame]:
    """Yield the frames of a spool, in order, up to what is torn; those that are none are left out."""
    return (frame for frame, _ in _scanned(path) if frame is not None)


def gaps(captured: Sequence[datetime], since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """Return the spans within (since, until) that hold no picture and are longer than ``GAP``."""
    ends = [since, *captured, until]
    return [(a, b) for a, b in pairwise(ends) if b - a > GAP]


def _scanned(path: Path) -> Iterator[tuple[Frame | None, int]]:
    """Yield (frame, where its record ends) of every whole record, None for what is no frame."""
    with path.open("rb") as file, contextlib.suppress(ValueError, msgpack.UnpackException):
        unpacker = msgpack.Unpacker(file, max_buffer_size=MAX_BYTES)
        for headers, value in unpacker:  # ValueError for what is no pair, either
            try:
                yield codec.decode_frame(value, headers), unpacker.tell()
            except DecodeError:
                yield None, unpacker.tell()
