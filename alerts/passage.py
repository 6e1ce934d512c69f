"""Vehicles that came in at an entrance, and have not gone out at an exit for longer than they may stay. Pure.

Only what was read can be missed. A vehicle that leaves is perhaps not read, or as a plate that is taken for
another: then nobody knows that one is still there, and a person must look before anybody says so.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import TypeAdapter

from alerts.objects import sighting
from alerts.plates import PlateList, sure_plate
from alerts.rules.base import EVER, Member, Sighting
from alerts.zones import Zones, ZoneSettings
from lianfang.events import DetectedObject, Observation
from lianfang.plates import nearest, normalised

_PASSED = timedelta(seconds=10)  # a track at the exit that is not seen for so long has gone out
_LEFT_KEPT = timedelta(minutes=1)  # longer than pictures of two cameras come out of order
_GIVEN_UP = timedelta(days=7)  # whoever is overdue for so long has left without being seen


@dataclass(frozen=True, slots=True)
class Visit:
    """A vehicle inside: as it was last seen at its entrance ``camera``, and since when it has been inside.

    It is ``doubtful`` once somebody left who may have been this one.
    """

    camera: str
    member: Member
    since: datetime
    last_at: datetime
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Leaving:
    """A track at an exit: whether its plate was read surely, else what it was taken for."""

    last_at: datetime
    known: bool
    texts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Inside:
    """Who is inside by plate, who is at an exit by track, and which plates left a moment ago."""

    visits: Mapping[str, Visit] = field(default_factory=dict)
    leaving: Mapping[str, Leaving] = field(default_factory=dict)
    left: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class Passage:
    """Whoever is inside for ``stay_s``, but for those on the list ``plates``; one state of all its cameras.

    A vehicle that is seen at the entrance, after ``away_s`` in which it was not, has come in anew.
    """

    settings: ZoneSettings
    exits: Container[str]
    stay_s: float
    away_s: float
    zones: Zones
    plates: PlateList

    lasting: ClassVar[TypeAdapter[Inside]] = TypeAdapter(Inside)

    def initial(self) -> Inside:
        """Return the state in which nobody is inside."""
        return Inside()

    def renumbered(self, state: Inside) -> Inside:
        """Return the same state: plates are nobody's numbers, and each camera has a tracker of its own."""
        return state

    def concerns(self, state: Inside, observation: Observation) -> bool:
        """Say whether anybody is inside, or at an entrance or an exit."""
        return bool(state.visits or state.leaving) or self.zones.occupied(observation)

    def step(self, state: Inside, observation: Observation) -> tuple[Inside, Sighting]:
        """Let them in and out; whoever has been inside for too long is seen where they came in."""
        at, camera = observation.captured_at, observation.camera_id
        vehicles = [
            (detected, zone)
            for detected, zone in self.zones.inside(observation)
            if zone is not None and self.settings.counted(detected) is not None
        ]
        state = _passed(state, at)
        if camera in self.exits:
            state = self._out(state, [detected for detected, _ in vehicles], at)
        else:
            state = self._in(state, vehicles, observation)
        latest = at - timedelta(seconds=self.stay_s)
        if any(visit.since <= latest - _GIVEN_UP for visit in state.visits.values()):
            recent = {p: v for p, v in state.visits.items() if v.since > latest - _GIVEN_UP}
            state = replace(state, visits=recent)
        members = tuple(
            replace(visit.member, track_id=f"plate:{plate}", subject=plate, review=visit.doubtful)
            for plate, visit in state.visits.items()
            if visit.camera == camera and visit.since <= latest
        )
        return state, replace(sighting(observation, (), lambda _: False), members=members)

    def _in(
        self, state: Inside, vehicles: Sequence[tuple[DetectedObject, str]], observation: Observation
    ) -> Inside:
        """Let in whoever is read surely; a track that was read as another plate before is that vehicle."""
        at, visits = observation.captured_at, dict(state.visits)
        members = sighting(observation, vehicles, lambda _: True).members
        for member, (detected, _) in zip(members, vehicles, strict=True):
            plate = sure_plate(detected)
            hit = self.plates.hit(plate, at) if plate else None
            if not plate or (hit is not None and hit.exact) or at <= state.left.get(plate, EVER):
                continue
            misread = [n for n, v in visits.items() if n != plate and v.member.track_id == member.track_id]
            known = [visits.pop(name) for name in misread]
            if plate in visits and at - visits[plate].last_at <= timedelta(seconds=self.away_s):
                known.append(visits[plate])
            since = min([at, *(visit.since for visit in known)])
            doubtful = any(visit.doubtful for visit in known)
            visits[plate] = Visit(observation.camera_id, member, since, at, doubtful)
        return replace(state, visits=visits) if vehicles else state

    def _out(self, state: Inside, vehicles: Sequence[DetectedObject], at: datetime) -> Inside:
        """Let out whoever is read surely, at once; of the others it is known once they have passed."""
        visits, leaving, left = dict(state.visits), dict(state.leaving), dict(state.left)
        for detected in vehicles:
            track, plate = detected.track_id or "", sure_plate(detected)
            if plate and plate not in visits and plate not in left:
                hit = nearest(plate, visits)
                visits = _doubted(visits, hit.plates if hit else (), at)
            elif plate in visits and visits[plate].last_at <= at:
                del visits[plate]
            if plate:
                left[plate] = at
            before = leaving.get(track, Leaving(at, known=False))
            text = normalised(str(detected.attributes.get("plate") or ""))
            texts = before.texts | ({text} if text else set())
            leaving[track] = Leaving(at, before.known or bool(plate), texts)
        return Inside(visits, leaving, left) if vehicles else state


def _passed(state: Inside, at: datetime) -> Inside:
    """Return the state after those who are not seen at the exit any more have gone out.

    Whoever was not read surely may have been those whose plates look like what was read, else anybody.
    """
    left = {plate: when for plate, when in state.left.items() if at - when <= _LEFT_KEPT}
    leaving = {track: seen for track, seen in state.leaving.items() if at - seen.last_at <= _PASSED}
    visits = state.visits
    for track in state.leaving.keys() - leaving.keys():
        seen = state.leaving[track]
        if not seen.known:
            hits = [hit for text in seen.texts if (hit := nearest(text, visits)) is not None]
            visits = _doubted(visits, {p for hit in hits for p in hit.plates} or visits, seen.last_at)
    return state if (left, leaving) == (state.left, state.leaving) else Inside(visits, leaving, left)


def _doubted(visits: Mapping[str, Visit], plates: Container[str], at: datetime) -> dict[str, Visit]:
    """Return the visits, of which those of ``plates`` may have ended at ``at``."""
    return {
        plate: replace(visit, doubtful=True) if plate in plates and visit.since <= at else visit
        for plate, visit in visits.items()
    }
