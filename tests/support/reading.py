"""Run ingest on a few cameras and look at what it publishes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry

from ingest.metrics import IngestMetrics
from ingest.worker import IngestWorker
from lianfang.clock import Clock, SystemClock
from lianfang.config import Camera, Community, Config
from lianfang.config.clocks import Clocks
from tests.support.fake_bus import FakeBus


@dataclass(frozen=True)
class Reading:
    """Running cameras, their bus and metrics."""

    bus: FakeBus
    registry: CollectorRegistry
    worker: IngestWorker

    def count(self, series: str, **labels: str) -> float:
        """Return the value of a series, 0 where there is none yet."""
        return self.registry.get_sample_value(series, labels) or 0.0

    def dropped(self, camera: str, reason: str) -> float:
        """Return how many pictures of ``camera`` were dropped for ``reason``."""
        return self.count("lianfang_frames_dropped_total", camera=camera, reason=reason)


def configured(cameras: Mapping[str, Mapping[str, Any]]) -> Config:
    """Return a configuration of nothing but cameras: their keys besides name and point."""
    return Config.model_construct(
        community=Community(name="Test"),
        detectors={},
        clocks=Clocks(host="trusted"),
        cameras={
            camera_id: Camera.model_validate({"name": camera_id, "point": "gate", **stanza})
            for camera_id, stanza in cameras.items()
        },
    )


@contextmanager
def reading(
    cameras: Mapping[str, Mapping[str, Any]],
    refuse: Callable[[str, str], bool] = lambda _topic, _key: False,
    clock: Clock | None = None,
) -> Iterator[Reading]:
    """Read ``cameras`` (id to stanza) in a thread for as long as the block runs, by a trusted clock."""
    bus, registry, stop = FakeBus(refuse), CollectorRegistry(), threading.Event()
    metrics = IngestMetrics(registry)
    worker = IngestWorker(configured(cameras), list(cameras), bus, clock or SystemClock(), metrics)
    running = Reading(bus, registry, worker)
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        yield running
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive(), "ingest did not stop"
