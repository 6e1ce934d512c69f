"""``kind: zone_entry``: somebody stands in a zone for N consecutive frames."""

from __future__ import annotations

from typing import Literal

from alerts.zones import StandingRule, StandingSettings
from lianfang.config import Config as Root


class Config(StandingSettings):
    """Somebody is in a zone."""

    kind: Literal["zone_entry"]


def build(config: Config, root: Root) -> StandingRule:
    """Return the rule with the zones of its cameras prepared."""
    return StandingRule.of(config, root)
