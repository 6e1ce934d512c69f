"""``kind: late``: what became known too late to call anybody, told once the log has caught up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from alerts.rules.base import About, RuleSettings
from lianfang.config import Config as Root
from lianfang.config import Problem
from lianfang.config.escalation import Severity


class Config(RuleSettings):
    """After an outage nobody is called for what is long past: it is one incident, with the counts."""

    kind: Literal["late"]
    severity: Severity = "low"
    """How urgent it is to the operator."""
    quiet_s: float = Field(default=30, ge=5, le=600)
    """So long after the last late one was recorded, what came late is told."""
    every_s: float = Field(default=600, ge=60, le=86_400)
    """While more and more comes late, it is told in parts, so often."""

    @property
    def sources(self) -> tuple[str, ...]:
        """None: it decides on no event, but on what other rules have raised of its cameras."""
        return ()

    @property
    def about(self) -> About:
        """What its incidents are about."""
        return "device"

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield what it cannot do."""
        yield from super().check(config)
        if self.speech is not None:
            yield Problem(("speech",), "a text", "none: nobody is there any more whom it could be about")


class Digest:
    """Sees nothing by itself: ``alerts.digests`` counts what the other rules have recorded late."""


def build(config: Config, root: Root) -> Digest:
    """Return the rule; it raises nothing."""
    del config, root
    return Digest()
