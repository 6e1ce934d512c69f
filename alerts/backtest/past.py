"""What rules make of everything that is in the log, by the code of the service and in its order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from alerts.facts import NO_FACTS, Facts
from alerts.incidents.incident import Incident
from alerts.pipeline.books import Books
from alerts.pipeline.decide import Decider, Decision
from alerts.pipeline.order import Event, Order
from alerts.pipeline.speakers import Speakers
from alerts.pipeline.worker import topics
from alerts.suppression.chain import SILENT, Trace
from alerts.suppression.said import NOTHING_SAID, Said
from lianfang import codec
from lianfang.bus import Bus, Consumer, Record, TopicPartition
from lianfang.config import Config
from lianfang.errors import DecodeError, TransientError
from lianfang.events import OBSERVATIONS, Canary

_ASSIGNED_S = 60.0  # a group of Kafka is given its partitions after some seconds
_POLL_S = 1.0


@dataclass(frozen=True)
class Span:
    """The time that is asked about; None is without bound."""

    begin: datetime | None
    end: datetime | None

    def holds(self, at: datetime) -> bool:
        """Say whether ``at`` is in it."""
        return (self.begin is None or self.begin <= at) and (self.end is None or at < self.end)


def raised(
    config: Config,
    bus: Bus,
    span: Span,
    progress: Callable[[float], None],
    facts: Facts = NO_FACTS,
    said: Said = NOTHING_SAID,
    rules: Sequence[str] = (),
) -> list[Incident]:
    """Return the incidents that the ``rules`` (none: all) of ``config`` open in ``span``, as they were left.

    Each picture is judged under the version and the profile that were in force when it was taken, by the
    schedules of ``config`` and the ``facts`` of then, and what people ``said`` is held back then.

    They are in the order in which they opened. What was logged before it counts too, as it did then;
    ``progress`` gets the share that is done, 0-1.

    Raises TransientError where the bus does not answer.
    """
    found: dict[str, Incident] = {}
    for _, _, decisions in decided(config, logged(bus, topics(config), progress), facts, said, rules=rules):
        for decision in decisions:
            found[decision.incident.id] = decision.incident
    return sorted((i for i in found.values() if span.holds(i.opened_at)), key=lambda i: (i.opened_at, i.id))


def decided(
    config: Config,
    events: Iterable[Event],
    facts: Facts,
    said: Said,
    trace: Trace = SILENT,
    rules: Sequence[str] = (),
) -> Iterator[tuple[Event, Decider, list[Decision]]]:
    """Yield each event that counts, who decides on it, with the book of then, and what is decided."""
    books = Books(config, rules)
    order, decider = Order(), Decider(books.everyday, trace)
    decider.said = said
    for event in events:
        if config.has(event.source) and order.admit(event) is None:
            decider.follow(books.at(event.captured_at, facts), facts.dispositions)
            speakers = Speakers(decider.book.config, said)
            yield event, decider, decider.decide(event, speakers.refusal)


def logged(
    bus: Bus,
    topics: Sequence[str],
    progress: Callable[[float], None],
    wanted: Callable[[Record], bool] = lambda _: True,
) -> Iterator[Event]:
    """Yield every ``wanted`` event that is in the log now, in its order; what cannot be read is left out."""
    consumer = bus.subscribe(topics, f"backtest-{uuid4()}", "durable")
    try:
        ends, at = _rewind(consumer)
        total = sum(end - at[p] for p, end in ends.items())
        left = total
        while left:
            records = consumer.poll(_POLL_S)
            if not records:
                raise TransientError("the log does not come to its end")
            for record in records:
                where = TopicPartition(record.position.topic, record.position.partition)
                if record.position.offset >= ends[where]:
                    continue
                at[where] = record.position.offset + 1
                if not wanted(record):
                    continue
                with suppress(DecodeError):
                    event = codec.decode_event(record.value, record.headers)
                    if not isinstance(event, Canary):
                        yield event
            left = sum(end - at[p] for p, end in ends.items())
            progress(1 - left / total)
    finally:
        consumer.close()


def _rewind(consumer: Consumer) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    """Go back to the beginning; return, per partition, the end as it is now and where it begins."""
    patience_ends = time.monotonic() + _ASSIGNED_S
    while not consumer.assignment():
        if time.monotonic() >= patience_ends:
            raise TransientError(f"no partition of {OBSERVATIONS} was given to this reader")
        consumer.poll(_POLL_S)
    ends = {p: consumer.end(p) for p in consumer.assignment()}
    begins = {p: consumer.beginning(p) for p in ends}
    for partition, offset in begins.items():
        consumer.seek(partition, offset)
    return ends, begins
