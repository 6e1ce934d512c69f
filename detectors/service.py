"""The detector service: load every model, then work."""

from __future__ import annotations

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
from lianfang.ops import ops
from lianfang.service import Run, service_main

_log = structlog.get_logger()


def main(argv: Sequence[str]) -> int:
    """Run a detector worker from its command line."""

    def body(run: Run) -> None:
        clock, registry = SystemClock(), CollectorRegistry()
        with join(run.config, clock, run.stop) as bus:
            if bus is None:
                return
            worker = load(run.config, bus, clock, registry)
            with ops(run.ops_port, registry, worker.ready):
                worker.run(run.stop)

    return service_main("detect", "Look at frames, say what is seen.", argv, body)


def load(config: Config, bus: Bus, clock: Clock, registry: CollectorRegistry) -> DetectWorker:
    """Return the worker with every model loaded; ModelError where one is missing or altered."""
    wanted = {name for camera in config.cameras.values() if camera.enabled for name in camera.detectors}
    stages: dict[str, Stage] = {
        name: plugins.build("detectors.stages", config.detectors[name], config.models_dir)
        for name in sorted(wanted)
    }
    _log.info("detector_ready", models=[model for stage in stages.values() for model in stage.models])
    return DetectWorker(config, stages, bus, clock, registry)
