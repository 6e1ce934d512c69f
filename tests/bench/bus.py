"""The embedded bus against what it is made of: SQLite with the same batches, and a copy of memory."""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from lianfang import codec
from lianfang.bus.embedded import EmbeddedBus, RingSettings
from lianfang.events import FRAMES, OBSERVATIONS, Frame

ROUNDS, RECORDS, BATCH = 5, 5000, 100
VALUE = b"x" * 600  # an observation of a few objects
FRAME_BYTES, FRAMES_COUNT = 90_000, 2000  # a 720p JPEG


def measure(folder: Path) -> dict[str, float]:
    """Return records and bytes a second, and their ratios to the bare way (medians of rounds)."""
    rates: dict[str, list[float]] = {
        "sqlite_per_s": [],
        "durable_per_s": [],
        "copy_mb_s": [],
        "ring_mb_s": [],
    }
    for i in range(ROUNDS):
        rates["sqlite_per_s"].append(RECORDS / _seconds(partial(_sqlite, folder / f"bare{i}.sqlite3")))
        rates["durable_per_s"].append(_durable(folder / f"log{i}"))
        rates["copy_mb_s"].append(_copy())
        rates["ring_mb_s"].append(_ring(folder / f"ring{i}"))
    result = {name: statistics.median(values) for name, values in rates.items()}
    result["durable_ratio_to_bare"] = _ratio(rates["durable_per_s"], rates["sqlite_per_s"])
    result["ring_ratio_to_copy"] = _ratio(rates["ring_mb_s"], rates["copy_mb_s"])
    return result


def _ratio(ours: list[float], bare: list[float]) -> float:
    return statistics.median(o / b for o, b in zip(ours, bare, strict=True))


def _seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _sqlite(file: Path) -> None:
    """Insert the same records in batches into a WAL database."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(
        "CREATE TABLE log (n INTEGER PRIMARY KEY, key TEXT, headers BLOB, value BLOB, at INTEGER)"
    )
    for start in range(0, RECORDS, BATCH):
        connection.execute("BEGIN")
        rows = [(n, "cam", b"h", VALUE, n) for n in range(start, start + BATCH)]
        connection.executemany("INSERT INTO log VALUES (?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")
    connection.close()


def _durable(folder: Path) -> float:
    bus = EmbeddedBus.own(folder)

    def publish() -> None:
        for _ in range(RECORDS // BATCH):
            waiting = [bus.publish(OBSERVATIONS, "cam", VALUE, {"schema": "x/1.0"}) for _ in range(BATCH)]
            for future in waiting:
                future.result()

    rate = RECORDS / _seconds(publish)
    bus.close()
    return rate


def _copy() -> float:
    """Copy frames one after the other into a buffer that is as large as the ring."""
    target = np.empty(32 * 1024 * 1024, np.uint8)
    frame = np.frombuffer(bytes(FRAME_BYTES), np.uint8)
    slots = len(target) // FRAME_BYTES

    def copy() -> None:
        for i in range(FRAMES_COUNT):
            at = i % slots * FRAME_BYTES
            target[at : at + FRAME_BYTES] = frame

    copy()
    return FRAMES_COUNT * FRAME_BYTES / _seconds(copy) / 1e6


def _ring(folder: Path) -> float:
    bus = EmbeddedBus.own(folder, RingSettings(20, 32 * 1024 * 1024))
    pixels, now = bytes(FRAME_BYTES), datetime.now(UTC)

    def publish() -> None:
        for i in range(FRAMES_COUNT):
            frame = Frame("cam", "e", i, now, now, 1280, 720, "jpeg", pixels)
            bus.publish(FRAMES, "cam", *codec.encode_frame(frame))

    publish()
    rate = FRAMES_COUNT * FRAME_BYTES / _seconds(publish) / 1e6
    bus.close()
    return rate
