"""Observations of 5 objects through the whole alert worker: 300 cameras, 10 rules each, one core.

The worker reads encoded records and writes a store, as in the service; only the bus is a list. Of ten cameras
one has people in its zones at any time (``observations_per_s``), or every one has, which is more than a
community on its worst day (``all_occupied_per_s``). The bare limit is the same records decoded, and no more.
"""

from __future__ import annotations

import logging
import os
import random
import resource
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import CollectorRegistry

from alerts.pipeline.books import Books
from alerts.pipeline.worker import AlertWorker
from alerts.store import Store
from lianfang import codec
from lianfang.bus import Position, Record, TopicPartition
from lianfang.config import Config, load
from lianfang.events import OBSERVATIONS
from tests.support.configs import BASE, SECRETS, write
from tests.support.observations import observation

CAMERAS, OBJECTS, FPS = 300, 5, 5
RECORDS = 60_000
BATCH = 500  # what a poll returns at most
_WHERE = TopicPartition(OBSERVATIONS, 0)
_LEFT, _MIDDLE, _RIGHT = (
    [[x, 0.6], [x + 0.25, 0.6], [x + 0.3, 0.8], [x + 0.25, 1.0], [x, 1.0]] for x in (0.0, 0.35, 0.7)
)


def measure(folder: Path) -> dict[str, float]:
    """Return observations a second, their ratio to bare decoding, and how memory grows."""
    os.environ |= SECRETS
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        decoded = _decoded_per_s(list(islice(_records(0.1), RECORDS // 4)))
        tenth, growth = _decided_per_s(folder / "tenth", 0.1)
        occupied, _ = _decided_per_s(folder / "all", 1.0)
    finally:
        os.sched_setaffinity(0, cores)
    return {
        "observations_per_s": tenth,
        "all_occupied_per_s": occupied,
        "decoded_per_s": decoded,
        "ratio": tenth / decoded,
        "bytes_per_million": growth,
    }


def _decided_per_s(folder: Path, occupied: float) -> tuple[float, float]:
    """Return observations a second, and bytes that the process grew by per million of them."""
    folder.mkdir()
    config, store = _config(folder), Store(f"sqlite:///{folder / 'store.sqlite3'}")
    records = list(islice(_records(occupied), RECORDS))
    stop, bus = threading.Event(), _Played(records)
    worker = AlertWorker(config, Books(config), bus, store, bus, CollectorRegistry())  # type: ignore[arg-type]
    bus.at_end = stop.set
    try:
        worker.run(stop)
        took_s = time.perf_counter() - bus.began_s
    finally:
        store.close()
    return len(records) / took_s, max(bus.grew, 0) / (len(records) * 0.5) * 1e6


def _decoded_per_s(records: list[Record]) -> float:
    start = time.perf_counter()
    for record in records:
        codec.decode_event(record.value, record.headers)
    return len(records) / (time.perf_counter() - start)


class _Played:
    """A bus and its one consumer: gives the records in batches, then stops the worker.

    It is the clock too: the records are fresh when they come.
    """

    generation, lost = 1, False

    def __init__(self, records: list[Record]) -> None:
        self._records, self._at = records, 0
        self._half_kb = 0
        self.began_s = 0.0
        self.grew = 0
        self.at_end: Callable[[], object] = int

    def now(self) -> datetime:
        return self._records[min(self._at, len(self._records) - 1)].published_at

    def monotonic(self) -> float:
        return time.monotonic()

    def subscribe(self, *_: object) -> _Played:
        return self

    def publish(self, *_: object) -> None:
        """Blindness, which nobody asks about here."""

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset({_WHERE})

    def poll(self, _timeout_s: float, max_records: int = BATCH) -> list[Record]:
        self.began_s = self.began_s or time.perf_counter()  # rules and zones are ready
        batch = self._records[self._at : self._at + max_records]
        self._at += len(batch)
        if not self._half_kb and self._at * 2 >= len(self._records):
            self._half_kb = _peak_kb()
        if not batch:
            self.grew = (_peak_kb() - self._half_kb) * 1024
            self.at_end()
        return batch

    def seek(self, *_: object) -> None: ...
    def commit(self, *_: object) -> None: ...
    def pause(self, *_: object) -> None: ...
    def resume(self, *_: object) -> None: ...
    def close(self) -> None: ...

    def beginning(self, _: TopicPartition) -> int:
        return 0

    def end(self, _: TopicPartition) -> int:
        return len(self._records)


def _peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _records(occupied: float) -> Iterator[Record]:
    """Yield what the cameras see in turn: people who walk to and fro, in the zones or above them."""
    dice = random.Random(7)  # noqa: S311 - a script
    walks = {
        f"cam{i}": [(dice.random(), dice.random() * 0.4) for _ in range(OBJECTS)] for i in range(CAMERAS)
    }
    offset = 0
    while True:
        seconds = offset / CAMERAS / FPS
        minute = int(seconds // 60)
        for i, (camera, feet) in enumerate(walks.items()):
            busy = (i + minute) % 10 < occupied * 10
            moved: dict[str | int | None, tuple[float, float]] = {
                n: ((x + 0.02 * seconds) % 1.0, y + (0.58 if busy and n < 2 else 0.15))
                for n, (x, y) in enumerate(feet)
            }
            seen = observation(seconds, moved, camera=camera)
            position = Position(OBSERVATIONS, 0, offset)
            yield Record(position, camera, *codec.encode_event(seen), seen.captured_at)
            offset += 1


def _config(folder: Path) -> Config:
    zones = {
        name: {"polygon": polygon, "speakers": ["horn"]}
        for name, polygon in (("left", _LEFT), ("middle", _MIDDLE), ("right", _RIGHT))
    }
    zones["middle"]["kind"] = "water"
    stages = {**BASE["detectors"], "river": {"kind": "river"}}
    camera = {**BASE["cameras"]["cam"], "detectors": list(stages), "zones": zones, "lines": {"fence": _FENCE}}
    cameras = {f"cam{i}": {**camera, "point": f"point{i // 2}"} for i in range(CAMERAS)}
    data = {
        **BASE,
        "points": {f"point{i}": {"name": f"点{i}"} for i in range(CAMERAS // 2)},
        "detectors": stages,
        "cameras": cameras,
        "rules": {
            f"{name}_{n}": {**rule, "name": name, "cameras": list(cameras)[n * 30 : n * 30 + 30]}
            for n in range(CAMERAS // 30)
            for name, rule in _RULES.items()
        },
    }
    return load(write(folder, data))


_FENCE = {"start": [0.5, 0.6], "end": [0.5, 1.0], "zone": "middle"}
_SPEECH = {"speech": {"text": "请离开{place}", "again_s": 30}}
_RULES: Mapping[str, dict[str, Any]] = {
    "entry_left": {"kind": "zone_entry", "zones": ["left"], **_SPEECH},
    "entry_right": {"kind": "zone_entry", "zones": ["right"], **_SPEECH},
    "entry_any": {"kind": "zone_entry", "zones": ["left", "middle", "right"], "match": "any"},
    "boat": {"kind": "zone_entry", "zones": ["middle"], "labels": ["boat"]},
    "in_water": {"kind": "zone_entry", "zones": ["middle"], "having": {"in_water": [True]}},
    "linger_left": {"kind": "loitering", "zones": ["left"], "dwell_s": 20, **_SPEECH},
    "linger_middle": {"kind": "loitering", "zones": ["middle"], "dwell_s": 60, **_SPEECH},
    "crowd": {"kind": "crowd", "zones": ["left", "middle"], "match": "any", "at_least": 4},
    "fence": {"kind": "line_crossing", "lines": ["fence"], "direction": "both"},
    "offline": {"kind": "device"},
}
