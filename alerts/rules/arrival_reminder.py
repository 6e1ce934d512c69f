"""``kind: arrival_reminder``: who comes is reminded, such as of sorting at the bins; nobody is alarmed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from alerts.speech import SpeechSettings
from alerts.zones import StandingRule, StandingSettings
from lianfang.config import Config as Root


class Config(StandingSettings):
    """A text for whoever comes: again only after ``speech.again_s``, and ``speech.times`` at most."""

    kind: Literal["arrival_reminder"]
    speech: SpeechSettings
    """What is said."""
    record_only: Literal[True] = True
    """It alarms nobody."""
    join_s: float = Field(default=3600, ge=0, le=3600)
    """Who comes within this time belongs to the same run of people: they are counted in one record."""


def build(config: Config, root: Root) -> StandingRule:
    """Return the rule with the zones of its cameras prepared."""
    return StandingRule.of(config, root)
