"""``kind: left_object``: something was left where it may not be, such as a bag outside the hours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from alerts.objects import UNKNOWN, Having
from alerts.rules.base import Sighting
from alerts.zones import Standing, Zones, ZoneSettings
from lianfang.config import Config as Root
from lianfang.events import Observation


class Config(ZoneSettings):
    """A thing that came, lies there, and whose owner is gone. It is over once somebody has picked it up."""

    kind: Literal["left_object"]
    labels: Annotated[tuple[str, ...], Field(min_length=1)] = ("left_object",)
    """What counts as a thing: what a stage garbage finds."""
    having: Having = Field(default={"bag": (True, UNKNOWN)})
    """Attributes that it must have: it may be a bag. ``{}`` for whatever was left, be it one or not."""
    frames: int = Field(default=3, ge=1, le=100)
    """Consecutive frames before it counts."""
    closes_itself: bool = True
    """True: where nobody has dealt with it, it is closed once it is gone and the joining time is over."""


@dataclass(frozen=True)
class LeftObject:
    """The rule for the cameras of its stanza."""

    config: Config
    zones: Zones

    def initial(self) -> Standing:
        """Return the state in which nothing lies anywhere."""
        return Standing()

    def renumbered(self, state: Standing) -> Standing:
        """Return the state in which nothing lies anywhere: the new numbers mean other things."""
        del state
        return Standing()

    def step(self, state: Standing, observation: Observation) -> tuple[Standing, Sighting]:
        """Count what lies in the zone; what has for ``frames`` is a member."""
        return self.zones.standing(state, observation, self.config.frames)


def build(config: Config, root: Root) -> LeftObject:
    """Return the rule with the zones of its cameras prepared."""
    return LeftObject(config, Zones.of(config, root))
