"""The alert worker: reads the log in order, decides, and commits decisions and offset together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta

import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from alerts.delivery.aloud import Aloud
from alerts.facts import NO_FACTS
from alerts.incidents.incident import Incident
from alerts.pipeline import levels
from alerts.pipeline.books import Books
from alerts.pipeline.deadletter import dead
from alerts.pipeline.decide import Decider, Decision
from alerts.pipeline.entries import Read, decoded, events_of, place_of
from alerts.pipeline.notes import Notes, noisy_cameras
from alerts.pipeline.order import Dropped, Event, Order
from alerts.pipeline.record import record, record_camera, record_moves
from alerts.pipeline.report import Report
from alerts.pipeline.resume import Partition, resume, take
from alerts.pipeline.speakers import Speakers
from alerts.pipeline.vital import AFTER_S, Vital, leave_silent, written_again
from alerts.pipeline.watch import Watch
from alerts.store import Store, facts, offsets, suppressions, uptime
from alerts.store.incidents import hold, load_holders, recent_alarms, settled
from alerts.store.store import QUIET
from alerts.suppression.noise import ALARMS, WINDOW
from lianfang.bus import Bus, Consumer, Position, Record, TopicPartition
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.errors import TransientError
from lianfang.events import OBSERVATIONS, READINGS, CameraCondition, CameraState, Canary, Observation, Reading

_log = structlog.get_logger()

GROUP = "alerts"
# What people said and is over is of no use to what is in the log.
_SAID_KEPT = timedelta(days=2)
LATE = timedelta(seconds=10)
"""Nobody is called in a hurry for what was seen so long ago: they are if it still is so."""
_POLL_S = 0.5
_RETRY_S = 0.5
_MEANWHILE = 10_000  # records that are read while the store makes us wait


class _PoisonedError(Exception):
    """Deciding on the record at ``position`` failed in a way that nobody foresaw."""

    def __init__(self, position: Position) -> None:
        super().__init__(position)
        self.position = position


Decided = list[tuple[Event, list[Decision]]]


@dataclass(frozen=True)
class _Held:
    """What a worker knows of the partitions that it has now."""

    partitions: dict[TopicPartition, Partition]
    order: Order
    decider: Decider
    vital: Vital


class AlertWorker:
    """One thread over all partitions that the consumer is given."""

    def __init__(
        self,
        config: Config,
        books: Books,
        bus: Bus,
        store: Store,
        clock: Clock,
        registry: CollectorRegistry,
        watch: Watch | None = None,
        aloud: Aloud | None = None,
    ) -> None:
        self._config, self._books = config, books
        self._watch, self._aloud = watch or Watch(config, clock), aloud or Aloud(clock)
        self._bus, self._store, self._clock = bus, store, clock
        self._notes = Notes(config, bus)
        self._report = Report(registry)
        self._facts = NO_FACTS
        self._poisoned: set[Position] = set()
        self.last_poll: float | None = None
        """Monotonic time of the last turn of the loop, for readiness."""
        self.bus_lost = False
        """Whether the bus is out of reach."""
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="alerts-store")

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set. A store that cannot write is waited for; nothing is skipped."""
        while not stop.is_set():
            consumer = self._bus.subscribe(topics(self._config), GROUP, "durable")
            try:
                while not stop.is_set():
                    self._run(consumer, stop)
            except (TransientError, offsets.LostPartition) as error:
                # What is in memory may be ahead of the store: forget it, start from the store again.
                _log.warning("alerts_restart_from_store", reason=str(error))
                stop.wait(_RETRY_S)
            except _PoisonedError as error:
                # One record that breaks a rule must not blind every camera: it goes to the dead letter.
                _log.error("rule_failed", offset=error.position.offset, exc_info=error.__cause__)
                self._poisoned.add(error.position)
            finally:
                consumer.close()

    def _take(self, consumer: Consumer) -> _Held:
        """Take over the partitions that the consumer has now.

        What is in memory is true only for them: another worker may have decided for the rest meanwhile.
        """
        order, decider = Order(), Decider(self._books.everyday, self._report)
        vital = Vital(self._books, self._aloud, self._clock)
        taken = {p: take(self._store, p) for p in consumer.assignment()}
        with self._store.read() as session:  # only now: whoever owned them before us writes nothing more
            holders = load_holders(session)
            decider.hold(holders)
            decider.recall(recent_alarms(session, ALARMS, self._clock.now() - WINDOW))
            decider.coverage.blinded = uptime.blinded(session)
            self._listen(session, decider)
            self._learn(session)
        both, books, clock = (decider, vital.decider), self._books, self._clock
        for partition, (mine, counted) in taken.items():
            resume(consumer, partition, mine, counted, order, both, books, self._facts, clock)
        vital.begin(order, decider, holders)
        return _Held({p: mine for p, (mine, _) in taken.items()}, order, decider, vital)

    def _run(self, consumer: Consumer, stop: threading.Event) -> None:
        """Work on the partitions that the consumer has now; return when it is given others."""
        assigned = consumer.assignment()
        held = self._take(consumer)
        records: Sequence[Record] = ()
        while not stop.is_set() and consumer.assignment() == assigned:
            self.last_poll = self._clock.monotonic()
            for missed in self._watch.turned(assigned):
                self._notes.say(missed)
            records = records or consumer.poll(_POLL_S)
            self.bus_lost = consumer.lost
            if not records:
                continue
            try:
                records = self._batch(records, consumer, held)
            except TransientError as error:
                _log.error("store_cannot_be_written", reason=str(error))
                back = written_again(self._store, assigned, stop)
                while not back.is_set() and consumer.assignment() == assigned:
                    self._go_on(consumer, held.vital, _POLL_S)
                raise

    def _batch(self, records: Sequence[Record], consumer: Consumer, held: _Held) -> Sequence[Record]:
        """Decide on ``records``; return those that have come meanwhile.

        What may save a life is heard of also while the store makes us wait.
        """
        read = [(entry, self._read(entry)) for entry in records]
        meanwhile: list[Record] = []
        if not held.vital.speaks(self._facts):
            self._write(read, held)
        else:
            held.vital.hear(events_of(read), self._facts)
            writing = self._writer.submit(self._write, read, held)
            while not wait([writing], AFTER_S).done:
                if len(meanwhile) < _MEANWHILE:
                    meanwhile += self._go_on(consumer, held.vital, 0)
            decided = writing.result()
            held.vital.written(events_of(read), held.decider, () if meanwhile else decided)
        consumer.commit({place_of(entry): entry.position.offset + 1 for entry in records})
        return meanwhile

    def _go_on(self, consumer: Consumer, vital: Vital, wait_s: float) -> Sequence[Record]:
        """Hear of what may save a life, and of nothing else."""
        self.last_poll = self._clock.monotonic()
        records = consumer.poll(wait_s)
        vital.hear(events_of((entry, decoded(entry)) for entry in records), self._facts)
        return records

    def _write(self, read: Sequence[Read], held: _Held) -> Decided:
        """Decide on what was read, and write it down together with the offset."""
        decided: Decided = []
        moved: dict[str, Incident] = {}
        partitions, decider = held.partitions, held.decider
        ends = {place_of(entry): entry.position.offset + 1 for entry, _ in read}
        self._report.begin()
        with self._store.write() as session:
            # First: a worker that has lost a partition must neither decide nor wait for anybody's rows.
            for where, end in ends.items():
                mine = partitions[where]
                offsets.advance(session, where, mine.generation, mine.stored, end)
            self._listen(session, decider)
            self._learn(session)
            concerned = decider.concerned(event.source for event in events_of(read))
            decider.settled = settled(hold(session, concerned).values())
            for entry, event in read:
                if isinstance(event, str):
                    self._bury(session, entry, event)
                elif not isinstance(event, Canary) and self._admitted(event, held.order):
                    decider.follow(self._books.at(event.captured_at, self._facts), self._facts.dispositions)
                    partitions[place_of(entry)].sources.add(event.source)
                    decided.append((event, self._decide(session, entry, event, decider, moved)))
                    if isinstance(event, Reading) and event.camera_id is None:
                        levels.follow(session, self._config, event, self._clock.now())
            record_moves(session, moved.values())
            for where, end in ends.items():
                partitions[where].keep(session, where, end, decider, self._clock.monotonic())
            self._notes.copy(decider.book, [event for event, _ in decided])
            self._report.write(session, decider, decided, self._clock.now())
            session.info[QUIET] = not any(_matters(event, decisions) for event, decisions in decided)
        for where, end in ends.items():
            partitions[where].stored = end
        self._committed(decided, [(place_of(entry), e) for entry, e in read if isinstance(e, Canary)])
        return decided

    def _committed(self, decided: Decided, canaries: Sequence[tuple[TopicPartition, Canary]]) -> None:
        """Tell those who watch what the store has taken, and the log which cameras are noisy."""
        # Only now: what a canary proves is that the store has taken what came before it.
        for where, canary in canaries:
            self._watch.heard(where, canary)
        for event, _ in decided:
            self._watch.saw(event)
        self._report.committed(decided, self._clock.now())
        for camera in noisy_cameras(decision for _, decisions in decided for decision in decisions):
            noisy = CameraCondition.NOISY
            self._notes.say(CameraState(camera_id=camera, condition=noisy, captured_at=self._clock.now()))

    def _listen(self, session: Session, decider: Decider) -> None:
        """Take in what people said before this: it counts from the next event on."""
        said = suppressions.fresh(session, decider.said, self._clock.now() - _SAID_KEPT)
        if said is not decider.said:
            decider.said = said
            decider.hold(load_holders(session))  # a word may have muted some of them at once

    def _learn(self, session: Session) -> None:
        """Take in by which rules pictures are judged from now on."""
        both = {"switched": self._books.profiles.any, "ordered": self._books.ordered}
        self._facts = facts.fresh(session, self._facts, self._clock.now(), **both)

    def _read(self, entry: Record) -> Event | Canary | str:
        """Return the event of a record, or why there is none."""
        return "a rule failed on it, see the log" if entry.position in self._poisoned else decoded(entry)

    def _bury(self, session: Session, entry: Record, reason: str) -> None:
        """Put a record that cannot be read into the dead letter, whole."""
        _log.error("dead_record", offset=entry.position.offset, key=entry.key, reason=reason)
        session.merge(dead(entry, reason, self._clock.now()))
        self._report.dropped("unreadable")

    def _admitted(self, event: Event, order: Order) -> bool:
        known = self._books.knows(event.source, self._facts)
        dropped = order.admit(event) if known else Dropped.UNKNOWN_SOURCE
        if dropped is not None:
            self._report.dropped(dropped)
        return dropped is None

    def _decide(
        self, session: Session, entry: Record, event: Event, decider: Decider, moved: dict[str, Incident]
    ) -> list[Decision]:
        """Decide and write what follows; incidents in which people only ``moved`` are left to the caller."""
        record_camera(session, event)
        try:
            speakers = Speakers(
                decider.book.config, decider.said, session, self._clock.now, self._aloud.said_by
            )
            late = event.captured_at <= self._clock.now() - LATE
            decisions = decider.decide(event, speakers.refusal, late=late)
            leave_silent(self._aloud, decisions)
            for decision in decisions:
                moved[decision.incident.id] = decision.incident
                if decision.changes:
                    del moved[decision.incident.id]
                    record(session, decider.book, decision, self._clock.now, speakers)
        except SQLAlchemyError:
            raise  # the store's fault, not the record's
        except Exception as error:
            raise _PoisonedError(entry.position) from error
        return decisions


def topics(config: Config) -> list[str]:
    """Return what the rules of ``config`` are about."""
    return [OBSERVATIONS, READINGS] if config.sensors else [OBSERVATIONS]


def _matters(event: Event, decisions: Sequence[Decision]) -> bool:
    """Whether somebody waits for what came of an event: of a camera itself, or a change of an incident."""
    of_camera = isinstance(event, CameraState) or (isinstance(event, Observation) and event.clock is not None)
    return of_camera or any(decision.changes for decision in decisions)
