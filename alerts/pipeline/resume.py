"""Taking a partition over: where to go on, and what the rules had counted before that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from alerts.facts import Facts
from alerts.pipeline.books import Books
from alerts.pipeline.decide import Decider
from alerts.pipeline.order import Event, Order
from alerts.rules.base import EVER
from alerts.store import Store, checkpoints, offsets
from lianfang import codec
from lianfang.bus import Consumer, Record, TopicPartition
from lianfang.clock import Clock
from lianfang.config.changes import Version
from lianfang.errors import DecodeError, TransientError
from lianfang.events import Canary

_log = structlog.get_logger()

# After a start the rules' counters are rebuilt from what was logged before the offset: as much as the rules
# ask for, and no more than this. Somebody who has stayed for longer is counted from there on.
READ_BACK = timedelta(minutes=10)
READ_BACK_RECORDS_A_MINUTE = 5000
_READ_BACK_S = 10.0  # without a record, while rebuilding: then the bus is asked anew
_POLL_S = 0.5


CHECKPOINT_S, CHECKPOINT_RECORDS = 30.0, 5000
"""So often what outlives the read-back is kept: as much is read again after a start, at the most."""


@dataclass
class Partition:
    """What a worker knows of a partition: its generation as owner, the offset that the store holds.

    ``sources`` are whose events lie in it; ``kept_at`` is when (monotonic) and ``kept`` up to which offset
    the states of the rules were last kept.
    """

    generation: int
    stored: int | None
    sources: set[str] = field(default_factory=set)
    kept: int = 0
    kept_at: float | None = None

    def keep(self, session: Session, where: TopicPartition, end: int, decider: Decider, now: float) -> None:
        """Keep what outlives the read-back, counted up to before ``end``, unless that was done just now."""
        recent = self.kept_at is not None and now - self.kept_at < CHECKPOINT_S
        if recent and end - self.kept < CHECKPOINT_RECORDS:
            return
        checkpoints.save(session, where, end, decider.lasting(self.sources))
        self.kept, self.kept_at = end, now


def take(store: Store, partition: TopicPartition) -> tuple[Partition, checkpoints.Checkpoint | None]:
    """Become the owner of a partition: from now on whoever owned it before writes nothing more.

    Return what is known of it, and what its owner before had counted for long.
    """
    with store.write() as session:
        mine = Partition(offsets.take(session, partition), offsets.load(session, partition))
        return mine, checkpoints.load(session, partition)


def resume(
    consumer: Consumer,
    partition: TopicPartition,
    mine: Partition,
    checkpoint: checkpoints.Checkpoint | None,
    order: Order,
    deciders: tuple[Decider, Decider],
    books: Books,
    facts: Facts,
    clock: Clock,
) -> None:
    """Rebuild the rules' counters from just before the offset of a partition, and read on from there.

    The second of the ``deciders`` knows only the rules that save lives.

    LostPartition where it is taken away meanwhile, TransientError where the bus does not give it.
    """
    beginning, end = consumer.beginning(partition), consumer.end(partition)
    at = beginning if mine.stored is None else mine.stored
    if not beginning <= at <= end:
        _log.error("offset_out_of_range", topic=partition.topic, stored=at, kept_from=beginning, end=end)
        at = beginning
    reach = min(READ_BACK, timedelta(seconds=books.memory_s(_recent(facts, clock.now()))))
    count = int(reach.total_seconds() / 60 * READ_BACK_RECORDS_A_MINUTE)
    start = at if mine.stored is None else max(beginning, at - count)
    restored = checkpoint is not None and checkpoint[0] <= at
    counted, states = checkpoint if checkpoint is not None and restored else (at, {})
    mine.sources |= set(states)
    read = _read_back(consumer, partition, max(beginning, min(start, counted)), at, clock)
    since = max((event.captured_at for _, event in read), default=EVER + reach) - reach
    for offset, event in read:
        mine.sources.add(event.source)
        after = offset >= counted
        wanted = (after or event.captured_at >= since) and books.knows(event.source, facts)
        if wanted and order.admit(event) is None:
            book = books.at(event.captured_at, facts)
            for each, its in zip(deciders, (book, book.vital), strict=True):
                if after:
                    each.restore(states)
                each.follow(its)
                each.remember(event, lasting=after or not restored)
            if after:
                states = {}
    for each in deciders:
        each.restore(states)
    consumer.seek(partition, at)


def _recent(facts: Facts, now: datetime) -> Iterator[Version]:
    """Yield the versions by which anything is judged that is read back."""
    ends = [*(version.since for version in facts.versions[1:]), None]
    for version, end in zip(facts.versions, ends, strict=False):
        if end is None or end > now - READ_BACK:
            yield version


def _read_back(
    consumer: Consumer, partition: TopicPartition, start: int, end: int, clock: Clock
) -> list[tuple[int, Event]]:
    """Return the events of a partition, each with its offset, from ``start`` to before ``end``."""
    events: list[tuple[int, Event]] = []
    consumer.pause(consumer.assignment() - {partition})
    consumer.seek(partition, start)
    patience_ends = clock.monotonic() + _READ_BACK_S
    while start < end:
        records = consumer.poll(_POLL_S)
        if partition not in consumer.assignment():
            raise offsets.LostPartition(f"{partition.topic}/{partition.partition} was taken away")
        events += [
            (r.position.offset, event)
            for r in records
            if r.position.offset < end and (event := _event(r)) is not None
        ]
        if records:
            start = records[-1].position.offset + 1
            patience_ends = clock.monotonic() + _READ_BACK_S
        elif clock.monotonic() >= patience_ends:
            raise TransientError(f"{partition.topic}/{partition.partition} does not come from {start} on")
    consumer.resume(consumer.assignment())
    return events


def _event(entry: Record) -> Event | None:
    try:
        event = codec.decode_event(entry.value, entry.headers)
    except DecodeError:
        return None  # it is in the dead letter since it was first read
    return None if isinstance(event, Canary) else event
