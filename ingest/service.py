"""The ingest service: cameras in, frames out."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from ingest.metrics import IngestMetrics
from ingest.worker import IngestWorker
from lianfang import watchdog
from lianfang.bus.connect import join
from lianfang.clock import SystemClock
from lianfang.ops import ops
from lianfang.service import Run, service_main


def main(argv: Sequence[str]) -> int:
    """Run ingest from its command line."""

    def body(run: Run) -> None:
        registry = CollectorRegistry()
        with join(run.config, SystemClock(), run.stop) as bus:
            if bus is None:
                return
            metrics = IngestMetrics(registry)
            worker = IngestWorker(run.config, run.cameras, bus, SystemClock(), metrics)
            with ops(run.ops_port, registry, worker.ready):
                watchdog.start(run.stop, worker.standing)
                worker.run(run.stop)

    return service_main("ingest", "Read cameras and publish their pictures.", argv, body)
