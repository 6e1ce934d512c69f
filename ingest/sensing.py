"""Reads sensors, each connection in a task of one event loop, for ever."""

from __future__ import annotations

import asyncio
import random
import threading
import traceback
from collections.abc import Mapping
from contextlib import aclosing, suppress

import structlog

from ingest.backoff import Backoff
from ingest.metrics import SensorMetrics
from ingest.readings import ReadingPublisher, repeated
from ingest.sensors.base import Said, Source, SourceLost, Unread
from lianfang import plugins
from lianfang.bus import Bus
from lianfang.clock import Clock
from lianfang.config import Config, Sensor, Stanza
from lianfang.ids import new_epoch
from lianfang.redact import redact
from lianfang.tasks import end

_log = structlog.get_logger()

LOST_S = 15.0
"""A connection that is away for so long is a fault of its sensors; until then it is a hiccup."""
STABLE_S = 30.0
"""A connection that held for so long makes the next wait a short one again."""


class Connection:
    """Listens to the sensors of one source; lost and heard again are said once each."""

    def __init__(
        self,
        sensors: Mapping[str, Sensor],
        source: Source,
        publisher: ReadingPublisher,
        clock: Clock,
        metrics: SensorMetrics,
        lost_s: float = LOST_S,
    ) -> None:
        self._sensors, self._source, self._publisher = sensors, source, publisher
        self._clock, self._metrics, self._lost_s = clock, metrics, lost_s
        self._backoff = Backoff(random.Random())  # noqa: S311 - jitter, not a secret
        self._epoch = new_epoch()
        self._stands_since_s: float | None = None
        self._last: dict[str, tuple[float, Said]] = {}  # by sensor: when it was said, and what
        self._trouble = ""
        self._said_lost = False
        named = sorted(sensors)
        self._log = _log.bind(sensors=[*named[:5], *(["…"] if len(named) > 5 else [])], count=len(named))

    async def run(self) -> None:
        """Listen until cancelled, whatever happens."""
        self._show(standing=False)
        watching = asyncio.create_task(self._watch())
        try:
            while True:
                try:
                    await self._hear()
                except SourceLost as error:
                    self._lost(str(error))
                except Exception as error:  # noqa: BLE001 - its outermost loop: nothing may end it
                    trace = redact("".join(traceback.format_exception(error)))
                    if f"internal error: {error!r}" != self._trouble:
                        self._log.error("sensors_fault", trace=trace)
                    self._lost(f"internal error: {error!r}")
                await asyncio.sleep(self._backoff.next_s())
        finally:
            await end(watching)

    async def _hear(self) -> None:
        self._epoch = new_epoch()
        async with aclosing(self._source.open()) as heard:
            async for what in heard:
                self._stands()
                if isinstance(what, Unread):
                    self._publisher.unread(what)
                elif isinstance(what, Said):
                    self._last[what.sensor_id] = self._clock.monotonic(), what
                    self._publisher.say(what, self._epoch)
        raise SourceLost("it ended")

    def _stands(self) -> None:
        if self._stands_since_s is None:
            self._stands_since_s = self._clock.monotonic()
            self._trouble, self._said_lost = "", False
            self._show(standing=True)
            self._log.info("sensors_heard")

    def _lost(self, reason: str) -> None:
        since_s, self._stands_since_s = self._stands_since_s, None
        self._last.clear()
        self._show(standing=False)
        if since_s is not None and self._clock.monotonic() - since_s > STABLE_S:
            self._backoff.reset()
        if since_s is not None or not self._trouble:
            self._log.warning("sensors_lost", reason=reason)
        self._trouble = reason

    async def _watch(self) -> None:
        """Say again what was said last, where that is asked for, and that sensors are lost."""
        away_since_s = self._clock.monotonic()
        while True:
            await asyncio.sleep(0.5)
            now_s = self._clock.monotonic()
            if self._stands_since_s is not None:
                away_since_s = now_s
                self._repeat(now_s)
            elif now_s - away_since_s >= self._lost_s and not self._said_lost:
                self._said_lost = True
                self._log.warning("sensors_away", reason=self._trouble)
                for sensor_id in self._sensors:
                    self._publisher.lost(sensor_id, self._epoch, self._trouble or "no connection yet")

    def _repeat(self, now_s: float) -> None:
        for sensor_id, (at_s, said) in self._last.items():
            every_s = self._sensors[sensor_id].repeat_s
            if every_s is not None and now_s - at_s >= every_s:
                self._last[sensor_id] = now_s, said
                self._publisher.say(repeated(said), self._epoch)

    def _show(self, *, standing: bool) -> None:
        for sensor_id in self._sensors:
            self._metrics.connected.labels(sensor_id).set(standing)


class SensorsWorker:
    """Reads all sensors of ``config`` that have a source."""

    def __init__(
        self, config: Config, bus: Bus, clock: Clock, metrics: SensorMetrics, lost_s: float = LOST_S
    ) -> None:
        self._publisher = ReadingPublisher(config, bus, clock, metrics)
        self._connections = [
            Connection(
                {sensor: config.sensors[sensor] for sensor in group},
                source_of(config, group, clock),
                self._publisher,
                clock,
                metrics,
                lost_s,
            )
            for group in connections(config)
        ]

    def ready(self) -> Mapping[str, str]:
        """Return per component "ok", or what is wrong with it. Sensors may be away: no fault of ours."""
        return {"bus": "readings are lost" if self._publisher.losing else "ok"}

    def run(self, stop: threading.Event) -> None:
        """Read until ``stop`` is set."""
        asyncio.run(self._run(stop))

    async def _run(self, stop: threading.Event) -> None:
        tasks = [asyncio.create_task(connection.run()) for connection in self._connections]
        with suppress(asyncio.CancelledError):
            await asyncio.to_thread(stop.wait)
        await end(*tasks)


def connections(config: Config) -> list[Mapping[str, Stanza]]:
    """Return the stanzas of the sensors that are read, by sensor, those of one connection together."""
    groups: dict[object, dict[str, Stanza]] = {}
    for sensor_id, sensor in config.sensors.items():
        if sensor.source is not None:
            shared = getattr(sensor.source, "shares", None)
            which = sensor_id if shared is None else (shared,)
            groups.setdefault((type(sensor.source), which), {})[sensor_id] = sensor.source
    return list(groups.values())


def source_of(config: Config, stanzas: Mapping[str, Stanza], clock: Clock) -> Source:
    """Return the source of some sensors of one connection."""
    first = next(iter(stanzas.values()))
    source: Source = plugins.build("ingest.sensors", first, stanzas, config, clock)
    return source
