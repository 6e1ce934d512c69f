"""Taking a partition over: where to go on, and what the rules had counted before that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog

from alerts.pipeline.books import Books
from alerts.pipeline.decide import Decider
from alerts.pipeline.order import Event, Order
from alerts.store import Store, offsets, switches
from lianfang import codec
from lianfang.bus import Consumer, Record, TopicPartition
from lianfang.clock import Clock
from lianfang.errors import DecodeError, TransientError
from lianfang.events import Canary

_log = structlog.get_logger()

# After a start the rules' counters are rebuilt from what was logged before the offset: as much as the rules
# ask for, and no more than this. Somebody who has stayed for longer is counted from there on.
READ_BACK = timedelta(minutes=10)
READ_BACK_RECORDS_A_MINUTE = 5000
_READ_BACK_S = 10.0  # without a record, while rebuilding: then the bus is asked anew
_POLL_S = 0.5


@dataclass
class Partition:
    """What a worker knows of a partition: its generation as owner, the offset that the store holds."""

    generation: int
    stored: int | None


def resume(
    store: Store,
    consumer: Consumer,
    partition: TopicPartition,
    order: Order,
    decider: Decider,
    books: Books,
    clock: Clock,
) -> Partition:
    """Take the partition over and rebuild the rules' counters from just before its offset.

    LostPartition where it is taken away meanwhile, TransientError where the bus does not give it.
    """
    with store.write() as session:
        generation = offsets.take(session, partition)
        stored = offsets.load(session, partition)
        known = switches.load(session, clock.now())
    beginning, end = consumer.beginning(partition), consumer.end(partition)
    at = beginning if stored is None else stored
    if not beginning <= at <= end:
        _log.error("offset_out_of_range", topic=partition.topic, stored=at, kept_from=beginning, end=end)
        at = beginning
    reach = min(READ_BACK, timedelta(seconds=books.memory_s))
    count = int(reach.total_seconds() / 60 * READ_BACK_RECORDS_A_MINUTE)
    start = at if stored is None else max(beginning, at - count)
    for event in _recent(_read_back(consumer, partition, start, at, clock), reach):
        if books.everyday.config.has(event.source) and order.admit(event) is None:
            decider.follow(books.at(event.captured_at, known))
            decider.remember(event)
    consumer.seek(partition, at)
    return Partition(generation, stored)


def _read_back(
    consumer: Consumer, partition: TopicPartition, start: int, end: int, clock: Clock
) -> list[Event]:
    """Return the events of a partition from ``start`` to before ``end``."""
    events: list[Event] = []
    consumer.pause(consumer.assignment() - {partition})
    consumer.seek(partition, start)
    patience_ends = clock.monotonic() + _READ_BACK_S
    while start < end:
        records = consumer.poll(_POLL_S)
        if partition not in consumer.assignment():
            raise offsets.LostPartition(f"{partition.topic}/{partition.partition} was taken away")
        events += [e for r in records if r.position.offset < end and (e := _event(r)) is not None]
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


def _recent(events: list[Event], reach: timedelta) -> list[Event]:
    if not events:
        return []
    since = max(e.captured_at for e in events) - reach
    return [e for e in events if e.captured_at >= since]
