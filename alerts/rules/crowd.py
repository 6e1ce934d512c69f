"""``kind: crowd``: so many at once in a zone, for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from alerts.hysteresis import Switch
from alerts.objects import sighting
from alerts.rules.base import Sighting
from alerts.zones import Zones, ZoneSettings
from lianfang.config import Config as Root
from lianfang.events import Observation


class Config(ZoneSettings):
    """A zone is crowded from ``at_least`` people on, until they are no more than ``until``."""

    kind: Literal["crowd"]
    at_least: int = Field(default=10, ge=2, le=1000)
    """People in the zone, or in all zones together, from which on it is crowded."""
    until: int | None = Field(default=None, ge=0, le=999)
    """People at which it is over, fewer than ``at_least``; four fifths of it where not given."""
    for_s: float = Field(default=5, ge=0, le=3600)
    """Seconds that it must have been so, either way: people come and go at the edge of a zone."""

    @model_validator(mode="after")
    def _below(self) -> Self:
        if self.until is not None and self.until >= self.at_least:
            raise ValueError(f"'until' below 'at_least', which is {self.at_least}")
        return self

    @property
    def memory_s(self) -> float:
        """How long it must be so."""
        return max(60, self.for_s)

    @property
    def over_at(self) -> int:
        """The count at which a crowd is over."""
        return self.at_least * 4 // 5 if self.until is None else self.until


@dataclass(frozen=True)
class Crowd:
    """The rule for the cameras of its stanza."""

    config: Config
    zones: Zones

    lasting: ClassVar[TypeAdapter[Switch]] = TypeAdapter(Switch)

    def initial(self) -> Switch:
        """Return the state in which no zone is crowded."""
        return Switch()

    def renumbered(self, state: Switch) -> Switch:
        """Return the same state: a crowd is one whatever numbers its people have."""
        return state

    def concerns(self, state: Switch, observation: Observation) -> bool:
        """Say whether anything is in the zones, or there was a crowd."""
        return state != Switch() or self.zones.occupied(observation)

    def step(self, state: Switch, observation: Observation) -> tuple[Switch, Sighting]:
        """Count who stands in the zones; in a crowd all of them are members, else nobody is there."""
        placed = list(self.zones.inside(observation))
        tracks = {self.config.counted(detected) for detected, zone in placed if zone is not None} - {None}
        count = len(tracks)
        otherwise = count <= self.config.over_at if state.on else count >= self.config.at_least
        state = state.turned(otherwise=otherwise, at=observation.captured_at, for_s=self.config.for_s)
        if not state.on:
            placed = [(detected, None) for detected, _ in placed]
        return state, sighting(observation, placed, lambda o: o.track_id in tracks)


def build(config: Config, root: Root) -> Crowd:
    """Return the rule with the zones of its cameras prepared."""
    return Crowd(config, Zones.of(config, root))
