"""Alerts a second into the store with every promise kept, on SQLite and on PostgreSQL, both to the disk.

One alert is an incident, its timeline, a speech and a notice that are owed, and a picture that is asked for;
a batch of them and the offset behind them are one transaction, as in the alert worker. The bare limit is the
same rows, known beforehand, inserted table by table in as many transactions.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert, select

from alerts.pipeline.decide import Decider, Decision
from alerts.pipeline.record import record
from alerts.pipeline.rulebook import RuleBook
from alerts.store import Store, offsets
from alerts.store.incidents import hold
from alerts.store.schema import Base
from lianfang.bus import TopicPartition
from lianfang.clock import ManualClock
from lianfang.config import Config
from tests.support.configs import BASE, SECRETS, loaded
from tests.support.observations import at, observation
from tests.support.postgresql import database, own_server

CAMERAS, TIMES, BATCH = 100, 10, 50
ROUNDS = 3  # the best counts: other work on the machine only makes one slower
_WHERE = TopicPartition("observations.v1", 0)
_TABLES = ("incidents", "changes", "outbox", "evidence")


def measure(folder: Path) -> dict[str, float]:
    """Return alerts a second and their ratio to bare inserts, of each kind of store."""
    os.environ |= SECRETS
    decided, book = _decided(folder)
    found: dict[str, float] = {}
    files = iter(range(10))

    def sqlite() -> Store:
        return Store(f"sqlite:///{folder / f'{next(files)}.sqlite3'}")

    found |= _measure("sqlite", sqlite, decided, book)
    with own_server(durable=True) as server:
        found |= _measure("postgresql", lambda: Store(database(server.create())), decided, book)
    return found


def _measure(
    name: str, empty: Callable[[], Store], decided: list[Decision], book: RuleBook
) -> dict[str, float]:
    rate = bare_rate = 0.0
    for _ in range(ROUNDS):
        store, bare = empty(), empty()
        rate = max(rate, len(decided) / _seconds(partial(_keep, store, decided, book)))
        rows = _rows_of(store)
        bare_rate = max(bare_rate, len(decided) / _seconds(partial(_insert, bare, rows)))
        store.close()
        bare.close()
    return {
        f"{name}.alerts_per_s": rate,
        f"{name}.bare_per_s": bare_rate,
        f"{name}.ratio_to_bare": rate / bare_rate,
    }


def _decided(folder: Path) -> tuple[list[Decision], RuleBook]:
    """Return openings of incidents, each at a place of its own camera, and the book that they follow."""
    book = RuleBook(_config(folder), "v1")
    found: list[Decision] = []
    for turn in range(TIMES):
        decider = Decider(book)  # without a memory, so that every first sight is an alert
        for camera in book.config.cameras:
            seen = observation(turn, {turn: (0.5, 0.9)}, camera=camera)
            found += decider.decide(seen)
    assert len(found) == CAMERAS * TIMES
    return found, book


def _config(folder: Path) -> Config:
    names = [f"c{i}" for i in range(CAMERAS)]
    zone = BASE["cameras"]["cam"]["zones"]["water"]
    cameras = {
        n: {"name": n, "point": n, "zones": {"water": {**zone, "speakers": [f"by_{n}"]}}} for n in names
    }
    rule = {**BASE["rules"]["entry"], "cameras": names, "frames": 1}
    horn = {**BASE["receivers"]["horn"], "per_hour": 1000, "per_day": 1000}
    return loaded(
        folder,
        ("points", {name: {"name": name} for name in names}),
        ("cameras", {name: {**BASE["cameras"]["cam"], **camera} for name, camera in cameras.items()}),
        ("rules", {"entry": rule}),
        ("community.broadcasts", {"per_hour": 10_000, "camera_per_hour": 10_000}),
        ("receivers", {"police": BASE["receivers"]["police"], **{f"by_{name}": horn for name in names}}),
    )


def _keep(store: Store, decided: list[Decision], book: RuleBook) -> None:
    clock, offset = ManualClock(at(1)), None
    for some in _batches(decided):
        with store.write() as session:
            offsets.advance(session, _WHERE, 1, offset, (offset or 0) + len(some))
            offset = (offset or 0) + len(some)
            hold(session, [decision.incident.id for decision in some])
            for decision in some:
                record(session, book, decision, clock.now)


def _rows_of(store: Store) -> dict[Table, list[dict[str, Any]]]:
    with store.read() as session:
        tables = [Base.metadata.tables[name] for name in _TABLES]
        return {table: [dict(row) for row in session.execute(select(table)).mappings()] for table in tables}


def _insert(store: Store, rows: dict[Table, list[dict[str, Any]]]) -> None:
    """Insert what belongs to each batch of alerts in one transaction, and nothing else."""
    count = len(next(iter(rows.values())))
    for start in range(0, count, BATCH):
        with store.engine.begin() as connection:
            for table, all_of_it in rows.items():
                each = len(all_of_it) // count
                connection.execute(insert(table), all_of_it[start * each : (start + BATCH) * each])


def _batches(decided: list[Decision]) -> list[list[Decision]]:
    return [decided[i : i + BATCH] for i in range(0, len(decided), BATCH)]


def _seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
