"""``kind: arrival_reminder``: who comes is reminded, such as of sorting at the bins; nobody is alarmed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from alerts.rules.base import Sighting, SpeechSettings
from alerts.zones import Standing, Zones, ZoneSettings
from lianfang.config import Config as Root
from lianfang.events import Observation


class Config(ZoneSettings):
    """A text for whoever comes: again only after ``speech.again_s``, and ``speech.times`` at most."""

    kind: Literal["arrival_reminder"]
    speech: SpeechSettings
    """What is said."""
    record_only: Literal[True] = True
    """It alarms nobody."""
    join_s: float = Field(default=3600, ge=0, le=3600)
    """Who comes within this time belongs to the same run of people: they are counted in one record."""
    frames: int = Field(default=3, ge=1, le=100)
    """Consecutive frames in the zone before somebody has come."""


@dataclass(frozen=True)
class ArrivalReminder:
    """The rule for the cameras of its stanza."""

    config: Config
    zones: Zones

    def initial(self) -> Standing:
        """Return the state in which nobody stands anywhere."""
        return Standing()

    def renumbered(self, state: Standing) -> Standing:
        """Return the state in which nobody stands anywhere: the new numbers mean other people."""
        del state
        return Standing()

    def step(self, state: Standing, observation: Observation) -> tuple[Standing, Sighting]:
        """Count who stands in the zone; those at ``frames`` or more have come."""
        return self.zones.standing(state, observation, self.config.frames)


def build(config: Config, root: Root) -> ArrivalReminder:
    """Return the rule with the zones of its cameras prepared."""
    return ArrivalReminder(config, Zones.of(config, root))
