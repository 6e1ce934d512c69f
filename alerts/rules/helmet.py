"""``kind: helmet``: a rider with a bare head."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from alerts.objects import Having
from alerts.rules.base import Sighting
from alerts.zones import Standing, Zones, ZoneSettings
from lianfang.config import Config as Root
from lianfang.config import Problem
from lianfang.events import Observation


class Config(ZoneSettings):
    """Driver and passengers, each by the votes over their own track; who walks has no helmet to wear."""

    kind: Literal["helmet"]
    labels: Annotated[tuple[str, ...], Field(min_length=1)] = ("person", "bicycle", "motorcycle")
    """Riders, and what they ride where nobody is found on it."""
    having: Having = Field(default={"helmet": ("bare",)})
    """What counts, of what a stage helmet says of riders."""
    frames: int = Field(default=1, ge=1, le=100)
    """Consecutive frames with a bare head; the stage has counted its votes before it says so."""

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield cameras that do not look at helmets."""
        yield from super().check(config)
        for camera_id in (c for c in self.cameras if c in config.cameras):
            stages = [config.detectors.get(d) for d in config.cameras[camera_id].detectors]
            if not any(getattr(stage, "kind", "") == "helmet" for stage in stages):
                found = f"'helmet' at camera {camera_id}, none of whose detectors looks at helmets"
                yield Problem(("kind",), found, "a stage helmet among its detectors")


@dataclass(frozen=True)
class Helmet:
    """The rule for the cameras of its stanza."""

    config: Config
    zones: Zones

    def initial(self) -> Standing:
        """Return the state in which nobody rides."""
        return Standing()

    def renumbered(self, state: Standing) -> Standing:
        """Return the state in which nobody rides: the new numbers mean others."""
        del state
        return Standing()

    def step(self, state: Standing, observation: Observation) -> tuple[Standing, Sighting]:
        """Count bare heads; those at ``frames`` or more are members."""
        return self.zones.standing(state, observation, self.config.frames)


def build(config: Config, root: Root) -> Helmet:
    """Return the rule with the zones of its cameras prepared."""
    return Helmet(config, Zones.of(config, root))
