"""The detector service: load every model, then work."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import structlog
from prometheus_client import CollectorRegistry

from detectors.stages.base import Stage
from detectors.worker import DetectWorker
from lianfang import plugins
from lianfang.bus import Bus
from lianfang.bus.connect import join
from lianfang.clock import Clock, SystemClock
from lianfang.config import Config
from lianfang.service import service_main

_log = structlog.get_logger()


def main(argv: Sequence[str]) -> int:
    """Run a detector worker from its command line."""

    def body(config: Config, _cameras: Sequence[str], stop: threading.Event) -> None:
        with join(config, SystemClock(), stop) as bus:
            if bus is not None:
                serve(config, bus, SystemClock(), CollectorRegistry(), stop)

    return service_main("detect", "Look at frames, say what is seen.", argv, body)


def serve(config: Config, bus: Bus, clock: Clock, registry: CollectorRegistry, stop: threading.Event) -> None:
    """Detect on every camera's frames until ``stop``; ModelError where a model is missing or altered."""
    wanted = {name for camera in config.cameras.values() if camera.enabled for name in camera.detectors}
    stages: dict[str, Stage] = {
        name: plugins.build("detectors.stages", config.detectors[name], config.models_dir)
        for name in sorted(wanted)
    }
    _log.info("detector_ready", models=[model for stage in stages.values() for model in stage.models])
    DetectWorker(config, stages, bus, clock, registry).run(stop)
