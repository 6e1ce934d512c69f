"""``kind: left_object``: something was left where it may not be, such as a bag outside the hours."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from alerts.objects import UNKNOWN, Having
from alerts.zones import StandingRule, StandingSettings
from lianfang.config import Config as Root


class Config(StandingSettings):
    """A thing that came, lies there, and whose owner is gone. It is over once somebody has picked it up."""

    kind: Literal["left_object"]
    labels: Annotated[tuple[str, ...], Field(min_length=1)] = ("left_object",)
    """What counts as a thing: what a stage garbage finds."""
    having: Having = Field(default={"bag": (True, UNKNOWN)})
    """Attributes that it must have: it may be a bag. ``{}`` for whatever was left, be it one or not."""
    closes_itself: bool = True
    """True: where nobody has dealt with it, it is closed once it is gone and the joining time is over."""

    @property
    def needs_stillness(self) -> bool:
        """What was left does not move."""
        return True


def build(config: Config, root: Root) -> StandingRule:
    """Return the rule with the zones of its cameras prepared."""
    return StandingRule.of(config, root)
