"""The detector service: load every model, then work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from prometheus_client import CollectorRegistry

from detectors.stages.base import Stage
from detectors.worker import DetectWorker
from lianfang import plugins, watchdog
from lianfang.bus import Bus
from lianfang.bus.connect import join
from lianfang.clock import Clock, SystemClock
from lianfang.config import Config
from lianfang.following import Following
from lianfang.ops import ops
from lianfang.service import Run, service_main

_log = structlog.get_logger()

KNOWN_S = 10.0
"""How long frames wait at the start for the bus to say what people have changed of the zones."""


def main(argv: Sequence[str]) -> int:
    """Run a detector worker from its command line."""

    def body(run: Run) -> None:
        clock, registry = SystemClock(), CollectorRegistry()
        with join(run.config, clock, run.stop) as bus:
            if bus is None:
                return
            following = Following(run.config, bus, "detect")
            threading.Thread(target=following.run, args=(run.stop,), name="settings", daemon=True).start()
            worker = load(run.config, bus, clock, registry, following.config)
            if not following.known.wait(KNOWN_S):
                _log.warning("settings_unknown", waited_s=KNOWN_S)
            with ops(run.ops_port, registry, worker.ready):
                watchdog.start(run.stop, worker.standing)
                worker.run(run.stop)

    return service_main("detect", "Look at frames, say what is seen.", argv, body)


def load(
    config: Config,
    bus: Bus,
    clock: Clock,
    registry: CollectorRegistry,
    in_force: Callable[[datetime], Config],
) -> DetectWorker:
    """Return the worker with every model loaded; ModelError where one is missing or altered."""
    wanted = {name for camera in config.cameras.values() if camera.enabled for name in camera.detectors}
    wanted |= set(config.guests.detectors) if config.guests else set()
    stages: dict[str, Stage] = {
        name: plugins.build("detectors.stages", config.detectors[name], config.models_dir)
        for name in sorted(wanted)
    }
    _log.info("detector_ready", models=[model for stage in stages.values() for model in stage.models])
    return DetectWorker(config, stages, bus, clock, registry, in_force)
