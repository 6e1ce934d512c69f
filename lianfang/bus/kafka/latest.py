"""The newest unseen record of each key, from the end on: what has come is drained before any is given out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lianfang.bus import Record, TopicPartition
from lianfang.bus.kafka.access import Access
from lianfang.bus.kafka.membership import Membership
from lianfang.bus.kafka.reading import record_of
from lianfang.errors import TransientError

_SETTINGS = {
    "auto_offset_reset": "latest",
    "fetch_max_wait_ms": 50,
    "max_partition_fetch_bytes": 4 * 1024 * 1024,
    "fetch_max_bytes": 32 * 1024 * 1024,
}
_DRAIN_RECORDS = 10_000
_DRAIN_S = 0.2  # of catching up in one poll, at most: then what is newest so far is given out
_LOOK_S = 0.02


class LatestConsumer:
    """A member of a group that reads only what is newest. See ``lianfang.bus.Consumer``.

    Its group is its own: it begins at the end whatever a durable one has committed, and commits nothing.
    Polled like a durable one. Keys are served in turn: the one that was served longest ago comes first.
    """

    def __init__(self, access: Access, version: tuple[int, ...], topics: Sequence[str], group: str) -> None:
        self._membership = Membership(access, version, topics, f"{group}.latest", _SETTINGS)
        self._reading: frozenset[TopicPartition] = frozenset()
        self._next: dict[TopicPartition, int] = {}
        self._waiting: dict[str, Record] = {}
        self._served: dict[str, int] = {}  # key -> number of the turn in which it was served last
        self._turn = 0
        self._paused: frozenset[TopicPartition] = frozenset()
        self._skipped: Counter[str] = Counter()

    @property
    def generation(self) -> int:
        """The group's generation: it grows with every change of its members."""
        return self._membership.generation

    @property
    def lost(self) -> bool:
        """Whether it has had no answer from its group for 3 s: no broker, or none that takes us."""
        return self._membership.lost

    def assignment(self) -> frozenset[TopicPartition]:
        """Return the partitions that are ours and whose end we know: what comes later is read."""
        return self._reading

    def poll(self, timeout_s: float, max_records: int = 500) -> list[Record]:
        """Return the newest unseen record of each key, waiting up to ``timeout_s`` for the first."""
        deadline = time.monotonic() + timeout_s
        while True:
            self._begin()
            remaining_s = max(0.0, deadline - time.monotonic())
            changed = self._receive(0 if self._ready() else remaining_s)
            self._drain()
            if self._ready() or changed or remaining_s == 0:
                return self._take(max_records)

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Refuse: reading begins at the end, always."""
        raise ValueError(f"{len(offsets)} offsets: a consumer in the mode latest commits nothing")

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read from ``offset`` on; out of range means the earliest record that is kept."""
        beginning, end = self._membership.bounds(partition)
        self._go_to(partition, offset if beginning <= offset <= end else beginning)

    def beginning(self, partition: TopicPartition) -> int:
        """Return the offset of the earliest record that is kept."""
        return self._membership.bounds(partition)[0]

    def end(self, partition: TopicPartition) -> int:
        """Return the offset that the next published record will have."""
        return self._membership.bounds(partition)[1]

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Stop returning records of ``partitions``."""
        self._paused |= frozenset(partitions)
        self._membership.pause(partitions)

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        """Return records of ``partitions`` again, from where they stopped."""
        self._paused -= frozenset(partitions)
        self._membership.resume(partitions)

    def skipped(self) -> Mapping[str, int]:
        """Return, per key, how many records a newer one made unseen."""
        return +self._skipped

    def close(self) -> None:
        """Leave the group."""
        self._membership.close()

    def _begin(self) -> None:
        """Read what was given to us from its end; where no broker says where that is, the next poll asks."""
        for partition in self._membership.given():
            try:
                end = self._membership.bounds(partition)[1]
            except TransientError:
                return
            self._go_to(partition, end)
            self._membership.begin([partition])
            self._reading |= {partition}

    def _go_to(self, partition: TopicPartition, offset: int) -> None:
        self._membership.seek(partition, offset)
        self._next[partition] = offset
        self._waiting = {k: r for k, r in self._waiting.items() if _place(r) != partition}

    def _receive(self, timeout_s: float) -> bool:
        """Let what comes wait for its turn; return whether the assignment changed."""
        found, changed = self._membership.poll(timeout_s, _DRAIN_RECORDS)
        for partition, entries in found.items():
            place = TopicPartition(partition.topic, partition.partition)
            self._next[place] = entries[-1].offset + 1
            for entry in entries:
                self._offer(entry)
        if changed:
            self._reading = self._reading & self._membership.assignment() - self._membership.given()
            self._waiting = {k: r for k, r in self._waiting.items() if _place(r) in self._reading}
        return changed

    def _offer(self, entry: Any) -> None:  # noqa: ANN401 - kafka-python is untyped
        record = record_of(entry)
        if record.key in self._waiting:
            self._skipped[record.key] += 1
        self._waiting[record.key] = record

    def _drain(self) -> None:
        """Read on for a while where the broker holds more than we have seen."""
        deadline = time.monotonic() + _DRAIN_S
        while self._ready() and self._behind() and time.monotonic() < deadline:
            self._receive(_LOOK_S)

    def _behind(self) -> bool:
        for partition in self._reading - self._paused:
            end = self._membership.highwater(partition)
            if end is not None and end > self._next[partition]:
                return True
        return False

    def _ready(self) -> bool:
        return any(_place(record) not in self._paused for record in self._waiting.values())

    def _take(self, limit: int) -> list[Record]:
        keys = [key for key, record in self._waiting.items() if _place(record) not in self._paused]
        keys.sort(key=lambda key: self._served.get(key, -1))
        taken = []
        for key in keys[:limit]:
            self._turn += 1
            self._served[key] = self._turn
            taken.append(self._waiting.pop(key))
        return taken


def _place(record: Record) -> TopicPartition:
    return TopicPartition(record.position.topic, record.position.partition)
