"""A rush past a gate: every rider counted once, the bare ones spoken to. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from pydantic import TypeAdapter

from alerts.objects import UNKNOWN
from alerts.rules.base import Sighting
from alerts.zones import Standing, StandingRule, Zones
from lianfang.almanac import Almanac
from lianfang.config.schedule import Schedule
from lianfang.events import Observation

Head = Literal["worn", "bare", "unknown"]
_FORGOTTEN = timedelta(seconds=10)  # a track that was not seen for so long is another when it comes again


@dataclass(frozen=True, slots=True)
class Rider:
    """A rider who is there: what is known of the head, in which run they came, when they were last seen."""

    head: Head
    run: str
    last_at: datetime


@dataclass(frozen=True)
class Rush:
    """The run that is counted now: those who are gone, by head, and those who are there, by track."""

    run: str = ""
    gone: Mapping[str, int] = field(default_factory=dict)
    riders: Mapping[str, Rider] = field(default_factory=dict)
    standing: Standing = field(default_factory=Standing)


@dataclass(frozen=True)
class RushRule:
    """Bare heads are members, as ``bare`` finds them; ``zones`` tell where any rider is.

    A run is a window of ``rush``, or what of a day lies outside of all: each is an incident of its own, with
    the counts of the run as its figures. A rider counts once, in the run in which they came, by what was
    last known of their head; the stage before has counted its votes over their track.
    """

    bare: StandingRule
    zones: Zones
    rush: Schedule
    almanacs: Mapping[str, Almanac]

    lasting: ClassVar[TypeAdapter[Rush]] = TypeAdapter(Rush)

    def initial(self) -> Rush:
        """Return the state in which nobody has come."""
        return Rush()

    def renumbered(self, state: Rush) -> Rush:
        """Return the state in which all who were there are gone: the new numbers mean others."""
        return replace(state, gone=_tallied(state, state.riders), riders={}, standing=Standing())

    def concerns(self, state: Rush, observation: Observation) -> bool:
        """Say whether anybody is there, or was a moment ago."""
        return bool(state.riders) or self.zones.occupied(observation)

    def step(self, state: Rush, observation: Observation) -> tuple[Rush, Sighting]:
        """Count who comes; the bare ones are members of the run's incident."""
        at = observation.captured_at
        if (run := self._run(observation.camera_id, at)) != state.run:
            state = Rush(run, {}, state.riders, state.standing)
        standing, seen = self.bare.step(state.standing, observation)
        riders = dict(state.riders)
        for track, head in self._heads(observation):
            before = riders.get(track, Rider("unknown", run, at))
            riders[track] = Rider(before.head if head == UNKNOWN else head, before.run, at)
        left = {track: rider for track, rider in riders.items() if at - rider.last_at > _FORGOTTEN}
        here = {track: rider for track, rider in riders.items() if track not in left}
        state = Rush(run, _tallied(state, left), here, standing)
        counts = Counter(_tallied(state, here))
        figures = {"riders": counts.total(), "bare": counts["bare"], "unknown": counts["unknown"]}
        return state, replace(
            seen,
            members=tuple(replace(m, subject=run) for m in seen.members),
            present=tuple(replace(m, subject=run) for m in seen.present),
            figures={run: figures} if counts else {},
        )

    def _heads(self, observation: Observation) -> Iterator[tuple[str, Head]]:
        for detected, zone in self.zones.inside(observation):
            track = self.zones.settings.counted(detected)
            if zone is not None and track is not None and "helmet" in detected.attributes:
                yield track, detected.attributes["helmet"]

    def _run(self, camera: str, at: datetime) -> str:
        almanac = self.almanacs[camera]
        local = at.astimezone(almanac.zone)
        day = f"{local:%Y-%m-%d}"
        for window in self.rush.windows:
            if window.covers(local, almanac):
                return f"{day} {window.begin}-{window.end}"
        return day


def _tallied(state: Rush, riders: Mapping[str, Rider]) -> Mapping[str, int]:
    """Return who is gone of the run that is counted, by head, with those of ``riders`` who came in it."""
    return Counter(state.gone) + Counter(r.head for r in riders.values() if r.run == state.run)
