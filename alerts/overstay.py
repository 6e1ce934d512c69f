"""Vehicles that stay longer than they may: by their plate where it was read, else by their track. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import TypeAdapter

from alerts.objects import sighting
from alerts.plates import PlateList, sure_plate
from alerts.rules.base import Member, Sighting
from alerts.zones import Zones, ZoneSettings
from lianfang.events import DetectedObject, Observation


@dataclass(frozen=True, slots=True)
class Stay:
    """A vehicle as it was last seen, since when it has been there, and since when pictures miss it."""

    member: Member
    since: datetime
    missed_since: datetime | None = None


@dataclass(frozen=True)
class Parked:
    """The vehicles in the zone by name: their plate, or the number of their track."""

    stays: Mapping[str, Stay] = field(default_factory=dict)


@dataclass(frozen=True)
class Overstay:
    """Whoever has been there for ``stay_s``, but for those on the list ``plates``.

    A vehicle is gone once ``away_s`` of pictures do not show it; what nobody looked at proves nothing. Its
    stay outlives the tracker that saw it come, and the service.
    """

    settings: ZoneSettings
    stay_s: float
    away_s: float
    zones: Zones
    plates: PlateList

    lasting: ClassVar[TypeAdapter[Parked]] = TypeAdapter(Parked)

    def initial(self) -> Parked:
        """Return the state in which no vehicle is there."""
        return Parked()

    def renumbered(self, state: Parked) -> Parked:
        """Return the state without those that only a track number tells apart: the numbers mean others."""
        return Parked({name: stay for name, stay in state.stays.items() if stay.member.subject})

    def concerns(self, state: Parked, observation: Observation) -> bool:
        """Say whether a vehicle is there, or was a while ago."""
        return bool(state.stays) or self.zones.occupied(observation)

    def step(self, state: Parked, observation: Observation) -> tuple[Parked, Sighting]:
        """Measure the stays; each plate is a subject of its own, and all without one are one."""
        at = observation.captured_at
        placed = list(self.zones.inside(observation))
        plates = {o.track_id or "": sure_plate(o) for o, _ in placed}
        seen = sighting(observation, placed, lambda o: self._counts(o, at))
        here = [replace(m, subject=plates[m.track_id or ""]) for m in seen.members]
        stays = {m.subject or m.track_id or "": _stay(state, m, at) for m in here}
        named = stays.keys() | {m.track_id for m in here}
        for name, stay in state.stays.items():
            missed_since = stay.missed_since or at
            if name not in named and at - missed_since <= timedelta(seconds=self.away_s):
                stays[name] = replace(stay, missed_since=missed_since)
        over = [s for s in stays.values() if at - s.since >= timedelta(seconds=self.stay_s)]
        members = tuple(s.member for s in over if s.missed_since is None)
        # A vehicle that is not reported keeps nothing occupied; one that is missed for a moment does.
        others = {m.track_id for m in (*seen.members, *seen.present)} - {m.track_id for m in members}
        return Parked(stays), replace(
            seen,
            members=members,
            present=tuple(s.member for s in over if s.missed_since is not None),
            elsewhere=seen.elsewhere | {t for t in others if t},
        )

    def _counts(self, detected: DetectedObject, at: datetime) -> bool:
        """Say whether it is a vehicle that may not stay for as long as it likes."""
        hit = self.plates.hit(sure_plate(detected), at)
        return self.settings.counted(detected) is not None and not (hit is not None and hit.exact)


def _stay(state: Parked, member: Member, at: datetime) -> Stay:
    """Return the stay of a vehicle that is seen; one whose plate is read only now came when its track did."""
    before = [
        state.stays[name].since for name in (member.subject, member.track_id or "") if name in state.stays
    ]
    return Stay(member, min([*before, at]))
