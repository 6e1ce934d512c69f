"""Reads several cameras in one process."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping, Sequence

import structlog

from ingest.backoff import Backoff
from ingest.camera import CameraReader
from ingest.metrics import IngestMetrics
from ingest.sources.base import Source
from lianfang import plugins
from lianfang.bus import Bus
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.config.sharing import log_keys

JOIN_S = 8.0
"""How long a stop waits for cameras that do not answer: less than the supervisor waits for this process."""


class IngestWorker:
    """One thread a camera, and nothing that one camera does reaches another.

    ``camera_ids`` are the cameras of ``config`` that this process reads.
    """

    def __init__(
        self, config: Config, camera_ids: Sequence[str], bus: Bus, clock: Clock, metrics: IngestMetrics
    ) -> None:
        self._readers = {
            camera_id: _reader(config, camera_id, bus, clock, metrics) for camera_id in camera_ids
        }

    def ready(self) -> Mapping[str, str]:
        """Return per component "ok", or what is wrong with it. Cameras may be offline: no fault of ours."""
        losing = sorted(camera_id for camera_id, reader in self._readers.items() if reader.losing)
        return {"bus": f"frames are lost: {', '.join(losing)}" if losing else "ok"}

    def run(self, stop: threading.Event) -> None:
        """Read until ``stop`` is set; also when every source has ended."""
        threads = [
            threading.Thread(target=reader.run, args=(stop,), name=f"camera {camera_id}", daemon=True)
            for camera_id, reader in self._readers.items()
        ]
        for thread in threads:
            thread.start()
        stop.wait()
        deadline_s = time.monotonic() + JOIN_S
        for thread in threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))
        stuck = [thread.name for thread in threads if thread.is_alive()]
        if stuck:
            structlog.get_logger().warning("camera_threads_left", threads=stuck)


def _reader(config: Config, camera_id: str, bus: Bus, clock: Clock, metrics: IngestMetrics) -> CameraReader:
    camera = config.cameras[camera_id]
    source: Source = plugins.build("ingest.sources", camera.source, clock)
    backoff = Backoff(random.Random())  # noqa: S311 - jitter, not a secret
    log_key = log_keys(config)[camera_id]
    return CameraReader(camera_id, camera, source, bus, clock, metrics, backoff, log_key)
