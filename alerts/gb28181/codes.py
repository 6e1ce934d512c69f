"""The numbers of GB/T 28181: ``codes.toml``, and what a site has corrected in a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

from pydantic import BaseModel, ConfigDict, Field

from alerts.corrections import corrected
from lianfang.config.escalation import Severity


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RuleCodes(_Table):
    """What the alarms of a kind of rule are called; without ``type``, AlarmMethod says it all."""

    method: int = Field(ge=1, le=7)
    type: int | None = Field(default=None, ge=1, le=99)
    event: int | None = Field(default=None, ge=1, le=99)


class Codes(_Table):
    """All of them."""

    priority: dict[Severity, Annotated[int, Field(ge=1, le=4)]]
    rules: dict[str, RuleCodes]

    def urgency(self, severity: str) -> int:
        """Return the AlarmPriority of a severity."""
        return self.priority[cast("Severity", severity)]

    def rule(self, kind: str) -> RuleCodes:
        """Return what the alarms of a kind of rule are called."""
        return self.rules.get(kind, self.rules["other"])


def read(path: Path | None) -> Codes:
    """Return the codes, with the corrections in the TOML file ``path`` if there is one; BadCodes."""
    return corrected(Codes, "alerts.gb28181", path)
