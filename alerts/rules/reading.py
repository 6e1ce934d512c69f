"""``kind: reading``: what a sensor measures is too high or too low, for a while."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from alerts.hysteresis import Switch
from alerts.listening import ListeningSettings, member, sighted
from alerts.rules.base import Sighting
from alerts.sensors import fault
from lianfang.config import Config as Root
from lianfang.config import Problem, Sensor
from lianfang.events import Reading


class Config(ListeningSettings):
    """A value is at a threshold or beyond it. The sensor's point is the place."""

    kind: Literal["reading"]
    at_least: float | None = Field(default=None, ge=-1e9, le=1e9)
    """It begins when the value is this or higher, in the sensors' unit; or …"""
    at_most: float | None = Field(default=None, ge=-1e9, le=1e9)
    """… when it is this or lower."""
    until: float | None = Field(default=None, ge=-1e9, le=1e9)
    """It is over once the value is back at this; as soon as it leaves the threshold where not given."""
    for_s: float = Field(default=0, ge=0, le=86400)
    """Seconds that readings must have said so, either way: a wave is no flood."""

    @model_validator(mode="after")
    def _one_threshold(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("exactly one of 'at_least' and 'at_most'")
        if self.until is not None and self.reached(self.until):
            side = "below 'at_least'" if self.at_least is not None else "above 'at_most'"
            raise ValueError(f"an 'until' {side}")
        return self

    @property
    def memory_s(self) -> float:
        """How long it must be so."""
        return max(60, self.for_s)

    def reached(self, value: float) -> bool:
        """Say whether ``value`` is at the threshold or beyond."""
        if self.at_least is not None:
            return value >= self.at_least
        return self.at_most is not None and value <= self.at_most

    def over(self, value: float) -> bool:
        """Say whether, after it has begun, ``value`` says that it is over."""
        if self.until is None:
            return not self.reached(value)
        return value <= self.until if self.at_least is not None else value >= self.until

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield what every such rule must not have, and values that a sensor cannot give."""
        yield from super().check(config)
        for sensor in (config.sensors[s] for s in self.sensors if s in config.sensors):
            for key in ("at_least", "at_most", "until"):
                value = getattr(self, key)
                if value is not None and not sensor.gives(value):
                    yield Problem((key,), str(value), f"a value that {sensor.name} can give")


@dataclass(frozen=True)
class Threshold:
    """The rule for the sensors of its stanza."""

    config: Config
    sensors: Mapping[str, Sensor]

    lasting: ClassVar[TypeAdapter[Switch]] = TypeAdapter(Switch)

    def initial(self) -> Switch:
        """Return the state in which all is well."""
        return Switch()

    def step_reading(self, state: Switch, reading: Reading) -> tuple[Switch, Sighting | None]:
        """Compare a value; a fault of the sensor changes nothing: what was so may still be so."""
        if reading.value is None or fault(self.sensors[reading.sensor_id], reading) is not None:
            return state, None
        otherwise = self.config.over(reading.value) if state.on else self.config.reached(reading.value)
        state = state.turned(otherwise=otherwise, at=reading.at, for_s=self.config.for_s)
        seen = sighted(reading, (member(reading),) if state.on else ())
        return state, replace(seen, figures={"": {reading.kind: reading.value}})


def build(config: Config, root: Root) -> Threshold:
    """Return the rule with its sensors."""
    return Threshold(config, {s: root.sensors[s] for s in config.sensors})
