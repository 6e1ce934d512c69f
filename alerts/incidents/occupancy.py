"""Who is at a place: members of an incident, told apart and followed through lost track numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import hypot

from alerts.rules.base import Member, Sighting
from lianfang.events import XYXYN

# A tracker that was restarted or moved knows nobody, nor does one after a while without pictures: whoever
# stands there is taken for who stood there.
NEW_EPOCH_TAKEOVER = timedelta(seconds=15)
# Inside an epoch a lost number is an occlusion: short, and the person cannot be far.
OCCLUSION_TAKEOVER = timedelta(seconds=3)
# In box heights: half for the jitter of boxes, and one a second, a little more than a fast walk (1.7 m/s).
NEAR_AT_ONCE, NEAR_PER_SECOND = 0.5, 1.0


@dataclass(frozen=True, slots=True)
class Person:
    """One member of an incident. ``n`` counts from 1 within it; times are captured_at.

    ``left`` is true once the track was seen outside: nobody takes this person's place any more.
    """

    n: int
    camera: str
    track_id: str
    label: str
    zone: str
    confidence: float
    xyxyn: XYXYN
    since: datetime
    last_at: datetime
    left: bool = False


def follow(people: tuple[Person, ...], sighting: Sighting, total: int) -> tuple[tuple[Person, ...], int]:
    """Return the people after a sighting, and how many distinct ones there have been.

    People of other cameras are as before. A track that is known goes on; a new one takes over a lost person
    by the rules above, one to one, nearest first; what remains is a new person. Those who may be there but
    are not sure yet take over, and never count as new. Whoever cannot be taken over any more is dropped.
    """
    mine = [p for p in people if p.camera == sighting.camera]
    known = {p.track_id: p for p in mine}
    seen = [*sighting.members, *sighting.present]
    after: dict[int, Person] = {}
    strangers: list[Member] = []
    for member in seen:
        person = known.get(member.track_id) if member.track_id else None
        if person is None:
            strangers.append(member)
        else:
            after[person.n] = _moved(person, member, sighting.captured_at)
    lost = [p for p in mine if p.n not in after]
    gone = {p.n for p in lost if p.left or p.track_id in sighting.elsewhere}
    for person, member in _takeovers([p for p in lost if p.n not in gone], strangers, sighting):
        after[person.n] = _moved(person, member, sighting.captured_at)
        strangers.remove(member)
        lost.remove(person)
    for member in strangers:
        if member in sighting.members:
            total += 1
            after[total] = _new(total, member, sighting)
    remembered = [
        replace(p, left=True) if p.track_id in sighting.elsewhere else p
        for p in lost
        if sighting.captured_at - p.last_at <= NEW_EPOCH_TAKEOVER
    ]
    others = [p for p in people if p.camera != sighting.camera]
    return tuple(sorted([*others, *remembered, *after.values()], key=lambda p: p.n)), total


def _takeovers(
    lost: list[Person], strangers: list[Member], sighting: Sighting
) -> Iterator[tuple[Person, Member]]:
    pairs = sorted(
        (distance, p.n, i)
        for p in lost
        for i, member in enumerate(strangers)
        if (distance := _takeover_distance(p, member, sighting)) is not None
    )
    persons = {p.n: p for p in lost}
    taken: set[int] = set()
    members = list(strangers)
    for _, n, i in pairs:
        if n in persons and i not in taken:
            taken.add(i)
            yield persons.pop(n), members[i]


def _takeover_distance(person: Person, member: Member, sighting: Sighting) -> float | None:
    """Return how far ``member`` is from ``person`` in box heights, None where it cannot be the same."""
    gap = sighting.captured_at - person.last_at
    distance = _heights_apart(person.xyxyn, member.xyxyn)
    unwatched = person.last_at < sighting.since
    if unwatched or not person.track_id.startswith(f"{sighting.track_epoch}:"):
        return distance if gap <= NEW_EPOCH_TAKEOVER else None
    near = NEAR_AT_ONCE + NEAR_PER_SECOND * gap.total_seconds()
    return distance if gap <= OCCLUSION_TAKEOVER and distance <= near else None


def _heights_apart(a: XYXYN, b: XYXYN) -> float:
    """Return the distance of the bottom centres in mean box heights.

    x and y are both 0-1 of their own side, so that on a wide picture x counts a little less: good enough
    to say which of a few people is nearest.
    """
    height = max((a[3] - a[1] + b[3] - b[1]) / 2, 1e-6)
    return hypot((a[0] + a[2] - b[0] - b[2]) / 2, a[3] - b[3]) / height


def _moved(person: Person, member: Member, at: datetime) -> Person:
    # Not `replace`: this is done for everybody in every picture, and takes a third of the time so.
    return Person(
        n=person.n,
        camera=person.camera,
        track_id=member.track_id or person.track_id,
        label=person.label,
        zone=member.zone,
        confidence=member.confidence,
        xyxyn=member.xyxyn,
        since=person.since,
        last_at=at,
    )


def _new(n: int, member: Member, sighting: Sighting) -> Person:
    if member.track_id is None:
        raise ValueError("a member without a track")
    return Person(
        n=n,
        camera=sighting.camera,
        track_id=member.track_id,
        label=member.label,
        zone=member.zone,
        confidence=member.confidence,
        xyxyn=member.xyxyn,
        since=sighting.captured_at,
        last_at=sighting.captured_at,
    )


def seen_at(people: Iterable[Person], camera: str, at: datetime) -> tuple[Person, ...]:
    """Return the people that ``camera`` saw at ``at``."""
    return tuple(p for p in people if p.camera == camera and p.last_at == at)
