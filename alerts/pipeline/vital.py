"""What may save a life is decided before the store is asked, and said from memory where that takes too long.

The rules of ``life_safety`` that speak are decided twice: here, in memory, and then with the store as all
rules are. What is said about an incident has the same id in both, so that what was said from here is not
said again, and stands in the store once that is back.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from datetime import datetime

import structlog

from alerts.delivery.aloud import Aloud, Urgent
from alerts.facts import Facts
from alerts.incidents.incident import Incident
from alerts.incidents.model import ChangeKind
from alerts.pipeline.books import Books
from alerts.pipeline.decide import Decider, Decision
from alerts.pipeline.order import Event, Order
from alerts.pipeline.speakers import Speakers, covering
from alerts.pipeline.speeches import nth, speech_for, speech_id
from alerts.rules.base import RuleSettings
from alerts.store import Store, offsets
from alerts.store.store import QUIET
from alerts.suppression.reasons import Reason
from lianfang.bus import TopicPartition
from lianfang.clock import Clock
from lianfang.errors import TransientError

_log = structlog.get_logger()

AFTER_S = 0.3
"""So long the store may take: then it is said from memory."""
_ASKED_EVERY_S = 0.5
_SPOKEN = frozenset({ChangeKind.OPENED, ChangeKind.SPOKEN, ChangeKind.REPEATED})
_BY_THE_STORE = frozenset({Reason.AN_OPERATOR_WANTS_SILENCE, Reason.SPEAKER_HAS_SAID_ENOUGH})
"""Why nothing is said that only the store knows: its last word holds."""


class Vital:
    """The rules that save lives, in memory, beside the ``decider`` of all rules."""

    def __init__(self, books: Books, aloud: Aloud, clock: Clock) -> None:
        self._books, self._aloud, self._clock = books, aloud, clock
        self._order = Order()
        self.decider = Decider(books.everyday.vital)

    def begin(self, order: Order, decider: Decider, holders: Iterable[Incident]) -> None:
        """Go on from where ``order`` and ``decider`` stand; the counters were rebuilt beside theirs."""
        self._order = Order(dict(order.sources))
        self.decider.hold(holders)
        self.decider.coverage.blinded = set(decider.coverage.blinded)
        self._follow(decider)

    def hear(self, events: Iterable[Event], facts: Facts) -> None:
        """Decide on ``events``; what is to be said is said soon, unless the store takes it before."""
        urgent: list[Urgent] = []
        for event in events:
            book = self._books.at(event.captured_at, facts).vital
            if not book.of(event.source) or self._order.admit(event) is not None:
                continue
            self.decider.follow(book, facts.dispositions)
            try:
                decisions = self.decider.decide(event, self._refusal)
                urgent += [said for d in decisions if (said := self._urgent(d, event)) is not None]
            except Exception:  # noqa: BLE001 - the record is dealt with where it is decided with the store
                _log.exception("rule_failed_in_memory", source=event.source)
        self._aloud.expect(urgent, AFTER_S)

    def speaks(self, facts: Facts) -> bool:
        """Say whether there is any such rule now."""
        return bool(self._books.at(self._clock.now(), facts).vital.rules)

    def written(
        self, events: Iterable[Event], decider: Decider, decided: Iterable[tuple[Event, list[Decision]]]
    ) -> None:
        """Take over what ``decider`` made of ``events``: the store has that now."""
        self._aloud.written({event.source: event.captured_at for event in events})
        rules = self.decider.book.rules
        self.decider.hold(
            decision.incident
            for _, decisions in decided
            for decision in decisions
            if decision.rule in rules and decision.incident.ended_at is None
        )
        self._follow(decider)

    def _follow(self, decider: Decider) -> None:
        self.decider.said, self.decider.settled = decider.said, decider.settled

    def _refusal(self, rule: RuleSettings, incident: Incident, at: datetime) -> Reason | None:
        if incident.silent in _BY_THE_STORE:
            return incident.silent
        return self._speakers().refusal(rule, incident, at)

    def _speakers(self) -> Speakers:
        config, said_by = self.decider.book.config, self._aloud.said_by
        return Speakers(config, self.decider.said, now=self._clock.now, said_by=said_by)

    def _urgent(self, decision: Decision, event: Event) -> Urgent | None:
        ready, incident = self.decider.book.rules.get(decision.rule), decision.incident
        if ready is None:
            return None  # of another rule, whose camera is lost
        rule = ready.settings
        says = any(change.kind in _SPOKEN for change in decision.changes) and incident.spoken > 0
        if rule.speech is None or incident.muted is not None or not says:
            return None
        at = event.captured_at
        said = nth(rule.speech, incident.id, incident.spoken, at)
        return Urgent(
            id=said.id,
            incident_id=incident.id,
            source=event.source,
            captured_at=at,
            valid_until=said.valid_until,
            speeches=tuple(
                (speaker, speech_for(self.decider.book.config, rule, incident, speaker, said, at))
                for speaker in self._free(rule, incident, at)
            ),
        )

    def _free(self, rule: RuleSettings, incident: Incident, at: datetime) -> Iterator[str]:
        speakers, config = self._speakers(), self.decider.book.config
        almanac = config.almanac(incident.camera)
        yield from speakers.allowed(rule, covering(config, rule, incident), at, almanac)[0]


def leave_silent(aloud: Aloud, decisions: Iterable[Decision]) -> None:
    """Let nothing be said of what ``decisions`` hold back for what only the store knows.

    Memory would not hear of it before the commit, which may take longer than it waits.
    """
    for incident in (decision.incident for decision in decisions):
        if incident.silent in _BY_THE_STORE:
            aloud.leave(speech_id(incident.id, incident.spoken + 1))


def written_again(
    store: Store, partitions: Collection[TopicPartition], stop: threading.Event
) -> threading.Event:
    """Return what is set once the store can be written again, or ``stop`` is; a thread of its own asks."""
    back = threading.Event()

    def ask() -> None:
        try:
            while not stop.wait(_ASKED_EVERY_S):
                with suppress(TransientError), store.write() as session:
                    offsets.touch(session, partitions)
                    session.info[QUIET] = True
                    break
        finally:
            back.set()

    threading.Thread(target=ask, name="store-back", daemon=True).start()
    return back
