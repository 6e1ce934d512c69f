"""The gates with what they must remember from one picture to the next, and who is told of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.rules.base import Sighting
from alerts.suppression.case import Case, Held
from alerts.suppression.gates import passed
from alerts.suppression.said import NOTHING_SAID, Said, Suppression
from alerts.suppression.spots import Spot, watched


class Trace:
    """Hears what a decider does as it goes; this one does nothing about it."""

    def saw(self, case: Case, sighting: Sighting) -> None:
        """Hear what a rule makes of an event at a place."""

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
    """What is held back, per (rule, place, camera), as the last pictures said, and what spots show."""

    trace: Trace = SILENT
    _held: dict[tuple[str, str, str], tuple[tuple[Held, ...], datetime]] = field(default_factory=dict)
    _spots: dict[tuple[str, str], Spot] = field(default_factory=dict)
    _said: Said = NOTHING_SAID

    def put_through(self, case: Case, sighting: Sighting) -> Passed:
        """Put a sighting through the gates. Who is held again within the joining time was held all along."""
        words = case.said.dismissals(case.rule, case.camera)
        if words:
            case = replace(case, spots=tuple((w, self._watch(case, w, sighting)) for w in words))
        self.trace.saw(case, sighting)
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
        return Passed(after, held, task=not held and any(self._leaves_a_task(case, by) for by in before))

    @staticmethod
    def _leaves_a_task(case: Case, by: Held) -> bool:
        return by.task and not any(w.id == by.by and w.is_lifted(case.at) for w in case.said.words)

    def _watch(self, case: Case, word: Suppression, sighting: Sighting) -> Spot:
        if case.said is not self._said:
            ids = {w.id for w in case.said.words}
            self._spots = {key: spot for key, spot in self._spots.items() if key[1] in ids}
            self._said = case.said
        key = case.place, word.id
        self._spots[key] = watched(self._spots.get(key, Spot()), word, sighting)
        return self._spots[key]
