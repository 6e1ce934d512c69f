"""Observations of 5 objects through the whole alert worker: 300 cameras, 10 rules each, one core.

The worker reads encoded records and writes a store, as in the service; only the bus is a list. Of ten cameras
one has people in its zones at any time (``observations_per_s``), or every one has, which is more than a
community on its worst day (``all_occupied_per_s``). The bare limit is the same records decoded, and no more.
Memory is looked at twice in the long run of fewer cameras, ten minutes apart and with as many people about.
"""

from __future__ import annotations

import gc
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import CollectorRegistry

from alerts.pipeline.books import Books
from alerts.pipeline.garbage import look_seldom
from alerts.pipeline.worker import AlertWorker
from alerts.store import Store
from lianfang import codec
from lianfang.bus import Position, Record, TopicPartition
from lianfang.config import Config, load
from lianfang.events import OBSERVATIONS
from tests.support.configs import BASE, SECRETS, write
from tests.support.observations import at, observation

CAMERAS, OBJECTS, FPS = 300, 5, 5
RECORDS = 60_000
FEW = 30
WARM, LONG = 60_000, 600 * FPS * FEW  # until all that is kept for a while is kept, and the ten minutes after
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
    look_seldom()  # as in the service
    try:
        decoded = _decoded_per_s(list(islice(_records(CAMERAS, 0.1), RECORDS // 4)))
        tenth, tenth_cpu = _decided_per_s(folder / "tenth", 0.1)
        occupied, _ = _decided_per_s(folder / "all", 1.0)
        growth = _growth(folder / "long")
    finally:
        os.sched_setaffinity(0, cores)
    return {
        "observations_per_s": tenth,
        "observations_per_processor_s": tenth_cpu,
        "all_occupied_per_s": occupied,
        "decoded_per_s": decoded,
        "ratio": tenth / decoded,
        "bytes_per_million": growth / LONG * 1e6,
    }


def _decided_per_s(folder: Path, occupied: float) -> tuple[float, float]:
    """Return observations a second, by the wall's clock and of the processor's time."""
    times: list[tuple[float, float]] = []

    def look(_count: int) -> None:
        times.append((time.perf_counter(), time.thread_time()))  # first once rules and zones are ready

    records = list(islice(_records(CAMERAS, occupied), RECORDS))
    _play(folder, CAMERAS, records, RECORDS, look)
    (began, began_cpu), (ended, ended_cpu) = times[0], times[-1]
    return RECORDS / (ended - began), RECORDS / (ended_cpu - began_cpu)


def _growth(folder: Path) -> int:
    """Return by how many bytes the process grows over ``LONG`` records."""
    held: dict[int, int] = {}

    def look(count: int) -> None:
        if count in (WARM, WARM + LONG):
            gc.collect()
            held[count] = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    _play(folder, FEW, _records(FEW, 0.1), WARM + LONG, look)
    return held[WARM + LONG] - held[WARM]


def _play(
    folder: Path, cameras: int, records: Iterable[Record], count: int, look: Callable[[int], None]
) -> None:
    """Let the worker decide on so many records; ``look`` is called before each poll with how many it has."""
    folder.mkdir()
    config, store = _config(folder, cameras), Store(f"sqlite:///{folder / 'store.sqlite3'}")
    stop = threading.Event()
    bus = _Played(records, count, look, stop)
    try:
        AlertWorker(config, Books(config), bus, store, bus, CollectorRegistry()).run(stop)  # type: ignore[arg-type]
    finally:
        store.close()


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

    def __init__(
        self, records: Iterable[Record], count: int, look: Callable[[int], None], stop: threading.Event
    ) -> None:
        self._records, self._left, self._count = iter(records), count, count
        self._look, self._stop = look, stop
        self._now = at(0)

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return time.monotonic()

    def subscribe(self, *_: object) -> _Played:
        return self

    def publish(self, *_: object) -> None:
        """Blindness, which nobody asks about here."""

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset({_WHERE})

    def poll(self, _timeout_s: float, max_records: int = BATCH) -> list[Record]:
        self._look(self._count - self._left)
        batch = list(islice(self._records, min(max_records, self._left)))
        self._left -= len(batch)
        if batch:
            self._now = batch[-1].published_at
        else:
            self._stop.set()
        return batch

    def seek(self, *_: object) -> None: ...
    def commit(self, *_: object) -> None: ...
    def pause(self, *_: object) -> None: ...
    def resume(self, *_: object) -> None: ...
    def close(self) -> None: ...

    def beginning(self, _: TopicPartition) -> int:
        return 0

    def end(self, _: TopicPartition) -> int:
        return self._count


def _records(cameras: int, occupied: float) -> Iterator[Record]:
    """Yield what the cameras see in turn: people who walk to and fro, in the zones or above them."""
    dice = random.Random(7)  # noqa: S311 - a script
    walks = {
        f"cam{i}": [(dice.random(), dice.random() * 0.4) for _ in range(OBJECTS)] for i in range(cameras)
    }
    offset = 0
    while True:
        seconds = offset / cameras / FPS
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


def _config(folder: Path, count: int) -> Config:
    zones = {
        name: {"polygon": polygon, "speakers": ["horn"]}
        for name, polygon in (("left", _LEFT), ("middle", _MIDDLE), ("right", _RIGHT))
    }
    zones["middle"]["kind"] = "water"
    stages = {**BASE["detectors"], "river": {"kind": "river"}}
    camera = {**BASE["cameras"]["cam"], "detectors": list(stages), "zones": zones, "lines": {"fence": _FENCE}}
    cameras = {f"cam{i}": {**camera, "point": f"point{i // 2}"} for i in range(count)}
    data = {
        **BASE,
        "points": {f"point{i}": {"name": f"点{i}"} for i in range(count // 2)},
        "detectors": stages,
        "cameras": cameras,
        "rules": {
            f"{name}_{n}": {**rule, "name": name, "cameras": list(cameras)[n * 30 : n * 30 + 30]}
            for n in range(count // 30)
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
