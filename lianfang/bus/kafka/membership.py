"""A place in a consumer group: which partitions are ours, since when, and from where they are read.

A partition that is given to us stays paused until its owner can know of it: the poll that brings it returns
none of its records, so that whoever asks for ``assignment()`` after each poll may first decide where to read
from. What is taken from us is gone at once, with all that was fetched of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka import TopicPartition as KafkaPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import CommitFailedError, KafkaError
from kafka.structs import MemberState, OffsetAndMetadata

from lianfang.bus import TopicPartition
from lianfang.bus.kafka.access import Access, transient
from lianfang.bus.kafka.mends import heard_at, keep_joins, spins, unpark
from lianfang.errors import TransientError

_log = structlog.get_logger(__name__)

CALL_MS = 5000  # for one question to the brokers: where a partition begins or ends, a commit
_CLOSE_MS = 2000
_SLICE_S = 0.1  # so often a long poll looks whether partitions were given or taken
_RETRY_S = 0.1
_OVERDUE_S = 0.02  # so long we wait for the client where it would not
_LOST_S = 3.0  # without a place in the group, or an answer from it, for so long: it is said
_COMMON: Mapping[str, Any] = {
    "enable_auto_commit": False,
    "allow_auto_create_topics": False,
    "partition_assignment_strategy": [CooperativeStickyAssignor],
    "session_timeout_ms": 6000,  # a worker that was killed is replaced after so long
    "heartbeat_interval_ms": 500,  # so soon a member hears that the group changes; until then all wait for it
    "max_poll_interval_ms": 30_000,
    "request_timeout_ms": 10_000,
}


class Membership:
    """One member of a group. One thread owns it, and polls it at least every 30 s."""

    def __init__(
        self,
        access: Access,
        version: tuple[int, ...],
        topics: Sequence[str],
        group: str,
        settings: Mapping[str, Any],
    ) -> None:
        self._group = group
        self._given: set[KafkaPartition] = set()  # not resumed yet
        self._removed: set[TopicPartition] = set()  # within this poll
        self._hidden: frozenset[TopicPartition] = frozenset()  # lost and given back within the last poll
        self._mine: frozenset[TopicPartition] = frozenset()
        self._paused: set[TopicPartition] = set()
        self._uncommitted: dict[TopicPartition, int] = {}
        self._generation = 0
        self._placed_at, self._lost = time.monotonic(), False
        self._changed = False
        try:
            self.client = KafkaConsumer(
                **access.arguments, **_COMMON, **settings, group_id=group, api_version=version
            )
        except (KafkaError, OSError) as error:
            raise transient("no consumer", error) from error
        keep_joins(self.client)
        self.client.subscribe(list(topics), listener=_Listener(self))

    @property
    def generation(self) -> int:
        """The group's generation, the last that we were part of: it grows with every change of members."""
        return self._generation

    @property
    def lost(self) -> bool:
        """Whether we have had no place in the group for a while."""
        return self._lost

    def assignment(self) -> frozenset[TopicPartition]:
        """Return the partitions that are ours as of the last poll.

        One that was lost and given back within one poll is first missing: others may have had it meanwhile.
        """
        return self._mine - self._hidden

    def poll(self, timeout_s: float, max_records: int) -> tuple[Mapping[Any, list[Any]], bool]:
        """Return (the client's records per partition, whether the assignment changed).

        It returns early, and without the records of what is new, when the assignment changes. Brokers that
        are away are no error: nothing comes, and the client finds them again. TransientError: they refuse us.
        """
        if self._hidden:
            self._hidden = frozenset()
            return {}, True
        deadline = time.monotonic() + timeout_s
        while True:
            self._removed.clear()
            remaining_s = max(0.0, deadline - time.monotonic())
            self._commit_late()
            records = self._poll(min(remaining_s, _SLICE_S), max_records)
            changed, self._changed = self._changed, False
            if changed:
                self._hidden = frozenset(self._removed) & self._mine
                self._say_assignment()
            if records or changed or remaining_s <= _SLICE_S:
                return records, changed

    def given(self) -> set[TopicPartition]:
        """Return what was given to us and is not read yet."""
        return {_ours(partition) for partition in self._given}

    def begin(self, partitions: Iterable[TopicPartition]) -> None:
        """Read partitions that were given to us, unless they are paused."""
        for partition in map(_theirs, partitions):
            self._given.discard(partition)
            if _ours(partition) not in self._paused and partition in self.client.assignment():
                self.client.resume(partition)

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Bring no records of ``partitions`` until they are resumed."""
        for partition in frozenset(partitions) & self._mine:
            self._paused.add(partition)
            self.client.pause(_theirs(partition))

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        """Bring records of ``partitions`` again."""
        for partition in frozenset(partitions) & self._paused:
            self._paused.discard(partition)
            if _theirs(partition) not in self._given:
                self.client.resume(_theirs(partition))

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read from ``offset`` on; KeyError where the partition is not ours."""
        if partition not in self._mine:
            raise KeyError(f"{partition} is not assigned")
        self.client.seek(_theirs(partition), offset)

    def bounds(self, partition: TopicPartition) -> tuple[int, int]:
        """Return (earliest offset kept, offset of the next record); TransientError without an answer."""
        place = _theirs(partition)
        try:
            beginning = self.client.beginning_offsets([place], timeout_ms=CALL_MS)[place]
            end = self.client.end_offsets([place], timeout_ms=CALL_MS)[place]
        except KafkaError as error:
            raise transient(f"no bounds of {partition.topic}/{partition.partition}", error) from error
        return beginning, end

    def highwater(self, partition: TopicPartition) -> int | None:
        """Return the offset of the next record as the last fetch told it, None before the first."""
        offset: int | None = self.client.highwater(_theirs(partition))
        return offset

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Store the offsets for the group; while its members change, the next poll does it.

        TransientError: no answer, or a partition is not ours (any more).
        """
        foreign = offsets.keys() - self._mine
        if foreign:
            raise TransientError(f"{len(foreign)} partitions belong to another member of {self._group}")
        self._uncommitted.update(offsets)
        self._commit()

    def close(self) -> None:
        """Leave the group, so that the others need not wait for our session to end."""
        try:
            self.client.close(autocommit=False, timeout_ms=_CLOSE_MS)
        except KafkaError as error:
            _log.debug("kafka_close", group=self._group, reason=str(error))

    def _poll(self, timeout_s: float, max_records: int) -> Mapping[Any, list[Any]]:
        unpark(self.client)
        if spins(self.client):
            time.sleep(min(timeout_s, _OVERDUE_S))
            timeout_s = 0.0
        try:
            records: Mapping[Any, list[Any]] = self.client.poll(
                timeout_ms=int(timeout_s * 1000), max_records=max_records
            )
        except KafkaError as error:
            if not getattr(error, "retriable", False) and not isinstance(error, CommitFailedError):
                raise transient(f"{self._group} cannot read", error) from error
            records = {}
            time.sleep(min(timeout_s, _RETRY_S))
        self._look_around()
        return records

    def _look_around(self) -> None:
        """Note our place in the group; say that it is lost for a while, and that it is found.

        The client calls a place stable that no broker has confirmed for long: what counts is a heartbeat.
        """
        place = self.client.group_metadata()
        now = time.monotonic()
        if place.state == MemberState.STABLE:
            if place.generation_id > self._generation:
                self._generation, self._placed_at = place.generation_id, now
            self._placed_at = max(self._placed_at, heard_at(self.client))
        lost = now - self._placed_at >= _LOST_S
        if lost and not self._lost:
            _log.warning("kafka_group_lost", group=self._group, for_s=round(now - self._placed_at, 1))
        elif self._lost and not lost:
            _log.info("kafka_group_found", group=self._group)
        self._lost = lost

    def _commit_late(self) -> None:
        """Commit what could not be committed while the members of the group changed."""
        if self._uncommitted:
            self._commit()

    def _commit(self) -> None:
        if self.client.group_metadata().state != MemberState.STABLE:
            return
        offsets = {_theirs(p): OffsetAndMetadata(offset, "", -1) for p, offset in self._uncommitted.items()}
        try:
            self.client.commit(offsets, timeout_ms=CALL_MS)
        except CommitFailedError:
            return  # the members change: we keep it until we know what remains ours
        except KafkaError as error:
            self._uncommitted.clear()
            raise transient(f"offsets of {self._group} were not stored", error) from error
        self._uncommitted.clear()

    def _say_assignment(self) -> None:
        mine = sorted(f"{p.topic}/{p.partition}" for p in self._mine)
        _log.info("partitions_assigned", group=self._group, partitions=mine, generation=self._generation)

    def _add(self, partitions: set[KafkaPartition]) -> None:
        """Take partitions over. Called within a poll, in the client's own thread, while we wait for it."""
        self._given |= partitions
        for partition in partitions:
            self.client.pause(partition)
        self._mine |= {_ours(partition) for partition in partitions}
        self._changed = True

    def _remove(self, partitions: set[KafkaPartition]) -> None:
        self._given -= partitions
        gone = {_ours(partition) for partition in partitions}
        self._mine -= gone
        self._removed |= gone
        self._paused -= gone
        self._uncommitted = {p: offset for p, offset in self._uncommitted.items() if p not in gone}
        self._changed = True


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc] # kafka-python is untyped
    """Hands what the group decides to the membership."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership

    def on_partitions_assigned(self, assigned: set[KafkaPartition]) -> None:
        self._membership._add(set(assigned))  # noqa: SLF001 - its own other half

    def on_partitions_revoked(self, revoked: set[KafkaPartition]) -> None:
        self._membership._remove(set(revoked))  # noqa: SLF001

    def on_partitions_lost(self, lost: set[KafkaPartition]) -> None:
        self._membership._remove(set(lost))  # noqa: SLF001


def _ours(partition: KafkaPartition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.partition)


def _theirs(partition: TopicPartition) -> KafkaPartition:
    return KafkaPartition(partition.topic, partition.partition)
