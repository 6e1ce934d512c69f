"""Sensors: what they measure, where, and what they can measure at all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, SerializeAsAny, model_validator

from lianfang.config.gateway import Push
from lianfang.config.stanza import Id, Problem, Stanza
from lianfang.plugins import PluginConfig

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lianfang.config.model import Config

SensorSourceStanza = Annotated[SerializeAsAny[Stanza], PluginConfig("ingest.sensors").validator()]


class Sensor(Stanza):
    """One sensor, such as a water gauge or an infra-red motion detector."""

    name: str = Field(min_length=1, max_length=100)
    """As it is called on the console."""
    point: Id
    """The monitoring point that it stands at."""
    kind: Id
    """What it measures, such as water_level, fill, tilt, turbidity, smoke, access or motion."""
    unit: str = Field(default="", max_length=20)
    """Unit of its values, such as m; a reading in another one is a fault of the sensor."""
    low: float | None = Field(default=None, ge=-1e9, le=1e9)
    """The lowest value that it can give, in its unit; a lower one is a fault of the sensor and no alarm."""
    high: float | None = Field(default=None, ge=-1e9, le=1e9)
    """The highest value that it can give, in its unit."""
    silent_s: float | None = Field(default=600, ge=1, le=86400)
    """Seconds without a reading after which it counts as broken; null where it only speaks when something
    happens, and its silence says nothing."""
    source: SensorSourceStanza | None = None
    """Where its readings are read; not given where they are sent (`push`), or said by hand (`lianfang
    reading`)."""
    push: Push | None = None
    """How its readings are sent to our API, in place of a `source`."""
    repeat_s: float | None = Field(default=None, ge=1, le=3600)
    """Where a source only tells of changes: seconds after which the last value is said again, for as long as
    the connection stands. Rules with `for_s` need it. It hides that the sensor itself has died."""

    @model_validator(mode="after")
    def _some_range(self) -> Self:
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"a 'high' above 'low', which is {self.low}")
        if self.source is not None and self.push is not None:
            raise ValueError("one of 'source' and 'push'")
        if self.repeat_s is not None and self.source is None:
            raise ValueError("'repeat_s' only with a 'source'")
        return self

    @property
    def patience_s(self) -> float:
        """Seconds without a reading after which it counts as broken; infinite where silence says nothing."""
        return math.inf if self.silent_s is None else self.silent_s

    def gives(self, value: float) -> bool:
        """Say whether it can measure ``value``, in its unit."""
        return (self.low is None or self.low <= value) and (self.high is None or value <= self.high)

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield a point that there is none of."""
        if self.point not in config.points:
            allowed = ", ".join(sorted(config.points)) or "nothing: none is configured"
            yield Problem(("point",), repr(self.point), f"one of {allowed}")
