"""What a sighting does to the incident of a rule at a place. Pure; time is captured_at only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.incidents.model import ChangeKind
from alerts.incidents.occupancy import Person, follow, seen_at
from alerts.rules.base import RuleSettings, Sighting
from alerts.suppression.reasons import Reason
from lianfang.ids import identify


@dataclass(frozen=True)
class Incident:
    """One incident. ``empty_runs`` holds, per camera that saw a member, its empty observations in a row.

    ``spoken`` is how often the place was spoken to; from ``escalated_at`` on that is no longer enough.
    ``subject`` tells incidents at one place apart; ``review`` is true while it is a guess.
    ``figures`` are the newest numbers of each camera or sensor, by name. Nobody hears of it while it is
    ``muted`` (by the word of that id). ``silent`` is why nothing was said when it was last time to, which was
    at ``silent_at``.
    """

    id: str
    rule: str
    place: str
    point: str
    camera: str
    zone: str
    opened_at: datetime
    last_seen_at: datetime
    occupied: bool
    people: int
    members_total: int
    members: tuple[Person, ...]
    empty_runs: Mapping[str, int] = field(default_factory=dict)
    cleared_at: datetime | None = None
    ended_at: datetime | None = None
    unseen: bool = False
    spoken: int = 0
    spoken_at: datetime | None = None
    escalated_at: datetime | None = None
    subject: str = ""
    review: bool = False
    figures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    muted: Reason | None = None
    muted_by: str = ""
    silent: Reason | None = None
    silent_at: datetime | None = None

    @property
    def seen_by(self) -> frozenset[str]:
        """The cameras that see its people, or saw the last of them."""
        return frozenset(p.camera for p in self.members if not p.left) or frozenset((self.camera,))


@dataclass(frozen=True)
class Change:
    """One thing that happened to an incident, at ``at``; ``camera`` saw it."""

    kind: ChangeKind
    at: datetime
    camera: str


# After a break a tracker finds its people anew: until they have been seen often enough to count, the place is
# not empty where somebody may be.
SETTLE = timedelta(seconds=3)

Step = tuple[Incident, tuple[Change, ...]]


def open_incident(rule: str, place: str, point: str, sighting: Sighting) -> Step:
    """Return the incident that a sighting opens, which must have members, all of one subject."""
    at, camera = sighting.captured_at, sighting.camera
    people, total = follow((), sighting, 0)
    subject = sighting.members[0].subject
    incident = Incident(
        id=identify("incident", rule, place, camera, at.isoformat(), *([subject] if subject else [])),
        rule=rule,
        place=place,
        point=point,
        camera=camera,
        zone=sighting.members[0].zone,
        opened_at=at,
        last_seen_at=at,
        occupied=True,
        people=len(sighting.members),
        members_total=total,
        members=people,
        empty_runs={camera: 0},
        subject=subject,
        review=all(member.review for member in sighting.members),
        figures={camera: sighting.figures[subject]} if subject in sighting.figures else {},
    )
    return incident, (Change(ChangeKind.OPENED, at, camera),)


def advance(incident: Incident, sighting: Sighting, settings: RuleSettings) -> Step:
    """Return the incident after a sighting at its place, and the changes that followed.

    Those who are not sure yet keep a place occupied only where they can be one of its people: a box that
    comes and goes elsewhere does not, unless nobody has looked for a while: then they may be anybody. A
    camera that does not show its scene says who is there, and of nobody that they are not.
    """
    if sighting.blinded and not sighting.members:
        return incident, ()
    people, total = follow(incident.members, sighting, incident.members_total)
    if incident.subject in sighting.figures:
        figures = {**incident.figures, sighting.camera: sighting.figures[incident.subject]}
        incident = replace(incident, figures=figures)
    count = len(seen_at(people, sighting.camera, sighting.captured_at))
    if sighting.members or (incident.occupied and count):
        return _occupied(incident, sighting, count, people, total)
    incident = replace(incident, members=people, members_total=total)
    settling = bool(sighting.present) and sighting.captured_at - sighting.since < SETTLE
    if incident.occupied and not settling:
        return _empty(incident, sighting, settings)
    return incident, ()


def _occupied(
    incident: Incident, sighting: Sighting, count: int, people: tuple[Person, ...], total: int
) -> Step:
    at, camera = sighting.captured_at, sighting.camera
    changes = []
    if not incident.occupied:
        changes.append(Change(ChangeKind.RETURNED, at, camera))
    elif incident.unseen and not sighting.blinded:
        changes.append(Change(ChangeKind.SEEN, at, camera))
    if count > incident.people:
        changes.append(Change(ChangeKind.RAISED, at, camera))
    after = replace(
        incident,
        members=people,
        members_total=total,
        people=max(incident.people, count),
        last_seen_at=max(incident.last_seen_at, at),
        occupied=True,
        unseen=incident.unseen and sighting.blinded,
        cleared_at=None,
        empty_runs={**incident.empty_runs, camera: 0},
    )
    return after, tuple(changes)


def _empty(incident: Incident, sighting: Sighting, settings: RuleSettings) -> Step:
    at, camera = sighting.captured_at, sighting.camera
    if camera not in incident.empty_runs:
        return incident, ()  # this camera never saw anybody here: its empty view proves nothing
    runs = {**incident.empty_runs, camera: incident.empty_runs[camera] + 1}
    after = replace(incident, empty_runs=runs)
    if min(runs.values()) < settings.cleared_after:
        return after, ()
    return replace(after, occupied=False, unseen=False, cleared_at=at), (
        Change(ChangeKind.CLEARED, at, camera),
    )


def has_lapsed(incident: Incident, at: datetime, settings: RuleSettings) -> bool:
    """Whether the place was left so long before ``at`` that nobody joins this incident any more.

    So long *after* ``at`` it was left by a clock that was wrong: nobody may join that one either.
    """
    away = abs(at - incident.last_seen_at)
    return (settings.momentary or not incident.occupied) and away >= timedelta(seconds=settings.join_s)


def is_new(incident: Incident, sighting: Sighting) -> bool:
    """Say whether somebody is seen whom an incident that people have done with was not about.

    It was left before, or there are more than ever: a child that comes after another was sent away.
    """
    return bool(sighting.members) and (not incident.occupied or len(sighting.members) > incident.people)


def end(incident: Incident, at: datetime, camera: str) -> tuple[Incident, tuple[Change, ...]]:
    """Return the incident ended: the next sighting at its place is another one."""
    return replace(incident, ended_at=at), (Change(ChangeKind.ENDED, at, camera),)


def source_lost(incident: Incident, source: str, at: datetime) -> Step:
    """Return the incident after one of its cameras or sensors was lost: unknown, never cleared."""
    if not incident.occupied or source not in incident.empty_runs:
        return incident, ()
    after = replace(incident, unseen=True, empty_runs={**incident.empty_runs, source: 0})
    return after, () if incident.unseen else (Change(ChangeKind.UNSEEN, at, source),)
