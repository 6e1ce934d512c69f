"""The sensor service: sensors in, readings out."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from ingest.metrics import SensorMetrics
from ingest.sensing import SensorsWorker
from lianfang.bus.connect import join
from lianfang.clock import SystemClock
from lianfang.ops import ops
from lianfang.service import Run, service_main


def main(argv: Sequence[str]) -> int:
    """Read sensors from its command line."""

    def body(run: Run) -> None:
        registry = CollectorRegistry()
        with join(run.config, SystemClock(), run.stop) as bus:
            if bus is None:
                return
            worker = SensorsWorker(run.config, bus, SystemClock(), SensorMetrics(registry))
            with ops(run.ops_port, registry, worker.ready):
                worker.run(run.stop)

    return service_main("sensors", "Read sensors and publish what they say.", argv, body)
