"""Who watches the watchers: canaries through every partition, and for how long each camera has been blind.

A canary is published like an observation, and heard once the worker's transaction that read it is committed:
it proves bus, worker and store together. Blindness is the age of the newest observation of a camera that a
rule looks at, whatever the reason; of a sensor that a rule listens to it is that of its newest reading.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from alerts.pipeline.coverage import BLIND
from alerts.pipeline.order import Event, is_missed
from alerts.rules.base import RuleSettings
from lianfang import codec
from lianfang.bus import Bus, TopicPartition
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.config.sharing import log_keys
from lianfang.errors import LianfangError
from lianfang.events import OBSERVATIONS, READINGS, CameraCondition, CameraState, Canary, Reading

_log = structlog.get_logger()

CANARY_EVERY_S = 5.0
CANARY_LATE_S = 20.0  # four in a row did not arrive
START_S = 30.0  # until cameras are connected to and models loaded, after a start
BLIND_AGAIN_S = 30.0  # who could not write it into the log the first time does it then
_KEYS = 1000  # so many keys reach every one of some dozen partitions


class Watch(Collector):
    """What the alert worker has heard and seen, and what is missing. Thread-safe."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        partition_of: Callable[[str, str], int] = lambda _topic, _key: 0,
        in_force: Callable[[], Config] | None = None,
    ) -> None:
        """``partition_of`` says where in a topic of the log the events of a key are.

        ``in_force`` gives the configuration that is in force, of which ``config`` is the file.
        """
        self._config, self._clock = config, clock
        self._in_force = in_force or (lambda: config)
        self._lock = threading.Lock()
        self._partition_of = partition_of
        self._places = {
            source: TopicPartition(topic, partition_of(topic, key))
            for source, key in log_keys(config).items()
            for topic in [READINGS if source in config.sensors else OBSERVATIONS]
        }
        self._mine: dict[str, datetime] = {}  # sources that this worker decides about, and since when
        self._heard: dict[TopicPartition, float] = {}
        self._took_s: dict[TopicPartition, float] = {}
        self._seen: dict[str, datetime] = {}
        self._said: dict[str, float] = {}  # silent sources, and when that was last said
        self._look_at(config)

    def turned(self, partitions: Iterable[TopicPartition]) -> list[Event]:
        """Note that the worker turned its loop over ``partitions``.

        Return what is to be said of cameras that are blind and sensors that are silent, and of whom that
        has not been said for a while.
        """
        now = self._clock.monotonic()
        with self._lock:
            self._heard = {p: self._heard.get(p, now) for p in partitions}
            self._take()
            ages = {source: self._blind_s(source) for source in self._mine}
            blind = {source for source, age in ages.items() if age >= self._patience_s(source)}
            lost, found = blind - self._said.keys(), self._said.keys() & ages.keys() - blind
            due = [c for c in sorted(blind) if c in lost or now - self._said[c] >= BLIND_AGAIN_S]
            self._said = {c: now if c in due else self._said[c] for c in blind}
        for source in sorted(lost):
            _log.warning("source_silent", source=source, for_s=round(ages[source], 1))
        for source in sorted(found):
            _log.info("source_heard_again", source=source)
        return [self._missed(source) for source in due]

    def heard(self, partition: TopicPartition, canary: Canary) -> None:
        """Note that a canary came through ``partition`` into the store."""
        with self._lock:
            self._heard[partition] = self._clock.monotonic()
            self._took_s[partition] = max(0.0, (self._clock.now() - canary.sent_at).total_seconds())

    def saw(self, event: Event) -> None:
        """Note a fresh observation or reading."""
        copied = isinstance(event, Reading) and event.camera_id is not None
        if isinstance(event, CameraState) or copied or is_missed(event):
            return
        with self._lock:
            self._seen[event.source] = event.captured_at

    def partitions(self) -> list[TopicPartition]:
        """Return the partitions that the worker reads now."""
        with self._lock:
            return sorted(self._heard, key=lambda p: (p.topic, p.partition))

    def state(self) -> str:
        """Return "ok", or which partition no canary has come through."""
        now = self._clock.monotonic()
        with self._lock:
            late = {_name(p): now - at for p, at in self._heard.items() if now - at >= CANARY_LATE_S}
        if not late:
            return "ok"
        return "; ".join(f"{name}: no canary for {age:.0f} s" for name, age in sorted(late.items()))

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the metrics as of now."""
        blind = GaugeMetricFamily(
            "lianfang_camera_blind_seconds",
            "Age of the newest observation of a camera that a rule looks at",
            labels=["rule", "camera"],
        )
        silent = GaugeMetricFamily(
            "lianfang_sensor_silent_seconds",
            "Age of the newest reading of a sensor that a rule listens to",
            labels=["rule", "sensor"],
        )
        canary = GaugeMetricFamily(
            "lianfang_canary_seconds",
            "How long the newest canary took into the store",
            labels=["topic", "partition"],
        )
        with self._lock:
            for rule, source in self._rules:
                if source not in self._mine:
                    continue  # another worker exports it
                family = silent if source in self._config.sensors else blind
                family.add_metric([rule, source], self._blind_s(source))
            for partition, took_s in self._took_s.items():
                canary.add_metric([partition.topic, str(partition.partition)], took_s)
        yield blind
        yield silent
        yield canary

    def _look_at(self, config: Config) -> None:
        self._of, self._rules = config, list(_looking(config))
        self._sources = frozenset(source for _, source in self._rules)
        for guest in self._sources - self._places.keys():  # the file has it not: its key is its own
            self._places[guest] = TopicPartition(OBSERVATIONS, self._partition_of(OBSERVATIONS, guest))

    def _take(self) -> None:
        """Look after the sources in our partitions; what was heard of others is of another time."""
        now, config = self._clock.now(), self._in_force()
        if config is not self._of:
            self._look_at(config)
        mine = {source for source in self._sources if self._places[source] in self._heard}
        self._mine = {source: self._mine.get(source, now) for source in mine}
        self._seen = {source: at for source, at in self._seen.items() if source in mine}

    def _patience_s(self, source: str) -> float:
        sensor = self._config.sensors.get(source)
        patience = sensor.patience_s if sensor else BLIND.total_seconds()
        return patience if source in self._seen else max(START_S, patience)

    def _blind_s(self, source: str) -> float:
        since = self._seen.get(source, self._mine[source])
        return max(0.0, (self._clock.now() - since).total_seconds())

    def _missed(self, source: str) -> Event:
        sensor, now = self._config.sensors.get(source), self._clock.now()
        if sensor is None:
            return CameraState(camera_id=source, condition=CameraCondition.BLIND, captured_at=now)
        return Reading(
            sensor_id=source, kind=sensor.kind, value=None, unit=sensor.unit, at=now, reason="silent"
        )


class Canaries:
    """Sends a canary into every partition that the worker reads, every few seconds."""

    def __init__(self, bus: Bus, watch: Watch, clock: Clock) -> None:
        self._bus, self._watch, self._clock = bus, watch, clock

    def run(self, stop: threading.Event) -> None:
        """Send until ``stop``. What cannot be sent is not heard, and that says enough."""
        while not stop.wait(CANARY_EVERY_S):
            for partition in self._watch.partitions():
                try:
                    self._send(partition)
                except (LianfangError, TimeoutError) as error:
                    _log.debug("canary_not_sent", partition=_name(partition), reason=str(error))
                    break

    def _send(self, partition: TopicPartition) -> None:
        keys = (f"canary-{i}" for i in range(_KEYS))
        key = next(k for k in keys if self._bus.partition_of(partition.topic, k) == partition.partition)
        value, headers = codec.encode_event(Canary(sent_at=self._clock.now()))
        self._bus.publish(partition.topic, key, value, headers).result(CANARY_EVERY_S)


def _looking(config: Config) -> Iterator[tuple[str, str]]:
    """Yield (rule, camera or sensor) for whoever is to be heard of; not cameras that are off."""
    for rule_id, rule in config.rules.items():
        if isinstance(rule, RuleSettings) and rule.enabled:
            for source in (*rule.sources, *_asked(rule)):
                if source in config.sensors or (source in config.cameras and config.cameras[source].enabled):
                    yield rule_id, source


def _asked(rule: RuleSettings) -> tuple[str, ...]:
    together = getattr(rule, "together", None)
    return (together.sensor,) if together else ()


def _name(partition: TopicPartition) -> str:
    return f"{partition.topic}/{partition.partition}"
