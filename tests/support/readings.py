"""Scripted readings of sensors."""

from __future__ import annotations

from lianfang.events import Reading
from tests.support.observations import at

GAUGE = {"name": "东岸水位", "point": "bank", "kind": "water_level", "unit": "m", "low": 0, "high": 8}


def reading(
    seconds: float,
    value: float | None,
    *,
    sensor: str = "gauge",
    kind: str = "water_level",
    unit: str = "m",
    epoch: str | None = "c",
) -> Reading:
    """Return what a sensor measured at ``seconds``; without an epoch it is somebody else's word."""
    return Reading(sensor_id=sensor, kind=kind, value=value, unit=unit, at=at(seconds), epoch=epoch)


def silence(seconds: float, sensor: str = "gauge") -> Reading:
    """Return the word of who has waited for a sensor in vain."""
    return reading(seconds, None, sensor=sensor, epoch=None)
