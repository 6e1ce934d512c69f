"""Readings that gateways send to our API: whose they are, what they say, into the log."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lianfang import codec
from lianfang.biometrics import without_biometrics
from lianfang.bus import Bus, Position
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.config.gateway import Gateway
from lianfang.config.payload import Payload
from lianfang.config.sharing import log_keys
from lianfang.errors import TransientError
from lianfang.events import READINGS, Reading
from lianfang.ids import new_epoch
from lianfang.payloads import BadPayload, Measured, at_place, is_of, measured

MOST = 500
"""Readings in one body."""
_WAIT_S = 5.0
_STEP = timedelta(milliseconds=1)
_SET_BACK = timedelta(seconds=30)  # of the host's clock; a new connection may begin so far behind


class BadBody(ValueError):  # noqa: N818 - reads as the fact it states
    """A body that holds no readings: what was found, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The reading of a body, by its number from 0 on, that is none: whose it would be, and what is wrong."""

    index: int
    sensor_id: str
    problem: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a body: how many readings are in the log, which are not, what was never kept."""

    taken: int
    refused: tuple[Refused, ...]
    dropped: tuple[str, ...]


Write = Callable[[Reading], Future[Position]]
"""Puts a reading into the log; TransientError where that cannot be now, at once or by its future."""


class Intake:
    """Takes bodies of gateways, in any thread. Every reading is later than the one before of its sensor."""

    def __init__(self, config: Config, write: Write, clock: Clock) -> None:
        self._config, self._write, self._clock = config, write, clock
        self._lock = threading.Lock()
        self._epoch, self._last = new_epoch(), dict[str, datetime]()
        self._tokens = {name: gateway.token.read() for name, gateway in config.gateways.items()}

    def gateway(self, name: str) -> tuple[Gateway, str] | None:
        """Return a gateway with its token, None where there is none of that name."""
        found = self._config.gateways.get(name)
        return None if found is None else (found, self._tokens[name])

    def gateway_of(self, sensor_id: str) -> str:
        """Return who sends the readings of a sensor, "" for nobody."""
        sensor = self._config.sensors.get(sensor_id)
        return sensor.push.gateway if sensor is not None and sensor.push is not None else ""

    def take(self, gateway: str, raw: bytes, only: str | None = None) -> Taken:
        """Put what a body says into the log, of all sensors of a gateway or of ``only`` one, and return it.

        BadBody where it says nothing; TransientError where the log does not take it, or not all: sent again,
        what is in the log is no second reading if it has an id or a time.
        """
        items, dropped = _items(self._config.gateways[gateway], raw)
        sensors = self._payloads(gateway, only)
        said: list[tuple[str, Measured]] = []
        refused: list[Refused] = []
        for index, item in enumerate(items):
            mine = [name for name, payload in sensors.items() if is_of(payload, item)]
            if not mine:
                refused.append(Refused(index, only or "", "found a reading of no sensor that is configured"))
            for name in mine:
                try:
                    said.append((name, measured(sensors[name], item, self._config.community.zone)))
                except BadPayload as error:
                    refused.append(Refused(index, name, str(error)))
        self._publish(said)
        return Taken(len(said), tuple(refused), dropped)

    def _payloads(self, gateway: str, only: str | None) -> dict[str, Payload]:
        """Return how readings of a gateway's sensors are read, by sensor."""
        pushed = ((name, sensor.push) for name, sensor in self._config.sensors.items())
        return {
            name: push.payload
            for name, push in pushed
            if push is not None and push.gateway == gateway and only in (None, name)
        }

    def _publish(self, said: Sequence[tuple[str, Measured]]) -> None:
        with self._lock:  # in the log they lie in the order of their times
            writing = [self._write(reading) for reading in self._dated(said)]
        for future in writing:
            try:
                future.result(_WAIT_S)
            except TimeoutError as error:
                raise TransientError("the log does not take it") from error

    def _dated(self, said: Sequence[tuple[str, Measured]]) -> list[Reading]:
        """Return them in host time: the newest of a sensor is of now, those before as its clock says."""
        now = self._clock.now()
        if any(last - now >= _SET_BACK for last in self._last.values()):
            self._epoch = new_epoch()
            self._last.clear()
        newest: dict[str, datetime] = {}
        for name, what in said:
            if what.device_time is not None:
                newest[name] = max(what.device_time, newest.get(name, what.device_time))
        dated = [
            (now - (newest[name] - what.device_time) if what.device_time else now, name, what)
            for name, what in said
        ]
        return [self._reading(name, what, at) for at, name, what in sorted(dated, key=lambda one: one[0])]

    def _reading(self, name: str, what: Measured, at: datetime) -> Reading:
        last, sensor = self._last.get(name), self._config.sensors[name]
        self._last[name] = at = at if last is None else max(at, last + _STEP)
        return Reading(
            sensor_id=name,
            kind=sensor.kind,
            value=what.value,
            unit=sensor.unit if what.unit is None else what.unit,
            at=at,
            epoch=self._epoch,
            id=what.id,
            device_time=what.device_time,
            attributes=dict(what.attributes),
        )


def writer(config: Config, bus: Bus) -> Write:
    """Return what puts readings into the log of ``bus``, under the keys of ``config``."""
    keys = log_keys(config)
    return lambda reading: bus.publish(READINGS, keys[reading.sensor_id], *codec.encode_event(reading))


def _items(gateway: Gateway, raw: bytes) -> tuple[list[Any], tuple[str, ...]]:
    """Return the readings of a body, and the places in it of what is never kept."""
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadBody(f"found no JSON ({error}); allowed: JSON in UTF-8") from error
    data, dropped = without_biometrics(data)
    found = at_place(data, gateway.readings)
    items = found if isinstance(found, list) else [found]
    if found is None or not 1 <= len(items) <= MOST:
        what = "nothing" if found is None else f"{len(items)} readings"
        raise BadBody(f"{gateway.readings or 'the body'}: found {what}; allowed: 1 to {MOST} readings")
    return items, dropped
