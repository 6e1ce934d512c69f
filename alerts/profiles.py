"""Which profile is in force when: by an operator's key, by a level, by its schedule. Pure.

It is a function of the configuration and of switches, which are facts of the store with a time of their own:
each picture is judged by what was in force when it was taken, whoever judges it, and when.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from lianfang.config import Config
from lianfang.config.profiles import EVERYDAY, Level

Source = Literal["key", "level"]
Why = Literal["key", "level", "schedule", "otherwise"]


@dataclass(frozen=True, slots=True)
class Switch:
    """Somebody or something puts a profile in force, from ``since`` on until before ``until``, if ever.

    ``by`` is the operator who pressed the key, or the sensor whose level it is.
    """

    profile: str
    source: Source
    by: str
    reason: str
    since: datetime
    until: datetime | None

    def holds(self, at: datetime) -> bool:
        """Say whether it is in force at ``at``."""
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class InForce:
    """The profile in force, why, and the switch where it is one."""

    profile: str
    why: Why
    switch: Switch | None = None


class Profiles:
    """The profiles of a configuration, and when their schedules apply."""

    def __init__(self, config: Config) -> None:
        by_rank = sorted(config.profiles.items(), key=lambda item: -item[1].priority)
        self._almanac = config.almanac()
        self._active = {name: profile.active for name, profile in by_rank}
        self._by_level = {name for name, profile in by_rank if profile.level is not None}
        self._season = (-1, frozenset[str]())  # one value: several threads ask

    @property
    def any(self) -> bool:
        """Whether there is another one than everyday."""
        return bool(self._active)

    def at(self, at: datetime, switches: Iterable[Switch]) -> InForce:
        """Return what is in force at ``at``: the newest key, else the highest that applies, else everyday."""
        if not self._active:
            return InForce(EVERYDAY, "otherwise")
        holding = [
            s for s in switches if s.holds(at) and (s.profile in self._active or s.profile == EVERYDAY)
        ]
        keys = [switch for switch in holding if switch.source == "key"]
        if keys:
            newest = max(keys, key=lambda switch: (switch.since, switch.profile))
            return InForce(newest.profile, "key", newest)
        levels = {switch.profile: switch for switch in holding if switch.profile in self._by_level}
        scheduled = self._in_season(at)
        for name in self._active if levels or scheduled else ():
            if name in levels:
                return InForce(name, "level", levels[name])
            if name in scheduled:
                return InForce(name, "schedule")
        return InForce(EVERYDAY, "otherwise")

    def _in_season(self, at: datetime) -> frozenset[str]:
        """Return the profiles whose schedules apply; it is asked for each picture, and holds for a minute."""
        minute = int(at.timestamp()) // 60
        known, names = self._season
        if minute != known:
            active = ((name, schedule) for name, schedule in self._active.items() if schedule is not None)
            names = frozenset(name for name, schedule in active if schedule.applies(at, self._almanac))
            self._season = minute, names
        return names


def exceeded(level: Level, before: bool, value: float) -> bool:
    """Say whether a level is exceeded after a reading of ``value``, which was so, or not, ``before``."""
    return value >= (level.until if before else level.above)
