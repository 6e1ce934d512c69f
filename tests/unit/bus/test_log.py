from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lianfang.bus import Position
from lianfang.bus.embedded import log
from lianfang.bus.embedded.log import ERA_BITS, RETENTION, LogStore
from lianfang.bus.embedded.log_reader import LogReader
from lianfang.bus.embedded.requests import Append, Commit, Register, Subscribe, microseconds
from lianfang.errors import LianfangError, TransientError
from lianfang.events import DEAD_LETTER, OBSERVATIONS

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def record(key: str = "gate", topic: str = OBSERVATIONS, at: datetime = NOW, size: int = 1) -> Append:
    return Append(topic, key, b"\x80", bytes(size), microseconds(at))


@contextmanager
def opened(path: Path) -> Iterator[tuple[LogStore, LogReader]]:
    store, reader = LogStore(path), LogReader(path)
    try:
        yield store, reader
    finally:
        reader.close()
        store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.sqlite3"


def restart_host(monkeypatch: pytest.MonkeyPatch, boot: int) -> None:
    monkeypatch.setattr(log, "boot_id", lambda: bytes([boot] * 16))


def test_results_come_in_the_order_of_the_requests(path: Path) -> None:
    with opened(path) as (store, _):
        assert store.apply([record(), Subscribe("g"), record("river", "readings.v1"), record()]) == [
            Position(OBSERVATIONS, 0, 0),
            1,
            Position("readings.v1", 0, 0),
            Position(OBSERVATIONS, 0, 1),
        ]


def test_offsets_go_on_where_they_were(path: Path) -> None:
    with opened(path) as (store, _):
        store.apply([record(), record()])
    with opened(path) as (store, reader):
        assert store.apply([record()]) == [Position(OBSERVATIONS, 0, 2)]
        assert reader.bounds(OBSERVATIONS) == (0, 3)


def test_offsets_of_a_new_start_of_the_host_were_never_used(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut may take the last transactions with it: their offsets are not given again."""
    with opened(path) as (store, _):
        store.apply([record(), record()])
    restart_host(monkeypatch, 1)
    with opened(path) as (store, reader):
        assert reader.bounds(OBSERVATIONS) == (0, 1 << ERA_BITS)
        assert store.apply([record(), record(topic="new.v1")]) == [
            Position(OBSERVATIONS, 0, 1 << ERA_BITS),
            Position("new.v1", 0, 1 << ERA_BITS),
        ]
        assert [r.position.offset for r in reader.read(OBSERVATIONS, 1, 10)] == [1, 1 << ERA_BITS]
    restart_host(monkeypatch, 2)
    with opened(path) as (store, _):
        assert store.apply([record()]) == [Position(OBSERVATIONS, 0, 2 << ERA_BITS)]


def test_a_refused_commit_leaves_the_rest_of_its_batch(path: Path) -> None:
    with opened(path) as (store, reader):
        store.apply([Subscribe("g"), Subscribe("g")])
        stale, fresh = Commit("g", 1, [(OBSERVATIONS, 0, 5)]), Commit("g", 2, [("readings.v1", 0, 6)])
        refused, done, position = store.apply([stale, fresh, record()])
        assert isinstance(refused, TransientError)
        assert "newer consumer" in str(refused)
        assert (done, position) == (None, Position(OBSERVATIONS, 0, 0))
        assert reader.committed("g", OBSERVATIONS, 0) is None
        assert reader.committed("g", "readings.v1", 0) == 6


def test_a_batch_that_fails_leaves_nothing(path: Path) -> None:
    with opened(path) as (store, reader):
        store.apply([record()])
        broken = record()._replace(value=None)  # type: ignore[arg-type]  # what the database refuses
        with pytest.raises(sqlite3.IntegrityError):
            store.apply([record(), Subscribe("g"), record(topic="new.v1"), broken])
        assert reader.bounds(OBSERVATIONS) == (0, 1)
        assert reader.generation("g") == 0
        assert store.apply([record()]) == [Position(OBSERVATIONS, 0, 1)]
        assert store.apply([record(topic="new.v1")]) == [Position("new.v1", 0, 0)]


def test_rings_have_partitions_of_their_own_for_ever(path: Path) -> None:
    with opened(path) as (store, _):
        gate, river = store.apply([Register("gate", lost=True), Register("river", lost=True)])
        assert (gate.partition, river.partition) == (0, 1)
        assert (gate.base_offset, river.base_offset) == (0, 0)  # new here: nothing was lost
    with opened(path) as (store, _):
        assert store.apply([Register("river", lost=False)]) == [river]


def test_a_lost_ring_begins_above_what_it_ever_had(path: Path) -> None:
    with opened(path) as (store, _):
        store.apply([Register("gate", lost=True)])
        bases = [store.apply([Register("gate", lost=True)])[0].base_offset for _ in range(2)]
        assert bases == [1 << ERA_BITS, 2 << ERA_BITS]


def test_what_is_past_its_retention_goes_in_small_steps(path: Path) -> None:
    old = NOW - RETENTION[OBSERVATIONS] - timedelta(seconds=1)
    with opened(path) as (store, reader):
        store.apply([record(at=old) for _ in range(700)] + [record(), record(topic=DEAD_LETTER, at=old)])
        assert store.trim(NOW) == 500
        assert reader.bounds(OBSERVATIONS) == (500, 701)
        assert store.trim(NOW) == 200
        assert store.trim(NOW) == 0
        assert reader.bounds(OBSERVATIONS) == (700, 701)
        assert reader.bounds(DEAD_LETTER) == (0, 1)  # kept for 30 days
        assert [r.position.offset for r in reader.read(OBSERVATIONS, 0, 10)] == [700]


def test_a_step_is_small_in_bytes_too(path: Path) -> None:
    with opened(path) as (store, _):
        store.apply([record(at=NOW - timedelta(days=2), size=1024 * 1024) for _ in range(8)])
        assert store.trim(NOW) == 5  # the first beyond 4 MB ends it


def test_a_topic_of_which_all_is_gone_keeps_its_end(path: Path) -> None:
    with opened(path) as (store, reader):
        store.apply([record(at=NOW - timedelta(days=2))])
        store.trim(NOW)
        assert reader.bounds(OBSERVATIONS) == (1, 1)
    with opened(path) as (store, _):
        assert store.apply([record()]) == [Position(OBSERVATIONS, 0, 1)]


def test_newest_by_key(path: Path) -> None:
    with opened(path) as (store, reader):
        store.apply([record(key) for key in ("gate", "river", "gate", "gate", "yard", "river")])
        assert reader.newest_by_key(OBSERVATIONS, 1) == [("gate", 3, 2), ("yard", 4, 1), ("river", 5, 2)]
        assert reader.newest_by_key(OBSERVATIONS, 6) == []
        assert reader.newest_by_key("unknown.v1", 0) == []


def test_a_poll_is_bounded_in_bytes(path: Path) -> None:
    with opened(path) as (store, reader):
        store.apply([record(size=6 * 1024 * 1024) for _ in range(4)])
        assert len(reader.read(OBSERVATIONS, 0, 500)) == 3  # the first beyond 16 MB ends it


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda path: path.write_bytes(b"this is no database" * 100), "cannot be used as the log"),
        (lambda path: _set_version(path, 99), "has the format 99, this program writes 1"),
    ],
    ids=["no database", "another version"],
)
def test_a_file_that_is_no_log_of_ours_is_refused(path: Path, prepare: object, message: str) -> None:
    assert callable(prepare)
    prepare(path)
    with pytest.raises(LianfangError, match=message):
        LogStore(path)


def test_nobody_else_may_read_the_log(path: Path) -> None:
    with opened(path) as (store, _):
        store.apply([record()])
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
        assert modes == {"log.sqlite3": 0o600, "log.sqlite3-wal": 0o600, "log.sqlite3-shm": 0o600}


def _set_version(path: Path, version: int) -> None:
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {version}")
    db.close()
