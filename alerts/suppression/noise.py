"""How often a camera has raised an alarm by a rule lately. Pure.

A branch before the lens, spiders at night, a fault of a model: such a camera alarms again and again, and
whoever is called each time comes no more. Beyond a bound its incidents are only recorded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.incidents.incident import Change
from alerts.incidents.model import ChangeKind

WINDOW = timedelta(minutes=10)
ALARMS = frozenset({ChangeKind.OPENED, ChangeKind.RAISED, ChangeKind.RETURNED})
"""What an operator is called for: something began, became more, or came back."""


@dataclass
class Noise:
    """When each (rule, camera) raised its last alarms, newest last."""

    _alarms: dict[tuple[str, str], tuple[datetime, ...]] = field(default_factory=dict)

    def note(self, rule: str, camera: str, at: datetime) -> None:
        """Take note of an alarm."""
        key = rule, camera
        self._alarms[key] = (*self._recent(key, at), at)

    def heard(self, rule: str, camera: str, at: datetime, changes: Iterable[Change]) -> int:
        """Take note of the alarms among ``changes``; return how many there were in the last window."""
        for change in changes:
            if change.kind in ALARMS:
                self.note(rule, camera, change.at)
        return len(self._recent((rule, camera), at)) if self._alarms else 0

    def _recent(self, key: tuple[str, str], at: datetime) -> tuple[datetime, ...]:
        return tuple(alarm for alarm in self._alarms.get(key, ()) if at - WINDOW < alarm <= at)
