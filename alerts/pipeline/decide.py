"""The rules and the open incidents in memory: an event goes in, decisions come out. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

from alerts.dispositions import NO_DISPOSITIONS, Dispositions
from alerts.incidents.broadcasts import Refusal, never, persist
from alerts.incidents.incident import (
    Change,
    Incident,
    Step,
    advance,
    has_lapsed,
    is_new,
    open_incident,
    source_lost,
)
from alerts.pipeline.coverage import Coverage
from alerts.pipeline.lasting import dumped, loaded
from alerts.pipeline.order import Event, is_lost, is_missed
from alerts.pipeline.parts import part
from alerts.pipeline.rulebook import ReadyRule, RuleBook, State
from alerts.pipeline.uplinks import Uplinks
from alerts.rules.base import Sighting
from alerts.suppression.case import Case
from alerts.suppression.chain import SILENT, Chain, Passed, Trace
from alerts.suppression.mutes import ended, inhibits, listened, unheld
from alerts.suppression.noise import Noise
from alerts.suppression.reasons import Reason
from alerts.suppression.said import NOTHING_SAID, Said
from alerts.together import Waiting
from lianfang.config.sharing import places_of
from lianfang.events import Observation, Reading


@dataclass(frozen=True)
class Decision:
    """An incident that an event changed: its new state, and what happened (perhaps only who stands where)."""

    rule: str
    incident: Incident
    changes: tuple[Change, ...]
    event: Event


class Decider:
    """The rules of a book, what they know of each camera, and the incidents by (rule, place) and subject."""

    def __init__(self, book: RuleBook, trace: Trace = SILENT) -> None:
        self.book, self._dispositions = book, NO_DISPOSITIONS
        self._states: dict[str, tuple[RuleBook, dict[str, State]]] = {}
        self._restored: dict[str, Any] = {}
        self._looked: dict[str, RuleBook] = {}  # by which book something of a source was decided last
        self._holders: dict[tuple[str, str], dict[str, Incident]] = {}
        self._waiting: dict[tuple[str, str], Waiting] = {}
        self.coverage = Coverage(book.config.cameras, book.config.sensors)
        self._uplinks = Uplinks(book.config.cameras, book.config.uplinks)
        self._noise = Noise()
        self._chain = Chain(trace)
        self._refusal: Refusal = never
        self.said: Said = NOTHING_SAID
        """What people said; it counts from the next event on."""
        self.settled: frozenset[str] = frozenset()
        """Incidents that people have done with: nobody who comes joins one, and nothing is said any more."""

    def follow(self, book: RuleBook, dispositions: Dispositions = NO_DISPOSITIONS) -> None:
        """Decide by another book, and by what the police look for, from the next event on.

        It costs nothing to go back and forth: open incidents and states of rules that count as before go on.
        """
        self.book, self._dispositions = book, dispositions
        self.coverage.cameras, self.coverage.sensors = book.config.cameras, book.config.sensors
        self._uplinks.cameras, self._uplinks.uplinks = book.config.cameras, book.config.uplinks

    def hold(self, incidents: Iterable[Incident]) -> None:
        """Take over incidents that have not ended, as the store knows them."""
        for incident in incidents:
            self._holders.setdefault((incident.rule, incident.place), {})[incident.subject] = incident

    def recall(self, alarms: Iterable[tuple[str, str, datetime]]) -> None:
        """Take over what the store knows of alarms: (rule, camera, when), oldest first."""
        for rule, camera, at in alarms:
            self._noise.note(rule, camera, at)

    def concerned(self, sources: Iterable[str]) -> set[str]:
        """Return the ids of the open incidents that events of ``sources`` may be about."""
        config = self.book.config
        places = {p for source in set(sources) if config.has(source) for p in places_of(config, source)}
        # Points are among the places: what is open elsewhere at one may hold back what is raised here.
        known = (incident for held in self._holders.values() for incident in held.values())
        return {incident.id for incident in known if incident.place in places or incident.point in places}

    def remember(self, event: Event, *, lasting: bool = True) -> None:
        """Let the rules count an event that was decided before; nothing follows from it.

        Without ``lasting`` it is left out by rules whose states were restored, and count it already.
        """
        if self._is_so(event):
            for _ in self._sightings(event, lasting=lasting):
                pass

    def progress(self, rule_id: str, source: str, track_id: str) -> str:
        """Return how far somebody whom a source sees is from counting, "" where the rule cannot say."""
        ready = self.book.rules[rule_id]
        return ready.progress(self._states_of(ready.home(source)).get(rule_id), track_id)

    def lasting(self, sources: Iterable[str]) -> dict[str, Any]:
        """Return, by source, the states that matter for longer than the log is read back, as plain data."""
        homes = {home for source in sources for home in self.book.homes(source)}
        known = {source: self._states[source] for source in homes if source in self._states}
        found = {source: dumped(book, source, states) for source, (book, states) in known.items()}
        return {source: data for source, data in (found | self._restored).items() if data}

    def restore(self, lasting: Mapping[str, Any]) -> None:
        """Take over what ``lasting`` gave: for each source with its next event, by the book of that."""
        self._restored |= lasting

    def decide(self, event: Event, refusal: Refusal = never, *, late: bool = False) -> list[Decision]:
        """Return what follows from ``event``, and take it as done; ``refusal`` is asked before speaking.

        With ``late`` it is known too late for anybody to be called in a hurry.
        """
        if not self._is_so(event):
            return []
        self._refusal = refusal
        decisions = [*self._given_up(event), *self._lost(event)]
        for of, case, passed in self._sightings(event):
            for incident, changes in self._advance(replace(case, late=True) if late else case, passed):
                decisions.append(Decision(case.rule, incident, changes, of))
        return decisions

    def _sightings(self, event: Event, *, lasting: bool = True) -> Iterator[tuple[Event, Case, Passed]]:
        """Yield for every place that the source sees for a rule what the gates leave of who is there.

        The event beside it is the one in which they are, which may have waited for a reading.
        """
        source, since = event.source, self.coverage.take(event)
        blinded = source in self.coverage.blinded
        states = self._states_of(source)
        held = {rule_id for rule_id, _ in self._holders.keys() & self.book.keys(source)}
        awaited = held | self.said.dismissed(source)  # who is not there now may come to the spot
        for rule_id, ready in self.book.asked(event, states, awaited):
            if not lasting and ready.lasting is not None and isinstance(event, Observation):
                continue
            always = rule_id in awaited or ready.together is not None
            known = states if ready.jointly is None else self._states_of(ready.jointly)
            sighting = ready.step(rule_id, known, event, self._dispositions, always=always)
            if not always and (sighting is None or sighting.is_empty) and ready.device is None:
                continue  # most rules in most pictures: nobody is there, and nobody has been
            if sighting is not None:
                sighting = replace(sighting, since=since, blinded=blinded and ready.device is None)
            for of, seen in self._awaited(rule_id, ready, event, sighting):
                those = self._uplinks.sorted(seen) if ready.device is not None else seen
                for place, zones in ready.places[source]:
                    case = self._case(rule_id, ready, place, those)
                    there = part(those, attrgetter("zone"), zones)
                    yield of, case, self._chain.put_through(case, there)

    def _awaited(
        self, rule_id: str, ready: ReadyRule, event: Event, sighting: Sighting | None
    ) -> Sequence[tuple[Event, Sighting]]:
        """Return what a rule that waits for readings has waited for long enough; of others, what it sees."""
        if ready.together is None:
            return [(event, sighting)] if sighting is not None else []
        waiting = self._waiting.get((rule_id, event.source), Waiting())
        if isinstance(event, Reading) and event.sensor_id == ready.together.settings.sensor:
            waiting = ready.together.heard(waiting, event)
        elif isinstance(event, Observation) and sighting is not None:
            waiting = ready.together.seen(waiting, (event, sighting))
        waiting, done = ready.together.decided(waiting)
        self._waiting[rule_id, event.source] = waiting
        return done

    def _case(self, rule_id: str, ready: ReadyRule, place: str, sighting: Sighting) -> Case:
        return Case(
            rule=rule_id,
            settings=ready.settings,
            place=place,
            point=self.book.config.point_of(sighting.camera),
            camera=sighting.camera,
            at=sighting.captured_at,
            almanac=self.book.almanacs[sighting.camera],
            active=ready.applies(sighting.camera, sighting.captured_at),
            said=self.said,
            back_at=self.coverage.back_at(sighting.camera),
            inhibitor=self._inhibitor(rule_id, place, sighting),
        )

    def _inhibitor(self, rule_id: str, place: str, sighting: Sighting) -> str:
        """Return the id of an open incident that holds back what the rule raises at a place, "" for none."""
        point = self.book.config.point_of(sighting.camera)
        for key in self.book.inhibitors.get((rule_id, sighting.camera), ()):
            settings = self.book.rules[key[0]].settings
            for other in self._holders.get(key, {}).values():
                here = place == other.place or point == other.point
                if here and other.id not in self.settled and inhibits(other, sighting.captured_at, settings):
                    return other.id
        return ""

    def _states_of(self, source: str) -> dict[str, State]:
        """Return what the rules know of a camera or a sensor, by rule."""
        before, states = self._states.get(source) or (self.book, {})
        if before is not self.book:
            states = self.book.carried(source, states, before)
        if source in self._restored:
            states |= loaded(self.book, source, self._restored.pop(source))
        self._states[source] = self.book, states
        return states

    def _is_so(self, event: Event) -> bool:
        """Say whether the log bears it out: who calls a source silent may be one who does not hear it."""
        return not is_missed(event) or self.coverage.is_missed(event.source, event.captured_at)

    def _advance(self, case: Case, passed: Passed) -> Iterator[Step]:
        """Yield what becomes of each incident at the place, and of each subject that is seen there."""
        key, sighting = (case.rule, case.place), passed.sighting
        if sighting.is_empty and key not in self._holders:
            return
        holders = self._holders.setdefault(key, {})
        for subject in sorted({m.subject for m in (*sighting.members, *sighting.present)} | holders.keys()):
            mine = part(sighting, attrgetter("subject"), {subject})
            those = passed if mine is sighting else replace(passed, sighting=mine)
            yield from self._advance_one(case, subject, those)
        if not holders:
            del self._holders[key]

    def _advance_one(self, case: Case, subject: str, passed: Passed) -> Iterator[Step]:
        settings, holders, sighting = case.settings, self._holders[case.rule, case.place], passed.sighting
        holder = holders.get(subject)
        done = holder is not None and holder.id in self.settled
        if holder is not None and (
            has_lapsed(holder, sighting.captured_at, settings) or (done and is_new(holder, sighting))
        ):
            yield ended(holder, case.at, case.camera)
            del holders[subject]
            holder, done = None, False
        if holder is not None:
            after, changes = advance(holder, sighting, settings)
        elif sighting.members:
            after, changes = open_incident(case.rule, case.place, case.point, sighting)
            after = replace(after, silent=Reason.TASK) if passed.task else after
        else:
            return
        alarms = self._noise.heard(case.rule, case.camera, case.at, changes)
        if not (done and after.muted is Reason.WALK_TEST):  # of a test that is over nobody hears any more
            after, heard = listened(replace(case, alarms=alarms) if alarms else case, after, passed)
            changes = (*changes, *heard)
        if not done:
            after, said = persist(after, case.at, case.camera, settings, self._refusal)
            changes = (*changes, *said)
        holders[subject] = after
        if changes or after != holder:
            yield after, changes

    def _given_up(self, event: Event) -> Iterator[Decision]:
        """Yield the incidents that end because the source does not look there any more for their rules.

        They are those of rules, zones and cameras that a person has switched off or taken away. If somebody
        is there and another camera sees them, that is another incident.
        """
        if self._looked.get(event.source) is self.book:
            return
        self._looked[event.source] = self.book
        for (rule_id, place), holders in self._holders.items():
            if self.book.watches(event.source, rule_id, place):
                continue
            for subject, holder in list(holders.items()):
                if event.source in holder.seen_by:
                    del holders[subject]
                    yield Decision(rule_id, *ended(holder, event.captured_at, event.source), event)

    def _lost(self, event: Event) -> Iterator[Decision]:
        """Yield the incidents of which a camera or sensor now shows nothing; not those about devices."""
        if not is_lost(event):
            return
        for (rule_id, _), holders in self._holders.items():
            ready = self.book.rules.get(rule_id)
            if ready is not None and ready.device is not None:
                continue
            for subject, holder in holders.items():
                after, changes = source_lost(holder, event.source, event.captured_at)
                if changes:
                    after, heard = unheld(after, event.captured_at, event.source)
                    changes = (*changes, *heard)
                if changes and ready is not None and holder.id not in self.settled:
                    after, more = persist(
                        after, event.captured_at, event.source, ready.settings, self._refusal
                    )
                    changes = (*changes, *more)
                if changes:
                    holders[subject] = after
                    yield Decision(rule_id, after, changes, event)
