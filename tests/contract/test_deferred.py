"""Rows that refer to incidents: written together at the end, and found by whoever asks before."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from sqlalchemy import event, select

from alerts.incidents.model import ChangeKind
from alerts.store import Store
from alerts.store.incidents import add_change
from alerts.store.schema import ChangeRow, OutboxRow
from tests.support.outbox import T0, open_incident, owe_notice, owe_speech


def test_each_table_is_written_by_one_statement(store: Store) -> None:
    said: Counter[str] = Counter()

    def count(_connection: object, _cursor: object, statement: str, *_: Any) -> None:  # noqa: ANN401
        said[" ".join(statement.split()[:3])] += 1

    with store.write() as session:
        event.listen(store.engine, "before_cursor_execute", count)
        for i in range(30):
            owe_notice(session, "police", f"incident {i}")
            add_change(session, open_incident(session, f"incident {i}"), ChangeKind.RAISED, "system", {}, T0)
    event.remove(store.engine, "before_cursor_execute", count)
    assert {table: n for table, n in said.items() if "outbox" in table or "changes" in table} == {
        "INSERT INTO outbox": 1,
        "INSERT INTO changes": 1,
    }
    with store.read() as session:
        assert len(session.scalars(select(OutboxRow.seq)).all()) == 30
        assert len(session.scalars(select(ChangeRow.seq)).all()) == 30


def test_whoever_asks_finds_what_is_owed_before_the_end_of_the_write(store: Store) -> None:
    with store.write() as session:
        mine = [owe_notice(session, "police", "one"), owe_speech(session, "horn", "one")]
        assert list(session.scalars(select(OutboxRow.id).order_by(OutboxRow.seq))) == mine
        mine.append(owe_notice(session, "police", "two"))
    with store.read() as session:
        assert list(session.scalars(select(OutboxRow.id).order_by(OutboxRow.seq))) == mine


def test_what_is_owed_in_a_write_that_fails_is_not_owed(store: Store) -> None:
    def fail() -> None:
        with store.write() as session:
            owe_notice(session, "police", "one")
            add_change(session, "none", ChangeKind.RAISED, "system", {}, T0)

    with pytest.raises(LookupError, match="no incident"):
        fail()
    with store.read() as session:
        assert session.scalars(select(OutboxRow.id)).all() == []
