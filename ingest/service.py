"""The ingest service: cameras in, frames out."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from ingest.metrics import IngestMetrics
from ingest.worker import IngestWorker
from lianfang.bus import Bus
from lianfang.bus.connect import join
from lianfang.clock import SystemClock
from lianfang.config import Config
from lianfang.ops import ops
from lianfang.service import Run, service_main


def main(argv: Sequence[str]) -> int:
    """Run ingest from its command line."""

    def body(run: Run) -> None:
        registry = CollectorRegistry()
        with join(run.config, SystemClock(), run.stop) as bus:
            if bus is None:
                return
            with ops(run.ops_port, registry, lambda: {"bus": "lost" if run.stop.is_set() else "ok"}):
                serve(run.config, bus, run.cameras, run.stop, registry)

    return service_main("ingest", "Read cameras and publish their pictures.", argv, body)


def serve(
    config: Config,
    bus: Bus,
    camera_ids: Sequence[str],
    stop: threading.Event,
    registry: CollectorRegistry | None = None,
) -> None:
    """Read the cameras ``camera_ids`` and publish on ``bus`` until ``stop`` is set.

    Metrics go to ``registry``, a new one where not given.
    """
    metrics = IngestMetrics(registry or CollectorRegistry())
    IngestWorker(config, camera_ids, bus, SystemClock(), metrics).run(stop)
