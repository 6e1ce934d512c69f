"""The metrics of alerts. The registry is given, so that a test or a second service has its own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

from alerts.store.schema import OutboxRow
from lianfang.metrics import HOP_BUCKETS_S, hop_histogram


class DeliveryMetrics:
    """How fast receivers are told, what became of it, and what is still owed."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._hops = hop_histogram(registry)
        # A speech ends when it has been spoken and a notice when it has been taken: apart from each other.
        self._spans = Histogram(
            "lianfang_delivery_seconds",
            "Seconds from the decision to the first attempt (sent) and to the receiver's word (delivered)",
            ["kind", "span"],
            buckets=HOP_BUCKETS_S,
            registry=registry,
        )
        self._deliveries = Counter(
            "lianfang_deliveries",
            "Attempts by what followed: delivered, retried, dead, expired or kept",
            ["receiver", "outcome"],
            registry=registry,
        )
        self._owed = Gauge(
            "lianfang_outbox_rows",
            "Deliveries pending and dead",
            ["receiver", "state"],
            registry=registry,
            multiprocess_mode="mostrecent",
        )

    def sent(self, row: OutboxRow, now: datetime) -> None:
        """Count a first attempt that begins."""
        self._spans.labels(kind=row.kind, span="sent").observe((now - row.created_at).total_seconds())

    def delivered(self, row: OutboxRow, now: datetime) -> None:
        """Count a delivery that its receiver has."""
        decided_s = (now - row.created_at).total_seconds()
        self._spans.labels(kind=row.kind, span="delivered").observe(decided_s)
        self._hops.labels(hop="decided_to_delivered").observe(decided_s)
        self._hops.labels(hop="captured_to_delivered").observe((now - row.captured_at).total_seconds())

    def followed(self, receiver: str, outcome: str) -> None:
        """Count what followed from an attempt, or from the lack of one."""
        self._deliveries.labels(receiver=receiver, outcome=outcome).inc()

    def owed(self, receivers: Iterable[str], depths: Mapping[tuple[str, str], int]) -> None:
        """Show what is owed now; a queue that is empty is shown as empty."""
        shown = {(name, state): 0 for name in receivers for state in ("pending", "dead")}
        for (name, state), count in (shown | dict(depths)).items():
            self._owed.labels(receiver=name, state=state).set(count)


def registries() -> tuple[CollectorRegistry, CollectorRegistry]:
    """Return the registry that this process counts in, and the one that is exported.

    Under a supervisor that is the sum over all its processes, which prometheus_client keeps in files.
    """
    counted = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return counted, counted
    exported = CollectorRegistry()
    MultiProcessCollector(exported)  # type: ignore[no-untyped-call]
    return counted, exported
