"""``kind: zone_entry``: somebody stands in a zone for N consecutive frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from alerts.rules.base import Sighting
from alerts.zones import Standing, Zones, ZoneSettings
from lianfang.config import Config as Root
from lianfang.events import Observation


class Config(ZoneSettings):
    """Somebody is in a zone."""

    kind: Literal["zone_entry"]
    frames: int = Field(default=3, ge=1, le=100)
    """Consecutive frames in the zone before it counts: one errant box is not an entry."""


@dataclass(frozen=True)
class ZoneEntry:
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
        """Count who stands in the zone; those at ``frames`` or more are members."""
        return self.zones.standing(state, observation, self.config.frames)


def build(config: Config, root: Root) -> ZoneEntry:
    """Return the rule with the zones of its cameras prepared."""
    return ZoneEntry(config, Zones.of(config, root))
