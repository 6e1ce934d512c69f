"""Run the reader of sensors and look at what it publishes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

import aiomqtt
from prometheus_client import CollectorRegistry

from ingest.metrics import SensorMetrics
from ingest.sensing import SensorsWorker
from lianfang.clock import SystemClock
from lianfang.codec import decode_event
from lianfang.config import Community, Config, Sensor
from lianfang.config.broker import Broker
from lianfang.events import DEAD_LETTER, READINGS, Reading
from tests.support.fake_bus import FakeBus


@dataclass(frozen=True)
class Sensing:
    """Sensors that are read, and their bus."""

    bus: FakeBus
    registry: CollectorRegistry

    def readings(self, sensor: str) -> list[Reading]:
        """Return what was published of a sensor, in that order."""
        records = [r for r in list(self.bus.records) if r.position.topic == READINGS]
        events = [decode_event(r.value, r.headers) for r in records]
        return [e for e in events if isinstance(e, Reading) and e.sensor_id == sensor]

    def values(self, sensor: str) -> list[float | None]:
        """Return the values of a sensor, in the order of publishing."""
        return [reading.value for reading in self.readings(sensor)]

    def dead(self) -> list[tuple[str, str, bytes]]:
        """Return (where it came from, what is wrong with it, what it was) of messages that say nothing."""
        records = [r for r in list(self.bus.records) if r.position.topic == DEAD_LETTER]
        return [(r.headers["source"], r.headers["reason"], r.value) for r in records]

    def connected(self, sensor: str) -> bool:
        """Say whether its connection stands."""
        return self.registry.get_sample_value("lianfang_sensor_connected", {"sensor": sensor}) == 1

    def until(self, condition: Callable[[], object]) -> None:
        """Return once it holds."""
        self.bus.wait(condition)


def configured(sensors: Mapping[str, Mapping[str, Any]], port: int) -> Config:
    """Return a configuration of nothing but sensors, and of the broker ``town`` at ``port``."""
    return Config.model_construct(
        community=Community(name="Test"),
        cameras={},
        detectors={},
        rules={},
        networks=(ip_network("127.0.0.0/8"),),
        brokers={"town": Broker(host="127.0.0.1", port=port)},
        sensors={
            name: Sensor.model_validate({"name": name, "point": "bank", "kind": "water_level", **stanza})
            for name, stanza in sensors.items()
        },
    )


@contextmanager
def sensing(
    sensors: Mapping[str, Mapping[str, Any]], port: int, lost_s: float = 15, *, connected: bool = True
) -> Iterator[Sensing]:
    """Read ``sensors`` (id to stanza) in a thread for as long as the block runs."""
    bus, registry, stop = FakeBus(), CollectorRegistry(), threading.Event()
    worker = SensorsWorker(configured(sensors, port), bus, SystemClock(), SensorMetrics(registry), lost_s)
    running = Sensing(bus, registry)
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        if connected:
            running.until(lambda: all(running.connected(sensor) for sensor in sensors))
        yield running
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive(), "the reader of sensors did not stop"


def tell(port: int, *messages: tuple[str, bytes], retain: bool = False) -> None:
    """Publish messages, in their order, as a device does."""

    async def publish() -> None:
        async with aiomqtt.Client("127.0.0.1", port) as client:
            for topic, payload in messages:
                await client.publish(topic, payload, 1, retain)

    asyncio.run(publish())
