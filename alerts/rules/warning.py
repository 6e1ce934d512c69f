"""``kind: warning``: another platform warns of something at a point, such as a fraud under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from alerts.listening import HappeningSettings, member, sighted
from alerts.rules.base import Sighting
from alerts.sensors import fault
from lianfang.config import Config as Root
from lianfang.config import Sensor
from lianfang.events import Reading


class Config(HappeningSettings):
    """A warning comes. Each is an incident of its own, by the number that the platform gives it."""

    kind: Literal["warning"]
    at_least: float = Field(default=1, ge=-1e9, le=1e9)
    """The level (the value) from which on it counts. The platform's words are shown as its own; what is
    spoken is the text of this rule, and nothing of them."""


@dataclass(frozen=True)
class Warnings:
    """The rule for the sensors of its stanza, each a platform at a point. It keeps nothing."""

    config: Config
    sensors: Mapping[str, Sensor]

    def initial(self) -> None:
        """Return nothing."""

    def step_reading(self, state: None, reading: Reading) -> tuple[None, Sighting | None]:
        """Say that a warning came; a fault of the sensor is none."""
        if reading.value is None or fault(self.sensors[reading.sensor_id], reading) is not None:
            return state, None
        counts = reading.value >= self.config.at_least
        return state, sighted(reading, [member(reading, reading.id)] if counts else [])


def build(config: Config, root: Root) -> Warnings:
    """Return the rule with its sensors."""
    return Warnings(config, {s: root.sensors[s] for s in config.sensors})
