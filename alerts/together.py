"""A reading and a picture that must come together, such as of a radar and a camera at night. Pure.

What is decided follows from when things were seen and measured, and not from which became known first. So a
sighting waits until a reading that belongs to it has come, or can have come: nothing is decided twice. All of
it lies in the camera's own stream, where readings that its rules ask for are copied to, and a replay of that
stream gives what the first run gave.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from pydantic import Field, model_validator

from alerts.rules.base import Sighting
from alerts.sensors import fault
from lianfang.config import Config, Id, Problem, Sensor, Stanza
from lianfang.events import Observation, Reading

LATE_S = 5.0
"""A reading that comes so much later than pictures of its time still counts for them."""
_KEPT = timedelta(seconds=60)  # longer than the clocks of two hosts are apart


class TogetherSettings(Stanza):
    """What a sensor must say beside the camera."""

    sensor: Id
    """A sensor."""
    at_least: float | None = Field(default=None, ge=-1e9, le=1e9)
    """It speaks for the rule with this value or a higher one; or …"""
    at_most: float | None = Field(default=None, ge=-1e9, le=1e9)
    """… with this or a lower one."""
    within_s: float = Field(default=10, gt=0, le=120)
    """Seconds before or after a picture in which it must have said so. While the sensor is silent for longer
    than its stanza allows, the camera decides alone."""

    @model_validator(mode="after")
    def _one_threshold(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("exactly one of 'at_least' and 'at_most'")
        return self

    def speaks(self, value: float) -> bool:
        """Say whether ``value`` is what it waits for."""
        if self.at_least is not None:
            return value >= self.at_least
        return self.at_most is not None and value <= self.at_most

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield a sensor that there is none of."""
        if self.sensor not in config.sensors:
            allowed = ", ".join(sorted(config.sensors)) or "nothing: none is configured"
            yield Problem(("sensor",), repr(self.sensor), f"one of {allowed}")
        elif config.sensors[self.sensor].silent_s is None:
            found = f"{self.sensor!r}, whose silence says nothing (silent_s: null)"
            yield Problem(("sensor",), found, "a sensor that speaks every so many seconds")


Seen = tuple[Observation, Sighting]


@dataclass(frozen=True, slots=True)
class Waiting:
    """The newest readings, (at, whether it speaks), and the sightings that wait, in the camera's order."""

    readings: tuple[tuple[datetime, bool], ...] = ()
    sightings: tuple[Seen, ...] = ()


@dataclass(frozen=True)
class Together:
    """The two of a rule: its settings and the sensor that they name."""

    settings: TogetherSettings
    sensor: Sensor

    @property
    def memory_s(self) -> float:
        """For how long readings matter."""
        return self.sensor.patience_s + 2 * self.settings.within_s + LATE_S

    def heard(self, waiting: Waiting, reading: Reading) -> Waiting:
        """Take note of a reading; one that says nothing is as none."""
        if reading.value is None or fault(self.sensor, reading) is not None:
            return waiting
        since = reading.at - 2 * self._within - _KEPT
        # The newest of those that are too old to speak tells that the sensor was not silent.
        old = [known for known in waiting.readings if known[0] < since][-1:]
        new = [known for known in waiting.readings if known[0] >= since]
        return replace(waiting, readings=(*old, *new, (reading.at, self.settings.speaks(reading.value))))

    def seen(self, waiting: Waiting, seen: Seen) -> Waiting:
        """Take note of a sighting: it waits."""
        return replace(waiting, sightings=(*waiting.sightings, seen))

    def decided(self, waiting: Waiting) -> tuple[Waiting, list[Seen]]:
        """Return the sightings that wait no longer, in their order; without the sensor nobody is a member."""
        done = list(self._decided(waiting))
        return replace(waiting, sightings=waiting.sightings[len(done) :]), done

    @property
    def _within(self) -> timedelta:
        return timedelta(seconds=self.settings.within_s)

    def _decided(self, waiting: Waiting) -> Iterator[Seen]:
        for observation, sighting in waiting.sightings:
            at, newest = sighting.captured_at, waiting.sightings[-1][1].captured_at
            spoken = any(speaks and abs(said - at) <= self._within for said, speaks in waiting.readings)
            if not spoken and sighting.members:
                if newest <= at + self._within + timedelta(seconds=LATE_S):
                    return
                if not self._silent(waiting, at):
                    yield observation, _alone(sighting)
                    continue
            yield observation, sighting

    def _silent(self, waiting: Waiting, at: datetime) -> bool:
        last = max((said for said, _ in waiting.readings if said <= at + self._within), default=None)
        return last is None or (at - last).total_seconds() >= self.sensor.patience_s


def _alone(sighting: Sighting) -> Sighting:
    """Return a sighting that nothing bears out: whoever is there may be there."""
    return replace(sighting, members=(), present=(*sighting.members, *sighting.present))
