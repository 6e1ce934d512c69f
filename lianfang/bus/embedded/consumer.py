"""The consumer of the embedded bus: sources, one per topic, and the waiting for them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from lianfang.bus import Record, TopicPartition
from lianfang.bus.embedded.requests import Commit, Log
from lianfang.bus.embedded.topics import Source
from lianfang.events import FRAMES

# How long to sleep between two looks at the rings: twice as long after each that found nothing. The longest
# keeps an idle reader of 25 rings at about 1 % of a core and takes at most 10 ms of a budget of 300.
_LOOK_AGAIN_S, _LOOK_AGAIN_AT_MOST_S = 0.001, 0.01


class EmbeddedConsumer:
    """Reads topics for a group.

    In the mode ``durable`` the newest consumer of a group owns its partitions: an older one is given no
    more records, its ``assignment`` is empty and its commits are refused. In ``latest`` all consumers see
    all keys.
    """

    def __init__(self, log: Log, sources: Mapping[str, Source], group: str, generation: int) -> None:
        self._log = log
        self._sources = dict(sources)
        self._turns = list(self._sources.values())
        self._group = group
        self._generation = generation
        self._paused: frozenset[TopicPartition] = frozenset()

    @property
    def generation(self) -> int:
        """A number that grows with every consumer of the group."""
        return self._generation

    @property
    def lost(self) -> bool:
        """Return False: it reads files of this machine, and a connection that ends is an error."""
        return False

    def assignment(self) -> frozenset[TopicPartition]:
        """Return the partitions this consumer reads now."""
        return frozenset().union(*(source.partitions() for source in self._turns))

    def poll(self, timeout_s: float, max_records: int = 500) -> list[Record]:
        """Return what has come, waiting up to ``timeout_s`` for the first record.

        TransientError when the bus is closed or its owner gone.
        """
        deadline, look_again_s = time.monotonic() + timeout_s, _LOOK_AGAIN_S
        perishable = FRAMES in self._sources
        while True:
            self._log.check()
            ticket = 0 if perishable else self._log.ticket()
            records = self._take(max_records)
            remaining_s = deadline - time.monotonic()
            if records or remaining_s <= 0:
                return records
            if perishable:
                time.sleep(min(remaining_s, look_again_s))
                look_again_s = min(2 * look_again_s, _LOOK_AGAIN_AT_MOST_S)
            else:
                self._log.wait(ticket, remaining_s)

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Store the offset of the next record to read; TransientError if a newer consumer has come."""
        places = [(place.topic, place.partition, offset) for place, offset in offsets.items()]
        self._log.commit(Commit(self._group, self._generation, places))

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read from ``offset`` on; out of range means the earliest record that is kept."""
        self._source(partition).seek(partition, offset)

    def beginning(self, partition: TopicPartition) -> int:
        """Return the offset of the earliest record that is kept."""
        return self._source(partition).bounds(partition)[0]

    def end(self, partition: TopicPartition) -> int:
        """Return the offset that the next published record will have."""
        return self._source(partition).bounds(partition)[1]

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Stop returning records of ``partitions``."""
        self._paused |= frozenset(partitions)

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        """Return records of ``partitions`` again, from where they stopped."""
        self._paused -= frozenset(partitions)

    def skipped(self) -> Mapping[str, int]:
        """Return, per key, how many records ``latest`` has passed over since the subscription."""
        counts: dict[str, int] = {}
        for source in self._turns:
            for key, count in source.skipped().items():
                counts[key] = counts.get(key, 0) + count
        return counts

    def close(self) -> None:
        """Release it. Nothing is committed that was not committed before."""
        for source in self._turns:
            source.close()

    def _take(self, max_records: int) -> list[Record]:
        records: list[Record] = []
        for source in self._turns:
            if len(records) < max_records:
                records += source.take(max_records - len(records), self._paused)
        if records:
            self._turns.append(self._turns.pop(0))  # another topic comes first next time
        return records

    def _source(self, partition: TopicPartition) -> Source:
        return self._sources[partition.topic]


def distinct(topics: Sequence[str]) -> list[str]:
    """Return the topics without repetition; ValueError when there are none."""
    if not topics:
        raise ValueError("a consumer reads at least one topic")
    return list(dict.fromkeys(topics))
