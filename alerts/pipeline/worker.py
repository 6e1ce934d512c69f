"""The alert worker: reads the log in order, decides, and commits decisions and offset together."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import timedelta

import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from alerts.facts import NO_FACTS
from alerts.incidents.incident import Incident
from alerts.pipeline import levels
from alerts.pipeline.books import Books
from alerts.pipeline.deadletter import dead
from alerts.pipeline.decide import Decider, Decision
from alerts.pipeline.order import Dropped, Event, Order, is_said_of
from alerts.pipeline.record import record, record_camera, record_moves
from alerts.pipeline.report import Report
from alerts.pipeline.resume import Partition, resume, take
from alerts.pipeline.speakers import Speakers
from alerts.pipeline.watch import Watch
from alerts.store import Store, facts, offsets, suppressions
from alerts.store.incidents import hold, load_holders, recent_alarms, settled
from alerts.store.store import QUIET
from alerts.suppression.noise import ALARMS, WINDOW
from alerts.suppression.reasons import Reason
from lianfang import codec
from lianfang.bus import Bus, Consumer, Position, Record, TopicPartition
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.config.sharing import log_keys
from lianfang.errors import DecodeError, TransientError
from lianfang.events import OBSERVATIONS, READINGS, CameraCondition, CameraState, Canary, Reading

_log = structlog.get_logger()

GROUP = "alerts"
# What people said and is over is of no use to what is in the log.
_SAID_KEPT = timedelta(days=2)
LATE = timedelta(seconds=10)
"""Nobody is called in a hurry for what was seen so long ago: they are if it still is so."""
_POLL_S = 0.5
_RETRY_S = 0.5
_COPY_S = 5.0


class _PoisonedError(Exception):
    """Deciding on the record at ``position`` failed in a way that nobody foresaw."""

    def __init__(self, position: Position) -> None:
        super().__init__(position)
        self.position = position


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
    ) -> None:
        self._config, self._books = config, books
        self._watch = watch or Watch(config, clock)
        self._bus, self._store, self._clock = bus, store, clock
        self._keys = log_keys(config)
        self._report = Report(registry)
        self._facts = NO_FACTS
        self._poisoned: set[Position] = set()
        self.last_poll: float | None = None
        """Monotonic time of the last turn of the loop, for readiness."""
        self.bus_lost = False
        """Whether the bus is out of reach."""

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set. A store that cannot write is waited for; nothing is skipped."""
        while not stop.is_set():
            consumer = self._bus.subscribe(topics(self._config), GROUP, "durable")
            try:
                while not stop.is_set():
                    self._run(consumer, stop)
            except (TransientError, offsets.LostPartition) as error:
                # What is in memory may be ahead of the store: forget it, and start from the store again.
                _log.warning("alerts_restart_from_store", reason=str(error))
                stop.wait(_RETRY_S)
            except _PoisonedError as error:
                # One record that breaks a rule must not blind every camera: it goes to the dead letter.
                _log.error("rule_failed", offset=error.position.offset, exc_info=error.__cause__)
                self._poisoned.add(error.position)
            finally:
                consumer.close()

    def _run(self, consumer: Consumer, stop: threading.Event) -> None:
        """Work on the partitions that the consumer has now; return when it is given others.

        What is in memory is true only for them: another worker may have decided for the rest meanwhile.
        """
        order, decider = Order(), Decider(self._books.everyday, self._report)
        assigned = consumer.assignment()
        taken = {p: take(self._store, p) for p in assigned}
        with self._store.read() as session:  # only now: whoever owned them before us writes nothing more
            decider.hold(load_holders(session))
            decider.recall(recent_alarms(session, ALARMS, self._clock.now() - WINDOW))
            self._listen(session, decider)
            self._learn(session)
        for partition, (mine, counted) in taken.items():
            resume(consumer, partition, mine, counted, order, decider, self._books, self._facts, self._clock)
        partitions = {p: mine for p, (mine, _) in taken.items()}
        while not stop.is_set() and consumer.assignment() == assigned:
            self.last_poll = self._clock.monotonic()
            for missed in self._watch.turned(partitions.keys()):
                self._say(missed)
            records = consumer.poll(_POLL_S)
            self.bus_lost = consumer.lost
            if records:
                self._batch(records, consumer, partitions, order, decider)

    def _batch(
        self,
        records: Sequence[Record],
        consumer: Consumer,
        partitions: dict[TopicPartition, Partition],
        order: Order,
        decider: Decider,
    ) -> None:
        decided: list[tuple[Event, list[Decision]]] = []
        moved: dict[str, Incident] = {}
        canaries: list[tuple[TopicPartition, Canary]] = []
        ends = {_place(entry): entry.position.offset + 1 for entry in records}
        self._report.holds.clear()
        with self._store.write() as session:
            # First: a worker that has lost a partition must neither decide nor wait for anybody's rows.
            for where, end in ends.items():
                mine = partitions[where]
                offsets.advance(session, where, mine.generation, mine.stored, end)
            self._listen(session, decider)
            self._learn(session)
            events = [(entry, self._read(session, entry)) for entry in records]
            concerned = decider.concerned(e.source for _, e in events if e and not isinstance(e, Canary))
            decider.settled = settled(hold(session, concerned).values())
            for entry, event in events:
                if isinstance(event, Canary):
                    canaries.append((_place(entry), event))
                elif event is not None and self._admitted(event, order):
                    decider.follow(self._books.at(event.captured_at, self._facts))
                    partitions[_place(entry)].sources.add(event.source)
                    decided.append((event, self._decide(session, entry, event, decider, moved)))
                    if isinstance(event, Reading) and event.camera_id is None:
                        levels.follow(session, self._config, event, self._clock.now())
            record_moves(session, moved.values())
            for where, end in ends.items():
                partitions[where].keep(session, where, end, decider, self._clock.monotonic())
            self._copy(decider, [event for event, _ in decided])
            self._report.write_holds(session)
            session.info[QUIET] = not any(_matters(event, decisions) for event, decisions in decided)
        for where, end in ends.items():
            partitions[where].stored = end
        consumer.commit(ends)
        self._committed(decided, canaries)

    def _committed(
        self, decided: list[tuple[Event, list[Decision]]], canaries: Sequence[tuple[TopicPartition, Canary]]
    ) -> None:
        """Tell those who watch what the store has taken, and the log which cameras are noisy."""
        # Only now: what a canary proves is that the store has taken what came before it.
        for where, canary in canaries:
            self._watch.heard(where, canary)
        for event, _ in decided:
            self._watch.saw(event)
        self._report.committed(decided, self._clock.now())
        for camera in _noisy_cameras(decision for _, decisions in decided for decision in decisions):
            noisy = CameraCondition.NOISY
            self._say(CameraState(camera_id=camera, condition=noisy, captured_at=self._clock.now()))

    def _listen(self, session: Session, decider: Decider) -> None:
        """Take in what people said before this: it counts from the next event on."""
        said = suppressions.fresh(session, decider.said, self._clock.now() - _SAID_KEPT)
        if said is not decider.said:
            decider.said = said
            decider.hold(load_holders(session))  # a word may have muted some of them at once

    def _learn(self, session: Session) -> None:
        """Take in by which rules pictures are judged from now on."""
        switched = self._books.profiles.any
        self._facts = facts.fresh(session, self._facts, self._clock.now(), switched=switched)

    def _copy(self, decider: Decider, events: Sequence[Event]) -> None:
        """Put readings into the streams of the cameras that ask for them; TransientError where that fails.

        It is done before the offset moves: a second copy is dropped, a lost one would be missed.
        """
        readings = [e for e in events if isinstance(e, Reading) and e.value is not None and not e.camera_id]
        copies = [
            self._bus.publish(
                OBSERVATIONS,
                self._keys[camera],
                *codec.encode_event(reading.model_copy(update={"camera_id": camera})),
            )
            for reading in readings
            for camera in decider.book.asking(reading.sensor_id)
        ]
        for copy in copies:
            try:
                copy.result(_COPY_S)
            except TimeoutError as error:
                raise TransientError("the bus does not take the copy of a reading") from error

    def _say(self, missed: Event) -> None:
        """Write it into the log, where rules hear of it in order; a bus that is away is asked again later."""
        topic = READINGS if isinstance(missed, Reading) else OBSERVATIONS
        try:
            self._bus.publish(topic, self._keys[missed.source], *codec.encode_event(missed))
        except TransientError as error:
            _log.warning("silence_not_said", source=missed.source, reason=str(error))

    def _read(self, session: Session, entry: Record) -> Event | Canary | None:
        """Return the event of a record; one that cannot be read goes to the dead letter, whole."""
        reason = "a rule failed on it, see the log"
        if entry.position not in self._poisoned:
            try:
                return codec.decode_event(entry.value, entry.headers)
            except DecodeError as error:
                reason = str(error)
        _log.error("dead_record", offset=entry.position.offset, key=entry.key, reason=reason)
        session.merge(dead(entry, reason, self._clock.now()))
        self._report.dropped("unreadable")
        return None

    def _admitted(self, event: Event, order: Order) -> bool:
        known = self._config.has(event.source)
        dropped = order.admit(event) if known else Dropped.UNKNOWN_SOURCE
        if dropped is not None:
            self._report.dropped(dropped)
        return dropped is None

    def _decide(
        self, session: Session, entry: Record, event: Event, decider: Decider, moved: dict[str, Incident]
    ) -> list[Decision]:
        """Decide and write what follows; incidents in which people only ``moved`` are left to the caller."""
        if isinstance(event, CameraState) and not is_said_of(event):
            record_camera(session, event)  # the camera's own word; being looked at is another matter
        try:
            speakers = Speakers(decider.book.config, decider.said, session, self._clock.now)
            late = self._clock.now() - event.captured_at >= LATE
            decisions = decider.decide(event, speakers.refusal, late=late)
            for decision in decisions:
                incident = decision.incident
                if decision.changes:
                    moved.pop(incident.id, None)
                    record(session, decider.book, decision, self._clock.now, decider.said)
                else:
                    moved[incident.id] = incident
        except SQLAlchemyError:
            raise  # the store's fault, not the record's
        except Exception as error:
            raise _PoisonedError(entry.position) from error
        return decisions


def _noisy_cameras(decisions: Iterable[Decision]) -> list[str]:
    """Return the cameras that have just raised an alarm which nobody hears, because there are too many."""
    return sorted(
        {
            change.camera
            for decision in decisions
            if decision.incident.muted is Reason.NOISY
            for change in decision.changes
            if change.kind in ALARMS
        }
    )


def topics(config: Config) -> list[str]:
    """Return what the rules of ``config`` are about."""
    return [OBSERVATIONS, READINGS] if config.sensors else [OBSERVATIONS]


def _place(entry: Record) -> TopicPartition:
    return TopicPartition(entry.position.topic, entry.position.partition)


def _matters(event: Event, decisions: Sequence[Decision]) -> bool:
    """Whether somebody waits for what came of an event: a camera's state, or a change of an incident."""
    return isinstance(event, CameraState) or any(decision.changes for decision in decisions)
