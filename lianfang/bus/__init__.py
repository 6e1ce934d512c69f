"""The bus: a log of records, ordered per key, delivered at least once.

Two implementations keep one promise and pass one suite: ``lianfang.bus.embedded`` (one machine, no broker)
and Kafka. ``tests/contract/bus_contract.py`` is the promise in full.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from lianfang.events import FrameReference

Mode = Literal["durable", "latest"]


@dataclass(frozen=True, slots=True)
class TopicPartition:
    """One ordered sequence of records."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Position:
    """The place of one record. Offsets grow within a partition; gaps are allowed."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Record:
    """One record as read."""

    position: Position
    key: str
    value: bytes
    headers: Mapping[str, str]
    published_at: datetime


class Consumer(Protocol):
    """A reader of topics. Not thread-safe: one thread owns it."""

    @property
    def generation(self) -> int:
        """A number that grows with every new owner of the group's partitions."""
        ...

    @property
    def lost(self) -> bool:
        """Whether the bus has been out of reach for a while: nothing comes, and that is no silence."""
        ...

    def assignment(self) -> frozenset[TopicPartition]:
        """Return the partitions this consumer reads now."""
        ...

    def poll(self, timeout_s: float, max_records: int = 500) -> list[Record]:
        """Return what has come, waiting up to ``timeout_s`` for the first record.

        ``durable``: every record in order. ``latest``: only the newest unseen record of each key.
        """
        ...

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Store, for the group, the offset of the next record to read, per partition."""
        ...

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read from ``offset`` on; out of range means the earliest record that is kept."""
        ...

    def beginning(self, partition: TopicPartition) -> int:
        """Return the offset of the earliest record that is kept."""
        ...

    def end(self, partition: TopicPartition) -> int:
        """Return the offset that the next published record will have."""
        ...

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Stop returning records of ``partitions``."""
        ...

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        """Return records of ``partitions`` again, from where they stopped."""
        ...

    def skipped(self) -> Mapping[str, int]:
        """Return, per key, how many records ``latest`` has passed over since the subscription."""
        ...

    def close(self) -> None:
        """Release it. Nothing is committed that was not committed before."""
        ...


class Footage(Protocol):
    """The frames of one camera as they were published. Not thread-safe: one thread owns it."""

    def read(self, max_records: int = 50) -> list[Record]:
        """Return the next frames, in order, without waiting; none where nothing newer is there now.

        Frames that are not kept any more are passed over. TransientError where the bus is out of reach.
        """
        ...

    def close(self) -> None:
        """Release it."""
        ...


class Bus(Protocol):
    """A connection to the bus. Thread-safe."""

    def publish(self, topic: str, key: str, value: bytes, headers: Mapping[str, str]) -> Future[Position]:
        """Append a record. The future holds its position once it cannot be lost (frames: once written).

        It raises TransientError where the bus cannot take it now; records of one key keep their order.
        """
        ...

    def subscribe(self, topics: Sequence[str], group: str, mode: Mode = "durable") -> Consumer:
        """Return a consumer: ``durable`` from the group's committed offset, ``latest`` from the end."""
        ...

    def partition_of(self, topic: str, key: str) -> int:
        """Return the partition that records of ``key`` are in."""
        ...

    def fetch(self, reference: FrameReference) -> Record:
        """Return the record of the frame; EvidenceMissing if it is gone or another stands there."""
        ...

    def footage(self, camera_id: str, since: datetime) -> Footage:
        """Return the frames of a camera published at ``since`` or later, as far as they are kept."""
        ...

    def forget(self, camera_id: str) -> None:
        """Delete the frames of a camera where they can be deleted; else they go when their time is over.

        A frame that is published afterwards is kept as if it were the first.
        """
        ...

    def close(self) -> None:
        """Flush and release it."""
        ...
