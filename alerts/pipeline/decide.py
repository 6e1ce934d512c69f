"""The rules and the open incidents in memory: an event goes in, decisions come out. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter

from alerts.incidents.broadcasts import persist
from alerts.incidents.incident import (
    Change,
    Incident,
    advance,
    camera_lost,
    end,
    has_lapsed,
    open_incident,
)
from alerts.pipeline.coverage import Coverage
from alerts.pipeline.rulebook import ReadyRule, RuleBook, State
from alerts.rules.base import EVER, Member, RuleSettings, Sighting
from lianfang.config import Config
from lianfang.events import CameraCondition, CameraState, Observation


@dataclass(frozen=True)
class Decision:
    """An incident that an event changed: its new state, and what happened (perhaps only who stands where)."""

    rule: str
    incident: Incident
    changes: tuple[Change, ...]
    event: Observation | CameraState


class Decider:
    """The rules of a book, what they know of each camera, and the incidents by (rule, place) and subject."""

    def __init__(self, book: RuleBook) -> None:
        self.book = book
        self._states: dict[str, tuple[RuleBook, dict[str, State]]] = {}
        self._holders: dict[tuple[str, str], dict[str, Incident]] = {}
        self._coverage = Coverage(book.config.cameras)

    def follow(self, book: RuleBook) -> None:
        """Decide by another book from the next event on; it costs nothing to go back and forth.

        Open incidents go on, as do the states of rules that count as before.
        """
        self.book, self._coverage.cameras = book, book.config.cameras

    def hold(self, incidents: Iterable[Incident]) -> None:
        """Take over incidents that have not ended, as the store knows them."""
        for incident in incidents:
            self._holders.setdefault((incident.rule, incident.place), {})[incident.subject] = incident

    def remember(self, event: Observation | CameraState) -> None:
        """Let the rules count an event that was decided before; nothing follows from it."""
        if self._is_so(event):
            for _ in self._sightings(event):
                pass

    def decide(self, event: Observation | CameraState) -> list[Decision]:
        """Return what follows from ``event``, and take it as done."""
        if not self._is_so(event):
            return []
        decisions = list(self._lost(event)) if isinstance(event, CameraState) else []
        for rule_id, place, sighting in self._sightings(event):
            for incident, changes in self._advance(rule_id, place, sighting):
                decisions.append(Decision(rule_id, incident, changes, event))
        return decisions

    def _sightings(self, event: Observation | CameraState) -> Iterator[tuple[str, str, Sighting]]:
        """Yield (rule, place, who is to be seen there) for every place that the camera sees for a rule."""
        since = EVER
        if isinstance(event, Observation):
            since = self._coverage.since(event.camera_id, event.captured_at)
        states = self._states_of(event.camera_id)
        for rule_id, ready in self.book.of(event.camera_id):
            sighting = _step(ready, rule_id, states, event)
            if sighting is None:
                continue
            if not _applies(ready.settings, event.captured_at, self.book.config):
                sighting = replace(sighting, members=(), present=(*sighting.members, *sighting.present))
            for place, part in _by_place(self.book.config, ready, replace(sighting, since=since)):
                yield rule_id, place, part

    def _states_of(self, camera_id: str) -> dict[str, State]:
        """Return what the rules know of a camera, by rule."""
        before, states = self._states.get(camera_id) or (self.book, {})
        if before is not self.book:
            states = self.book.carried(camera_id, states, before)
        self._states[camera_id] = self.book, states
        return states

    def _is_so(self, event: Observation | CameraState) -> bool:
        """Say whether the log bears it out: who calls a camera blind may be one who does not read it."""
        blind = isinstance(event, CameraState) and event.condition is CameraCondition.BLIND
        return not blind or self._coverage.is_blind(event.camera_id, event.captured_at)

    def _advance(
        self, rule_id: str, place: str, sighting: Sighting
    ) -> Iterator[tuple[Incident, tuple[Change, ...]]]:
        """Yield what becomes of each incident at the place, and of each subject that is seen there."""
        holders = self._holders.setdefault((rule_id, place), {})
        for subject in sorted({m.subject for m in (*sighting.members, *sighting.present)} | holders.keys()):
            part = _part(sighting, attrgetter("subject"), {subject})
            yield from self._advance_one(rule_id, place, subject, part)

    def _advance_one(
        self, rule_id: str, place: str, subject: str, sighting: Sighting
    ) -> Iterator[tuple[Incident, tuple[Change, ...]]]:
        settings, holders = self.book.rules[rule_id].settings, self._holders[rule_id, place]
        holder = holders.get(subject)
        if holder is not None and has_lapsed(holder, sighting.captured_at, settings):
            yield end(holder, sighting.captured_at, sighting.camera)
            del holders[subject]
            holder = None
        if holder is not None:
            after, changes = advance(holder, sighting, settings)
        elif sighting.members:
            point = self.book.config.cameras[sighting.camera].point
            after, changes = open_incident(rule_id, place, point, sighting)
        else:
            return
        after, more = persist(after, sighting.captured_at, sighting.camera, settings)
        holders[subject] = after
        if changes or more or after != holder:
            yield after, (*changes, *more)

    def _lost(self, event: CameraState) -> Iterator[Decision]:
        """Yield the incidents of which a camera now shows nothing; not those about cameras."""
        if event.condition is CameraCondition.ONLINE:
            return
        for (rule_id, _), holders in self._holders.items():
            ready = self.book.rules.get(rule_id)
            if ready is not None and ready.device is not None:
                continue
            for subject, holder in holders.items():
                after, changes = camera_lost(holder, event.camera_id, event.captured_at)
                if changes and ready is not None:
                    after, more = persist(after, event.captured_at, event.camera_id, ready.settings)
                    changes = (*changes, *more)
                if changes:
                    holders[subject] = after
                    yield Decision(rule_id, after, changes, event)


def _step(
    ready: ReadyRule, rule_id: str, states: dict[str, State], event: Observation | CameraState
) -> Sighting | None:
    """Let a rule see ``event``; None where it is none of its business."""
    rule = ready.rule
    epoch, before = states.get(rule_id) or ("", rule.initial())
    if isinstance(event, Observation):
        if epoch not in ("", event.track_epoch):
            before = rule.renumbered(before)
        epoch = event.track_epoch
        after, sighting = rule.step(before, event)
    elif ready.device is not None:
        after, sighting = ready.device.step_state(before, event)
    else:
        return None
    states[rule_id] = (epoch, after)
    return sighting


def _applies(settings: RuleSettings, at: datetime, config: Config) -> bool:
    return settings.active is None or settings.active.applies(at, config.community.zone)


def _by_place(config: Config, ready: ReadyRule, sighting: Sighting) -> Iterator[tuple[str, Sighting]]:
    """Split a sighting by the places of the rule's zones: at each, somebody or nobody was seen."""
    if ready.device is not None:
        yield config.cameras[sighting.camera].point, sighting
        return
    if sighting.camera not in ready.places:
        ready.places[sighting.camera] = tuple(_places(config, ready.settings, sighting.camera))
    for place, zones in ready.places[sighting.camera]:
        yield place, _part(sighting, attrgetter("zone"), zones)


def _places(config: Config, settings: RuleSettings, camera_id: str) -> Iterator[tuple[str, frozenset[str]]]:
    zones = config.cameras[camera_id].zones
    wanted = [zone for zone in settings.zones or tuple(zones) if zone in zones]
    for place in dict.fromkeys(config.place_of(camera_id, zone) for zone in wanted):
        yield place, frozenset(zone for zone in zones if config.place_of(camera_id, zone) == place)


def _part(sighting: Sighting, what: Callable[[Member], str], wanted: Container[str]) -> Sighting:
    """Return those of a sighting of whom ``what`` is in ``wanted``; all the others are elsewhere."""
    seen = (*sighting.members, *sighting.present)
    if all(what(member) in wanted for member in seen):
        return sighting
    members = tuple(m for m in sighting.members if what(m) in wanted)
    present = tuple(m for m in sighting.present if what(m) in wanted)
    others = frozenset(m.track_id for m in seen if m.track_id and what(m) not in wanted)
    return replace(sighting, members=members, present=present, elsewhere=sighting.elsewhere | others)
