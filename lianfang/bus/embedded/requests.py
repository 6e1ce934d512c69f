"""What the one writer of the log can be asked for, and what every way to reach it offers.

Requests are named tuples: they travel over the socket as plain msgpack arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

import msgpack

from lianfang.bus import Position
from lianfang.errors import PermanentError

MAX_RECORD_BYTES = 16 * 1024 * 1024  # sixteen times what any event of ours needs
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Append(NamedTuple):
    """Append one record. ``headers`` is packed; ``published_us`` is microseconds since 1970, UTC."""

    topic: str
    key: str
    headers: bytes
    value: bytes
    published_us: int

    @property
    def size(self) -> int:
        """The bytes it occupies, roughly."""
        return len(self.value) + len(self.headers) + 100


class Commit(NamedTuple):
    """Store (topic, partition, offset of the next record to read) for a group.

    ``generation`` is the committing consumer's; None commits whoever owns the group.
    """

    group: str
    generation: int | None
    offsets: list[tuple[str, int, int]]


class Subscribe(NamedTuple):
    """Count one more owner of the group."""

    group: str


class Register(NamedTuple):
    """Name the ring of a key. ``lost`` says that its file is not there (any more)."""

    key: str
    lost: bool


Request = Append | Commit | Subscribe | Register


class Registration(NamedTuple):
    """A ring's partition, and the least offset that cannot have been used before.

    Partitions are given out by the log, one for each key, and stay for ever: a hash of the key could give
    two cameras the same one, and then a position would not be unique.
    """

    partition: int
    base_offset: int


class Log(Protocol):
    """The durable log, as the bus uses it: the writer itself, or the way to it through the socket."""

    def append(self, record: Append) -> Future[Position]:
        """Queue a record; TransientError where there is no room or no writer."""
        ...

    def commit(self, request: Commit) -> None:
        """Store offsets; TransientError when the group has a newer owner."""
        ...

    def subscribe(self, group: str) -> int:
        """Return the generation of the group's new owner."""
        ...

    def register(self, key: str, lost: bool) -> Registration:
        """Return the registration of the ring of ``key``."""
        ...

    def check(self) -> None:
        """Raise TransientError when the log is closed or its owner is gone."""
        ...

    def ticket(self) -> int:
        """Return what ``wait`` compares with: take it before looking for records."""
        ...

    def wait(self, ticket: int, timeout_s: float) -> None:
        """Return when records may have come since ``ticket``, or after ``timeout_s``; may return early."""
        ...

    def close(self) -> None:
        """Flush what is queued and let go."""
        ...


def microseconds(moment: datetime) -> int:
    """Return the microseconds from 1970 to ``moment`` (aware)."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(published_us: int) -> datetime:
    """Return the aware UTC time of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=published_us)


def pack_headers(headers: Mapping[str, str]) -> bytes:
    """Return headers as msgpack; PermanentError for text that is no Unicode (a lone surrogate)."""
    try:
        packed: bytes = msgpack.packb(dict(headers))
    except UnicodeEncodeError as error:
        raise PermanentError(f"headers are no Unicode text: {error}") from error
    return packed


def unpack_headers(packed: bytes) -> dict[str, str]:
    """Return what ``pack_headers`` was given."""
    headers: dict[str, str] = msgpack.unpackb(packed)
    return headers
