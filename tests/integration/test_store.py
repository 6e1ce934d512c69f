"""The store: its schema and migrations agree, a write is all or nothing, times are aware."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from alerts.store import Store
from alerts.store.schema import Base, CameraStateRow, ChangeRow
from alerts.store.store import _migrations, migrate
from lianfang.errors import LianfangError, TransientError

NOON = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "store.sqlite3"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{file}")
    yield store
    store.close()


def camera(name: str, since: datetime = NOON) -> CameraStateRow:
    return CameraStateRow(camera=name, condition="online", since=since, reason="")


def cameras(store: Store) -> list[str]:
    with store.read() as session:
        return sorted(session.scalars(select(CameraStateRow.camera)))


def add(store: Store, *names: str, then: Exception | None = None) -> None:
    """Add cameras one by one; in the same write, raise ``then`` at the end."""
    with store.write() as session:
        for name in names:
            session.add(camera(name))
            session.flush()
        if then is not None:
            raise then


def tables(store: Store) -> set[str]:
    return set(inspect(store.engine).get_table_names())


def test_migrations_lead_to_the_schema_and_back(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []
    everything = set(Base.metadata.tables) | {"alembic_version"}
    assert tables(store) - {"sqlite_sequence"} == everything

    with _migrations(store.engine) as config:
        command.downgrade(config, "base")
    assert tables(store) - {"sqlite_sequence"} == {"alembic_version"}
    migrate(store.engine)
    assert tables(store) - {"sqlite_sequence"} == everything


def test_every_migration_goes_both_ways_alone(store: Store) -> None:
    with _migrations(store.engine) as config:
        revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert len(revisions) == len(set(revisions)) > 0
    for _ in revisions:
        with _migrations(store.engine) as config:
            command.downgrade(config, "-1")
    for _ in revisions:
        migrate(store.engine, "+1")
    with store.write() as session:
        session.add(camera("a"))
    assert cameras(store) == ["a"]


def test_what_was_written_is_there_after_a_restart(file: Path) -> None:
    for name in ("a", "b"):
        with closing(Store(f"sqlite:///{file}")) as store, store.write() as session:
            session.add(camera(name))
    with closing(Store(f"sqlite:///{file}")) as store:
        assert cameras(store) == ["a", "b"]


def test_the_settings_that_keep_it_whole(store: Store) -> None:
    with store.read() as session:
        for pragma, wanted in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
            assert session.scalar(text(f"PRAGMA {pragma}")) == wanted
    orphan = ChangeRow(incident_id="none", version=1, kind="opened", at=NOON, actor="system", data={})
    with pytest.raises(IntegrityError), store.write() as session:
        session.add(orphan)


def test_a_write_is_all_or_nothing(store: Store) -> None:
    add(store, "a")
    with pytest.raises(ZeroDivisionError):
        add(store, "b", then=ZeroDivisionError())
    assert cameras(store) == ["a"]
    with pytest.raises(IntegrityError):
        add(store, "c", "a")  # the second is there already
    assert cameras(store) == ["a"]
    add(store, "d")
    assert cameras(store) == ["a", "d"]


def test_a_reader_sees_one_state(store: Store) -> None:
    with store.read() as session:
        before = session.scalars(select(CameraStateRow.camera)).all()
        with store.write() as other:
            other.add(camera("a"))
        assert session.scalars(select(CameraStateRow.camera)).all() == before == []
    assert cameras(store) == ["a"]


def test_writers_queue(store: Store) -> None:
    def write(name: str) -> None:
        for i in range(20):
            with store.write() as session:
                session.add(camera(f"{name}{i:02}"))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(cameras(store)) == 80


@pytest.mark.parametrize(
    "moment",
    [
        NOON,
        NOON.astimezone(timezone(timedelta(hours=8))),
        NOON.astimezone(timezone(timedelta(hours=-9, minutes=-30))),
    ],
)
def test_times_come_back_aware_in_utc(store: Store, moment: datetime) -> None:
    with store.write() as session:
        session.add(camera("a", moment))
    with store.read() as session:
        (since,) = session.scalars(select(CameraStateRow.since))
        assert since == NOON
        assert since.tzinfo is UTC
        # Compared in the database, another zone is the same moment too.
        found = session.scalars(select(CameraStateRow.camera).where(CameraStateRow.since <= moment)).all()
        assert found == ["a"]
        earlier = moment - timedelta(microseconds=1)
        assert (
            session.scalars(select(CameraStateRow.camera).where(CameraStateRow.since <= earlier)).all() == []
        )


def test_a_naive_time_is_refused(store: Store) -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(StatementError, match=r"naive time 2026-07-01T12:00:00\.123456"), store.write() as s:
        s.add(camera("a", naive))
    with pytest.raises(StatementError, match="naive time"), store.read() as s:
        s.scalars(select(CameraStateRow).where(CameraStateRow.since == naive)).all()
    assert cameras(store) == []


def test_whoever_wants_to_know_hears_of_commits_and_of_nothing_else(store: Store) -> None:
    heard: list[list[str]] = []
    store.on_commit(lambda: heard.append(cameras(store)))
    with store.write() as session:
        session.add(camera("a"))
        session.flush()
        assert heard == []
    assert heard == [["a"]], "it is there when it is said"
    with pytest.raises(ZeroDivisionError):
        add(store, "b", then=ZeroDivisionError())
    with store.read() as session:
        session.scalars(select(CameraStateRow)).all()
    assert heard == [["a"]]


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
