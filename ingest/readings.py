"""Hands what sensors say to the bus, in host time."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import CancelledError, Future
from dataclasses import replace

import structlog

from ingest.metrics import SensorMetrics
from ingest.sensors.base import Said, Unread
from ingest.timing import CaptureTimes, HostTime
from lianfang.bus import Bus, Position
from lianfang.clock import Clock
from lianfang.codec import encode_event
from lianfang.config import Config
from lianfang.config.sharing import log_keys
from lianfang.errors import LianfangError
from lianfang.events import DEAD_LETTER, READINGS, Reading

_log = structlog.get_logger()
_NAMED = 1000  # topics at which a fault was named


class ReadingPublisher:
    """Publishes readings, each later than the one before of its sensor; counts what became of them.

    A fault of a message is named once for its topic and sensor, until one can be read again. One thread
    publishes; answers of the bus come in its own.
    """

    def __init__(self, config: Config, bus: Bus, clock: Clock, metrics: SensorMetrics) -> None:
        self._sensors, self._keys = config.sensors, log_keys(config)
        self._bus, self._metrics = bus, metrics
        self._host = HostTime(clock)
        self._times: defaultdict[str, CaptureTimes] = defaultdict(CaptureTimes)
        self._named: defaultdict[str, dict[str, str]] = defaultdict(dict)  # by sensor and topic
        self.losing = False
        """Whether the bus did not take the last reading that it has answered for."""

    def say(self, said: Said, epoch: str) -> None:
        """Publish what a sensor said over the connection ``epoch``."""
        self._named.pop(said.sensor_id, None)
        sensor = self._sensors[said.sensor_id]
        unit = sensor.unit if said.unit is None else said.unit
        reading = self._reading(said.sensor_id, said.value, unit, epoch)
        self._publish(
            reading.model_copy(
                update={
                    "id": said.id,
                    "device_time": said.device_time,
                    "attributes": dict(said.attributes),
                }
            )
        )

    def lost(self, sensor_id: str, epoch: str, reason: str) -> None:
        """Publish that a sensor gives no value, because of ``reason``."""
        none = self._reading(sensor_id, None, self._sensors[sensor_id].unit, epoch)
        self._publish(none.model_copy(update={"reason": reason}))

    def unread(self, unread: Unread) -> None:
        """Put a message that says no reading into the dead letter, and name its fault once."""
        self._metrics.unread.labels(unread.sensor_id).inc()
        named, where = self._named[unread.sensor_id], unread.where
        if named.get(where) != unread.problem and len(named) < _NAMED:
            named[where] = unread.problem
            _log.warning("message_unread", where=where, sensor_id=unread.sensor_id, problem=unread.problem)
        headers = {"source": unread.where, "sensor_id": unread.sensor_id, "reason": unread.problem}
        try:
            self._bus.publish(DEAD_LETTER, unread.sensor_id or unread.where, unread.raw, headers)
        except LianfangError:
            return  # it is counted, and named

    def _reading(self, sensor_id: str, value: float | None, unit: str, epoch: str) -> Reading:
        at = self._times[sensor_id].next(self._host.now())
        kind = self._sensors[sensor_id].kind
        return Reading(sensor_id=sensor_id, kind=kind, value=value, unit=unit, at=at, epoch=epoch)

    def _publish(self, reading: Reading) -> None:
        value, headers = encode_event(reading)
        try:
            future = self._bus.publish(READINGS, self._keys[reading.sensor_id], value, headers)
        except LianfangError as error:
            self._untaken(reading.sensor_id, error)
            return
        future.add_done_callback(lambda done: self._answered(reading.sensor_id, done))

    def _answered(self, sensor_id: str, future: Future[Position]) -> None:
        error = CancelledError() if future.cancelled() else future.exception()
        if error is not None:
            self._untaken(sensor_id, error)
            return
        self._metrics.published.labels(sensor_id).inc()
        if self.losing:
            self.losing = False
            _log.info("readings_taken_again")

    def _untaken(self, sensor_id: str, error: BaseException) -> None:
        self._metrics.lost.labels(sensor_id).inc()
        if not self.losing:
            self.losing = True
            _log.warning("readings_lost", reason=str(error))


def repeated(said: Said) -> Said:
    """Return what a sensor said last as it is said again: it is no new message of its own."""
    return replace(said, id="", device_time=None)
