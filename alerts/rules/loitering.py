"""``kind: loitering``: somebody stays in a zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from alerts.objects import sighting
from alerts.rules.base import Sighting
from alerts.zones import Zones, ZoneSettings
from lianfang.config import Config as Root
from lianfang.events import Observation


class Config(ZoneSettings):
    """One and the same track has been in a zone for so long."""

    kind: Literal["loitering"]
    dwell_s: float = Field(default=20, gt=0, le=86400)
    """Seconds that one track stays before it counts; two people who stay half as long do not."""
    away_s: float = Field(default=3, ge=0, le=600)
    """Seconds out of the zone, or out of sight, after which a stay begins anew."""

    @property
    def needs_stillness(self) -> bool:
        """Who stays may stand still, and is out of sight after ``away_s``."""
        return True

    @property
    def memory_s(self) -> float:
        """A stay."""
        return max(60, self.dwell_s)


@dataclass(frozen=True, slots=True)
class Stay:
    """When a track's stay began, and when it was last in the zone."""

    since: datetime
    last_at: datetime


@dataclass(frozen=True)
class Stays:
    """The stays of the tracks that are in the zone, or were a moment ago."""

    tracks: Mapping[str, Stay] = field(default_factory=dict)


@dataclass(frozen=True)
class Loitering:
    """The rule for the cameras of its stanza."""

    config: Config
    zones: Zones

    def initial(self) -> Stays:
        """Return the state in which nobody stays anywhere."""
        return Stays()

    def renumbered(self, state: Stays) -> Stays:
        """Return the state in which nobody stays anywhere: the new numbers mean other people."""
        del state
        return Stays()

    def concerns(self, state: Stays, observation: Observation) -> bool:
        """Say whether anything is in the zone, or was a moment ago."""
        return bool(state.tracks) or self.zones.occupied(observation)

    def progress(self, state: Stays, track_id: str) -> str:
        """Return for how long somebody has stayed."""
        stay = state.tracks.get(track_id)
        stayed_s = (stay.last_at - stay.since).total_seconds() if stay else 0.0
        return f"{stayed_s:.1f} of {self.config.dwell_s:g} s" if stay else ""

    def step(self, state: Stays, observation: Observation) -> tuple[Stays, Sighting]:
        """Measure the stays; those of ``dwell_s`` or more are members."""
        at = observation.captured_at
        away = timedelta(seconds=self.config.away_s)
        tracks = {t: stay for t, stay in state.tracks.items() if at - stay.last_at <= away}
        placed = list(self.zones.inside(observation))
        for detected, zone in placed:
            if zone is not None and (track := self.config.counted(detected)) is not None:
                tracks[track] = Stay(tracks[track].since if track in tracks else at, at)
        dwell = timedelta(seconds=self.config.dwell_s)
        stayed = {t for t, stay in tracks.items() if stay.last_at == at and at - stay.since >= dwell}
        return Stays(tracks), sighting(observation, placed, lambda o: o.track_id in stayed)


def build(config: Config, root: Root) -> Loitering:
    """Return the rule with the zones of its cameras prepared."""
    return Loitering(config, Zones.of(config, root))
