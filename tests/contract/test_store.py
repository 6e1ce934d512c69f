"""What every store promises: schema and migrations agree, a write is all or nothing, times are aware."""

from __future__ import annotations

import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select
from sqlalchemy.exc import IntegrityError, StatementError

from alerts.store import Store, offsets
from alerts.store.schema import Base, CameraStateRow, ChangeRow, DeadRecordRow
from alerts.store.store import migrate, migrations
from lianfang.bus import TopicPartition
from tests.support.stores import Opener

NOON = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=UTC)


def camera(name: str, since: datetime = NOON) -> CameraStateRow:
    return CameraStateRow(camera=name, condition="online", since=since, reason="")


def dead_record(**columns: object) -> DeadRecordRow:
    plain = {"id": "d", "topic": "t", "partition": 0, "offset": 0, "key": "k", "headers": {}, "value": b""}
    return DeadRecordRow(**plain | columns, reason="unreadable", at=NOON)


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

    with migrations(store._database) as config:
        command.downgrade(config, "base")
    assert tables(store) - {"sqlite_sequence"} == {"alembic_version"}
    migrate(store._database)
    assert tables(store) - {"sqlite_sequence"} == everything


def test_every_migration_goes_both_ways_alone(store: Store) -> None:
    with migrations(store._database) as config:
        revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert len(revisions) == len(set(revisions)) > 0
    for _ in revisions:
        with migrations(store._database) as config:
            command.downgrade(config, "-1")
    for _ in revisions:
        migrate(store._database, "+1")
    with store.write() as session:
        session.add(camera("a"))
    assert cameras(store) == ["a"]


def test_what_was_written_is_there_after_a_restart(another: Opener) -> None:
    for name in ("a", "b"):
        with closing(another()) as store, store.write() as session:
            session.add(camera(name))
    assert cameras(another()) == ["a", "b"]


def test_a_row_that_refers_to_nothing_is_refused(store: Store) -> None:
    orphan = ChangeRow(incident_id="none", version=1, kind="opened", at=NOON, actor="system", data={})
    with pytest.raises(IntegrityError), store.write() as session:
        session.add(orphan)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("请离开水边 👋", "请离开水边 👋"),
        ("broken\0off\n", "broken\N{REPLACEMENT CHARACTER}off\n"),
        ("half \ud83d a character", "half ? a character"),
        ("离" * 100_000, "离" * 100_000),
    ],
)
def test_words_from_outside_are_kept_whatever_they_are(store: Store, said: str, kept: str) -> None:
    headers = {"said": said}
    with store.write() as session:
        session.add(CameraStateRow(camera="a", condition="online", since=NOON, reason=said))
        session.add(dead_record(headers=headers, value=bytes(range(256))))
    with store.read() as session:
        assert session.scalar(select(CameraStateRow.reason)) == kept
        (record,) = session.scalars(select(DeadRecordRow))
        assert (record.headers, record.value) == (headers, bytes(range(256)))


def test_an_offset_may_pass_32_bits(store: Store) -> None:
    where, beyond = TopicPartition("observations.v1", 0), 2**40
    with store.write() as session:
        offsets.advance(session, where, 1, None, beyond)
        offsets.advance(session, where, 1, beyond, beyond + 1)
        session.add(dead_record(offset=beyond))
    with store.read() as session:
        assert offsets.load(session, where) == beyond + 1
        assert session.scalar(select(DeadRecordRow.offset)) == beyond


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
