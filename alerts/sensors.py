"""What a reading is worth, and which sensors there are. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from lianfang.config import Config, Problem, Sensor
from lianfang.events import Reading

Fault = Literal["sensor_silent", "sensor_implausible"]
FAULTS: frozenset[str] = frozenset({"sensor_silent", "sensor_implausible"})


def fault(sensor: Sensor, reading: Reading) -> Fault | None:
    """Return what a reading says is wrong with its sensor, None where it is a measurement.

    A value that it cannot give, or in another unit or of another kind than it has, says nothing about what
    it measures: neither an alarm nor that all is well.
    """
    if reading.value is None:
        return "sensor_silent"
    meant = (reading.kind, reading.unit) == (sensor.kind, sensor.unit)
    return None if meant and sensor.gives(reading.value) else "sensor_implausible"


def unknown_sensors(sensors: Iterable[str], config: Config) -> Iterable[Problem]:
    """Yield the ``sensors`` of a stanza's key of that name that there are none of."""
    for i, sensor in enumerate(sensors):
        if sensor not in config.sensors:
            allowed = ", ".join(sorted(config.sensors)) or "nothing: none is configured"
            yield Problem(("sensors", i), repr(sensor), f"one of {allowed}")
