"""``kind: helmet``: a rider with a bare head."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from alerts.objects import Having
from alerts.rush import RushRule
from alerts.zones import StandingRule, StandingSettings, Zones
from lianfang.config import Config as Root
from lianfang.config import Problem
from lianfang.config.schedule import Schedule


class Config(StandingSettings):
    """Driver and passengers, each by the votes over their own track; who walks has no helmet to wear."""

    kind: Literal["helmet"]
    labels: Annotated[tuple[str, ...], Field(min_length=1)] = ("person", "bicycle", "motorcycle")
    """Riders, and what they ride where nobody is found on it."""
    having: Having = Field(default={"helmet": ("bare",)})
    """What counts, of what a stage helmet says of riders."""
    frames: int = Field(default=1, ge=1, le=100)
    """Consecutive frames with a bare head; the stage has counted its votes before it says so."""
    rush: Schedule | None = None
    """When people ride past all at once, such as to school. Each window is one incident that counts riders,
    bare and unknown heads, and alarms nobody; its text is said while it lasts, once a minute at most."""
    join_s: float = Field(default=120, ge=0, le=86400)
    """An incident stays open this long after its last bare head; with ``rush`` 12 hours where not given."""

    @model_validator(mode="after")
    def _only_counted(self) -> Self:
        """With a rush, set what follows from it where nothing else is said."""
        if self.rush is None:
            return self
        if self.notify:
            raise ValueError("no 'notify' beside 'rush': riders are reminded, and nobody is told")
        changed: dict[str, Any] = {"record_only": True}
        if "join_s" not in self.model_fields_set:
            changed["join_s"] = 12 * 3600.0
        if self.speech is not None:
            once_a_minute = {"again_s": 60.0, "times": 100, "louder_pct": 0, "active": self.rush}
            own = self.speech.model_fields_set
            if "again_s" in own and self.speech.again_s < 60:
                raise ValueError("'speech.again_s' of 60 or more beside 'rush'")
            missing = {key: value for key, value in once_a_minute.items() if key not in own}
            changed["speech"] = self.speech.model_copy(update=missing)
        return self.model_copy(update=changed)

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield cameras that do not look at helmets."""
        yield from super().check(config)
        for problem in self.rush.sunless(config, self.cameras) if self.rush else ():
            yield problem.under("rush")
        for camera_id in self.cameras_without("helmet", config):
            found = f"'helmet' at camera {camera_id}, none of whose detectors looks at helmets"
            yield Problem(("kind",), found, "a stage helmet among its detectors")


def build(config: Config, root: Root) -> StandingRule | RushRule:
    """Return the rule with the zones of its cameras prepared."""
    bare = StandingRule.of(config, root)
    if config.rush is None:
        return bare
    anybody = config.model_copy(update={"having": {}})
    almanacs = {camera: root.almanac(camera) for camera in config.cameras}
    return RushRule(bare, Zones.of(anybody, root), config.rush, almanacs)
