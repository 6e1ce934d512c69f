"""The gates with what they must remember from one picture to the next, and who is told of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.rules.base import Sighting
from alerts.suppression.case import Case, Held
from alerts.suppression.gates import passed


class Trace:
    """Hears what a decider does as it goes; this one does nothing about it."""

    def gated(self, case: Case, before: Sighting, after: Sighting, held: tuple[Held, ...]) -> None:
        """Hear what the gates left of a sighting that had members."""

    def began(self, case: Case, held: Held) -> None:
        """Hear that something began to be held back at a place, or went on for another reason."""


SILENT = Trace()


@dataclass(frozen=True)
class Passed:
    """What is left of a sighting, what holds the others back, and whether it is a task that is left."""

    sighting: Sighting
    held: tuple[Held, ...] = ()
    task: bool = False


@dataclass
class Chain:
    """What is held back, per (rule, place, camera), as the last pictures said."""

    trace: Trace = SILENT
    _held: dict[tuple[str, str, str], tuple[tuple[Held, ...], datetime]] = field(default_factory=dict)

    def put_through(self, case: Case, sighting: Sighting) -> Passed:
        """Put a sighting through the gates. Who is held again within the joining time was held all along."""
        if not sighting.members:
            return Passed(sighting)
        after, held = passed(case, sighting)
        self.trace.gated(case, sighting, after, held)
        key = case.rule, case.place, case.camera
        before, last_at = self._held.get(key, ((), case.at))
        if abs(case.at - last_at) > timedelta(seconds=case.settings.join_s):
            before = ()
        for by in held:
            if by not in before:
                self.trace.began(case, by)
        if held:
            self._held[key] = held, case.at
        else:
            self._held.pop(key, None)
        return Passed(after, held, task=not held and any(by.task for by in before))
