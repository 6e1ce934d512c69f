"""What people said is to be held back: dismissals, permits, silences, maintenance. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache

from lianfang.almanac import Almanac
from lianfang.config.schedule import Schedule
from lianfang.events import XYXYN

_MINUTE = timedelta(minutes=1)


class Kind(StrEnum):
    """What kind of word it is."""

    DISMISSAL = "dismissal"  # not this, here: the same kind at the same spot is no alert
    PERMIT = "permit"  # true, but allowed: so many, there, at those hours
    SILENCE = "silence"  # recorded and shown, and nobody else hears of it
    MAINTENANCE = "maintenance"  # somebody works on it: recorded only
    WALK = "walk"  # somebody walks through a zone to see whether they are seen: no alarm of it is meant
    STANDSTILL = "standstill"  # nothing is said anywhere but what may save a life
    FULL_STANDSTILL = "full_standstill"  # nothing at all is said anywhere
    TRIAL = "trial"  # the system says that a rule is new on a camera; lifted when a person signs it off


@dataclass(frozen=True)
class Suppression:
    """One word of a person, or a trial. Of what it names it is about that only; "" and () name nothing.

    ``xyxyn`` and ``label`` are what a dismissal is about. ``heads`` (None: any number), ``hours`` and
    ``task_after_s`` are a permit's; the last is for how long what remains is let lie once it is over.
    """

    id: str
    kind: Kind
    since: datetime
    author: str
    reason: str
    created_at: datetime
    until: datetime | None = None
    rules: tuple[str, ...] = ()
    camera: str = ""
    point: str = ""
    place: str = ""
    zone: str = ""
    receiver: str = ""
    label: str = ""
    xyxyn: XYXYN | None = None
    heads: int | None = None
    hours: Schedule | None = None
    task_after_s: int | None = None
    lifted_at: datetime | None = None
    lifted_by: str = ""

    def is_open(self, at: datetime, almanac: Almanac) -> bool:
        """Say whether it is in force at ``at``, its hours going by ``almanac``."""
        return self.is_valid(at) and (self.hours is None or self.hours.applies(at, almanac))

    def is_valid(self, at: datetime) -> bool:
        """Say whether ``at`` lies between its beginning and its end, whatever its hours."""
        return at >= self.since and (self.until is None or at < self.until) and not self.is_lifted(at)

    def is_lifted(self, at: datetime) -> bool:
        """Say whether a person had taken it back at ``at``."""
        return self.lifted_at is not None and at >= self.lifted_at

    def was_open(self, at: datetime, almanac: Almanac) -> bool:
        """Say whether it was in force within ``task_after_s`` before ``at``."""
        if self.task_after_s is None or self.is_lifted(at):
            return False
        return _was_open(self, at.replace(second=0, microsecond=0), almanac)


@lru_cache(maxsize=1024)
def _was_open(word: Suppression, minute: datetime, almanac: Almanac) -> bool:
    # Hours begin and end on minutes: to look at each of them misses nothing.
    back = (word.task_after_s or 0) // 60
    return any(word.is_open(minute - k * _MINUTE, almanac) for k in range(1, back + 1))


@dataclass(frozen=True)
class Said:
    """Everything that people said, as of ``revision`` of the store."""

    revision: int = 0
    words: tuple[Suppression, ...] = ()

    def of(self, kind: Kind) -> tuple[Suppression, ...]:
        """Return the words of one kind."""
        return self._by_kind.get(kind, ())

    def dismissals(self, rule: str, camera: str) -> tuple[Suppression, ...]:
        """Return what was dismissed for a rule on a camera."""
        return self._dismissals.get((rule, camera), ())

    def dismissed(self, camera: str) -> frozenset[str]:
        """Return the rules for which anything was dismissed on a camera."""
        return self._dismissed.get(camera, frozenset())

    def trials(self, rule: str, camera: str) -> tuple[Suppression, ...]:
        """Return the trials of a rule on a camera."""
        return self._trials.get((rule, camera), ())

    # Asked with every picture: sorted once.

    @cached_property
    def _by_kind(self) -> Mapping[Kind, tuple[Suppression, ...]]:
        return {kind: tuple(w for w in self.words if w.kind is kind) for kind in Kind}

    @cached_property
    def _trials(self) -> Mapping[tuple[str, str], tuple[Suppression, ...]]:
        return self._at(Kind.TRIAL)

    @cached_property
    def _dismissals(self) -> Mapping[tuple[str, str], tuple[Suppression, ...]]:
        return self._at(Kind.DISMISSAL)

    def _at(self, kind: Kind) -> Mapping[tuple[str, str], tuple[Suppression, ...]]:
        """Return the words of a kind by rule and camera."""
        found: dict[tuple[str, str], list[Suppression]] = {}
        for word in self.of(kind):
            for rule in word.rules:
                found.setdefault((rule, word.camera), []).append(word)
        return {key: tuple(words) for key, words in found.items()}

    @cached_property
    def _dismissed(self) -> Mapping[str, frozenset[str]]:
        cameras = {camera for _, camera in self._dismissals}
        return {camera: frozenset(r for r, c in self._dismissals if c == camera) for camera in cameras}

    def standstill(self, at: datetime) -> Suppression | None:
        """Return the word by which nothing is said anywhere at ``at``, the strictest; None without one."""
        return next((word for word in self._standstills if word.is_valid(at)), None)

    def is_over_since(self, since: datetime, at: datetime) -> bool:
        """Say whether a standstill that began at ``since`` is over at ``at``."""
        return any(word.since == since and not word.is_valid(at) for word in self._standstills)

    @property
    def _standstills(self) -> tuple[Suppression, ...]:
        return self.of(Kind.FULL_STANDSTILL) + self.of(Kind.STANDSTILL)

    def is_in_maintenance(self, receiver: str, at: datetime, almanac: Almanac) -> bool:
        """Say whether somebody works on a speaker at ``at``."""
        return any(w.receiver == receiver and w.is_open(at, almanac) for w in self.of(Kind.MAINTENANCE))


NOTHING_SAID = Said()
