"""Every record in order, from the group's committed offset, shared with the other members of the group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lianfang.bus import Record, TopicPartition
from lianfang.bus.kafka.access import Access
from lianfang.bus.kafka.membership import Membership
from lianfang.bus.kafka.reading import record_of

_SETTINGS = {
    "auto_offset_reset": "earliest",  # also for an offset out of range
    "fetch_max_wait_ms": 50,
    "max_partition_fetch_bytes": 4 * 1024 * 1024,
    "fetch_max_bytes": 16 * 1024 * 1024,
}


class DurableConsumer:
    """A member of a group that reads everything. See ``lianfang.bus.Consumer``.

    Its owner polls at least every 30 s, whatever it does in between, or the group takes its partitions away.
    A poll ends early when partitions are given or taken, and brings no record of one that ``assignment()``
    did not name before it.
    """

    def __init__(self, access: Access, version: tuple[int, ...], topics: Sequence[str], group: str) -> None:
        self._membership = Membership(access, version, topics, group, _SETTINGS)

    @property
    def generation(self) -> int:
        """The group's generation: it grows with every change of its members."""
        return self._membership.generation

    @property
    def lost(self) -> bool:
        """Whether it has had no answer from its group for 3 s: no broker, or none that takes us."""
        return self._membership.lost

    def assignment(self) -> frozenset[TopicPartition]:
        """Return the partitions that are ours as of the last poll."""
        return self._membership.assignment()

    def poll(self, timeout_s: float, max_records: int = 500) -> list[Record]:
        """Return what has come, waiting up to ``timeout_s`` for the first record."""
        self._membership.begin(self._membership.given())
        found, _ = self._membership.poll(timeout_s, max_records)
        return [record_of(entry) for entries in found.values() for entry in entries]

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Store, for the group, the offset of the next record to read; TransientError if it is not ours.

        While the members of the group change it is stored by the next poll, if it is still ours then.
        """
        self._membership.commit(offsets)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read from ``offset`` on; out of range means the earliest record that is kept."""
        self._membership.seek(partition, offset)

    def beginning(self, partition: TopicPartition) -> int:
        """Return the offset of the earliest record that is kept."""
        return self._membership.bounds(partition)[0]

    def end(self, partition: TopicPartition) -> int:
        """Return the offset that the next published record will have."""
        return self._membership.bounds(partition)[1]

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Stop returning records of ``partitions``."""
        self._membership.pause(partitions)

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        """Return records of ``partitions`` again, from where they stopped."""
        self._membership.resume(partitions)

    def skipped(self) -> Mapping[str, int]:
        """Return nothing: it passes nothing over."""
        return {}

    def close(self) -> None:
        """Leave the group."""
        self._membership.close()
