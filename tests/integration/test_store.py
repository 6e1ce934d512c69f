"""The store in a file of SQLite; what it has in common with others is in ``tests/contract/test_store.py``."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from alerts.store import Store
from alerts.store.schema import CameraStateRow, ChangeRow
from lianfang.errors import LianfangError, TransientError
from tests.contract.test_store import add, cameras

NOON = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "store.sqlite3"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{file}")
    yield store
    store.close()


def test_the_settings_that_keep_it_whole(store: Store) -> None:
    with store.read() as session:
        for pragma, wanted in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
            assert session.scalar(text(f"PRAGMA {pragma}")) == wanted
    orphan = ChangeRow(incident_id="none", version=1, kind="opened", at=NOON, actor="system", data={})
    with pytest.raises(IntegrityError), store.write() as session:
        session.add(orphan)


def test_a_database_that_another_process_has_locked_is_for_later(store: Store, file: Path) -> None:
    with store.read() as session:
        session.execute(text("PRAGMA busy_timeout=20"))  # the pool has one connection up to now
    heard: list[int] = []
    store.on_commit(lambda: heard.append(1))
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TransientError, match="cannot write now: database is locked"):
            add(store, "a")
        assert cameras(store) == [], "reading goes on"
        other.execute("ROLLBACK")
    assert heard == []
    add(store, "a")
    assert cameras(store) == ["a"]


def test_a_disk_that_is_full_is_for_later(store: Store) -> None:
    with store.read() as session:
        pages = session.scalar(text("PRAGMA page_count"))
        session.execute(text(f"PRAGMA max_page_count={pages}"))
    with pytest.raises(TransientError, match="full"), store.write() as session:
        session.add(CameraStateRow(camera="a", condition="online", since=NOON, reason="x" * 1_000_000))
    assert cameras(store) == []


def not_a_database(file: Path) -> None:
    file.write_bytes(b"neither a database nor empty " * 100)


def from_the_future(file: Path) -> None:
    Store(f"sqlite:///{file}").close()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


def below_a_file(file: Path) -> None:
    file.parent.rmdir()
    file.parent.write_text("in the way", encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (not_a_database, "cannot be used: file is not a database"),
        (from_the_future, "is of another version, perhaps a newer one: .*9999"),
        (below_a_file, "cannot be used: (File exists|Not a directory)"),
        (Path.mkdir, "cannot be opened now: unable to open database file"),
    ],
)
def test_a_store_that_cannot_be_opened_says_why(file: Path, spoil: object, says: str) -> None:
    file.parent.mkdir()
    assert callable(spoil)
    spoil(file)
    with pytest.raises(LianfangError, match=rf"store\.sqlite3 {says}"):
        Store(f"sqlite:///{file}")
