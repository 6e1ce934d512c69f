"""How the topics of the log are read: every record, or only the newest of each key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Protocol

from lianfang.bus import Record, TopicPartition
from lianfang.bus.embedded.log_reader import LogReader


class Source(Protocol):
    """One topic as a consumer reads it; KeyError for a partition that it does not have."""

    def partitions(self) -> frozenset[TopicPartition]:
        """Return what is read now."""
        ...

    def take(self, limit: int, paused: frozenset[TopicPartition]) -> list[Record]:
        """Return up to ``limit`` records that have come, without waiting."""
        ...

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on from ``offset``; out of range is the earliest that is kept."""
        ...

    def bounds(self, partition: TopicPartition) -> tuple[int, int]:
        """Return (earliest offset kept, offset of the next record)."""
        ...

    def skipped(self) -> Mapping[str, int]:
        """Return how many records of each key were passed over."""
        ...

    def close(self) -> None:
        """Release it."""
        ...


class DurableTopic:
    """Every record in order, from the group's committed offset, for as long as no newer consumer has come."""

    def __init__(self, reader: LogReader, topic: str, group: str, generation: int) -> None:
        self._reader = reader
        self._partition = TopicPartition(topic, 0)
        self._group = group
        self._generation = generation
        self._next = 0
        committed = reader.committed(group, topic, 0)
        self.seek(self._partition, 0 if committed is None else committed)

    def partitions(self) -> frozenset[TopicPartition]:
        """Return the topic's one partition; none once the group has a newer consumer."""
        owned = self._reader.generation(self._group) == self._generation
        return frozenset({self._partition}) if owned else frozenset()

    def take(self, limit: int, paused: frozenset[TopicPartition]) -> list[Record]:
        """Return the next records; none once the group has a newer consumer."""
        if self._partition in paused or not self.partitions():
            return []
        records = self._reader.read(self._partition.topic, self._next, limit)
        if records:
            self._next = records[-1].position.offset + 1
        return records

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on from ``offset``; out of range is the earliest that is kept."""
        self._next = in_range(offset, self.bounds(partition))

    def bounds(self, partition: TopicPartition) -> tuple[int, int]:
        """Return (earliest offset kept, offset of the next record)."""
        return self._reader.bounds(partition.topic)

    def skipped(self) -> Mapping[str, int]:
        """Return nothing: it never passes over a record."""
        return {}

    def close(self) -> None:
        """Close its connection."""
        self._reader.close()


class LatestTopic:
    """The newest unseen record of each key, keys that have waited longest first, from the end on."""

    def __init__(self, reader: LogReader, topic: str) -> None:
        self._reader = reader
        self._partition = TopicPartition(topic, 0)
        self._next = reader.bounds(topic)[1]
        self._waiting: dict[str, int] = {}  # key -> newest unseen offset, in the order in which they came
        self._skipped: Counter[str] = Counter()

    def partitions(self) -> frozenset[TopicPartition]:
        """Return the topic's one partition."""
        return frozenset({self._partition})

    def take(self, limit: int, paused: frozenset[TopicPartition]) -> list[Record]:
        """Return at most one record of each key."""
        if self._partition in paused:
            return []
        for key, offset, count in self._reader.newest_by_key(self._partition.topic, self._next):
            self._skipped[key] += count - 1 + (key in self._waiting)
            self._waiting[key] = offset  # a key that waits keeps its place
            self._next = offset + 1
        keys = list(self._waiting)[:limit]
        return self._reader.read_some(self._partition.topic, [self._waiting.pop(key) for key in keys])

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on from ``offset``; out of range is the earliest that is kept."""
        self._next = in_range(offset, self.bounds(partition))
        self._waiting.clear()

    def bounds(self, partition: TopicPartition) -> tuple[int, int]:
        """Return (earliest offset kept, offset of the next record)."""
        return self._reader.bounds(partition.topic)

    def skipped(self) -> Mapping[str, int]:
        """Return how many records of each key a newer one made unseen."""
        return +self._skipped

    def close(self) -> None:
        """Close its connection."""
        self._reader.close()


def in_range(offset: int, bounds: tuple[int, int]) -> int:
    """Return ``offset`` if it lies within (earliest, end), else the earliest."""
    earliest, end = bounds
    return offset if earliest <= offset <= end else earliest
