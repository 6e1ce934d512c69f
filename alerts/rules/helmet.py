"""``kind: helmet``: a rider with a bare head."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from alerts.objects import Having
from alerts.zones import StandingRule, StandingSettings
from lianfang.config import Config as Root
from lianfang.config import Problem


class Config(StandingSettings):
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
        for camera_id in self.cameras_without("helmet", config):
            found = f"'helmet' at camera {camera_id}, none of whose detectors looks at helmets"
            yield Problem(("kind",), found, "a stage helmet among its detectors")


def build(config: Config, root: Root) -> StandingRule:
    """Return the rule with the zones of its cameras prepared."""
    return StandingRule.of(config, root)
