"""``lianfang reading``: say to a running installation what a sensor measures, for a drill or a test."""

from __future__ import annotations

import argparse
import math
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from lianfang import codec
from lianfang.bus.connect import join
from lianfang.clock import Clock, SystemClock, read_time
from lianfang.config import Config, load
from lianfang.config.sharing import log_keys
from lianfang.errors import LianfangError, TransientError
from lianfang.events import READINGS, Reading

_WAIT_S = 10.0
_BY_HAND = "by hand"  # one connection for ever: what is older than the newest reading is late


def main(argv: Sequence[str]) -> int:
    """Publish a reading and return 0; 2 where something is wrong with what it was given, 1 without a bus."""
    arguments = _parser().parse_args(argv)
    clock = SystemClock()
    try:
        config = load(arguments.config)
        reading = asked(config, clock, arguments.sensor, arguments.value, arguments.unit, arguments.at)
        publish(config, clock, reading, _WAIT_S)
    except TransientError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except (LianfangError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sensor, local = config.sensors[reading.sensor_id], reading.at.astimezone(config.community.zone)
    said = f"{sensor.name}: {arguments.value:g} {reading.unit}".rstrip()
    broken = "" if sensor.gives(arguments.value) else "; that is none it can measure: a fault of the sensor"
    sys.stdout.write(f"{said}, {local.isoformat(timespec='seconds')}{broken}\n")
    return 0


def asked(
    config: Config, clock: Clock, sensor_id: str, value: float, unit: str | None = None, at: str | None = None
) -> Reading:
    """Return the reading that is asked for, of now without an ``at``; ValueError where it cannot be."""
    sensor = config.sensors.get(sensor_id)
    if sensor is None:
        allowed = ", ".join(sorted(config.sensors)) or "nothing: none is configured"
        raise ValueError(f"SENSOR: found {sensor_id!r}; allowed: {allowed}")
    if not math.isfinite(value):
        raise ValueError(f"VALUE: found {value}; allowed: a number")
    if unit is not None and unit != sensor.unit:
        raise ValueError(f"--unit: found {unit!r}; allowed: {sensor.unit!r}, which {sensor_id} measures in")
    now = clock.now()
    moment = now if at is None else _time(at, config)
    if moment > now:
        raise ValueError(
            f"--at: found {at!r}; allowed: a time that is not to come: what follows would be late"
        )
    return Reading(
        sensor_id=sensor_id, kind=sensor.kind, value=value, unit=sensor.unit, at=moment, epoch=_BY_HAND
    )


def publish(config: Config, clock: Clock, reading: Reading, wait_s: float) -> None:
    """Put a reading into the log of a running installation; TransientError where that takes too long."""
    stop = threading.Event()
    patience = threading.Timer(wait_s, stop.set)
    patience.daemon = True
    patience.start()
    try:
        with join(config, clock, stop) as bus:
            if bus is None:
                where = config.data_dir if config.bus_is_embedded else config.bus
                raise TransientError(f"no bus at {where} within {wait_s:g} s: does the installation run?")
            key = log_keys(config)[reading.sensor_id]
            bus.publish(READINGS, key, *codec.encode_event(reading)).result(wait_s)
    except TimeoutError as error:
        raise TransientError(f"the bus does not take the reading within {wait_s:g} s") from error
    finally:
        patience.cancel()


def _time(text: str, config: Config) -> datetime:
    try:
        return read_time(text, config.community.zone).astimezone(UTC)
    except ValueError as error:
        allowed = "a time such as 2026-07-01T18:00, in the community's time zone"
        raise ValueError(f"--at: found {text!r}; allowed: {allowed}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lianfang reading", description=__doc__)
    parser.add_argument("config", type=Path, help="configuration file (YAML) of the installation")
    parser.add_argument("sensor", metavar="SENSOR", help="a sensor of the configuration")
    parser.add_argument("value", type=float, metavar="VALUE", help="what it measures, in its unit")
    parser.add_argument("--unit", help="refuse the reading unless the sensor measures in this unit")
    parser.add_argument("--at", metavar="TIME", help="when it was measured, such as 2026-07-01T18:00; now")
    return parser
