"""Metrics that several services write: one definition, one name, the same buckets."""

from __future__ import annotations

import os
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Histogram, values

# From a hop inside one process to a receiver that answers late; alerts are due within a second.
HOP_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10, 30)

_hops: WeakKeyDictionary[CollectorRegistry, Histogram] = WeakKeyDictionary()


def continue_predecessor() -> None:
    """Let this process go on with the counters of the one that it was started in place of.

    A supervisor names both alike in ``LIANFANG_PROCESS``. prometheus_client would name them by process id:
    every restart left its files behind, and a camera that crashes its process had filled the disk. Call it
    before the first metric is made; without a supervisor it does nothing.
    """
    name = os.environ.get("LIANFANG_PROCESS", "")
    if name and "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        values.ValueClass = values.MultiProcessValue(lambda: name)  # type: ignore[no-untyped-call]


def hop_histogram(registry: CollectorRegistry) -> Histogram:
    """Return ``lianfang_hop_seconds{hop}`` of ``registry``, created at the first call.

    The hops are captured_to_published, published_to_detected, detected_to_decided, decided_to_delivered
    and captured_to_delivered.
    """
    if registry not in _hops:
        _hops[registry] = Histogram(
            "lianfang_hop_seconds",
            "Seconds an event took from one hop to the next",
            ["hop"],
            buckets=HOP_BUCKETS_S,
            registry=registry,
        )
    return _hops[registry]
