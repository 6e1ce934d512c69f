"""How long events take from hop to hop, read out of the histograms that the services count in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from prometheus_client import Metric

HOPS = (
    "captured_to_published",
    "published_to_detected",
    "detected_to_decided",
    "decided_to_delivered",
    "captured_to_delivered",
)


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds of one hop over ``n`` events: within ``p50_s`` half of them, within ``p99_s`` 99 of 100.

    Both are estimated within a bucket; None where nothing was counted.
    """

    hop: str
    n: int
    p50_s: float | None
    p99_s: float | None


def latencies(metrics: Iterable[Metric]) -> list[Latency]:
    """Return each hop of an event, and how long a speaker takes from the decision to having spoken."""
    counts: dict[str, dict[float, float]] = defaultdict(dict)
    for metric in metrics:
        for sample in metric.samples:
            hop = _hop(sample.name, sample.labels)
            if hop:
                counts[hop][float(sample.labels["le"])] = sample.value
    return [_latency(hop, counts.get(hop, {})) for hop in (*HOPS, "decided_to_spoken")]


def _hop(name: str, labels: Mapping[str, str]) -> str:
    if name == "lianfang_hop_seconds_bucket":
        return labels["hop"]
    spoken = labels.get("kind") == "speech" and labels.get("span") == "delivered"
    return "decided_to_spoken" if name == "lianfang_delivery_seconds_bucket" and spoken else ""


def _latency(hop: str, cumulative: Mapping[float, float]) -> Latency:
    bounds = sorted(cumulative)
    n = int(cumulative[bounds[-1]]) if bounds else 0
    if not n:
        return Latency(hop, 0, None, None)
    steps = [(0.0, 0.0), *((bound, cumulative[bound]) for bound in bounds)]
    return Latency(hop, n, _quantile(steps, n * 0.5), _quantile(steps, n * 0.99))


def _quantile(steps: list[tuple[float, float]], rank: float) -> float:
    """Return the value of a rank, taken to lie evenly in its bucket, as Prometheus does."""
    for (low, before), (high, upto) in pairwise(steps):
        if upto >= rank:
            if high == float("inf"):
                return low
            return low + (high - low) * (rank - before) / (upto - before)
    return steps[-1][0]
