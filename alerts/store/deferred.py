"""Rows that refer to incidents, kept for the end of a write: then each table is written by one statement.

One by one, between questions, each would cost a round trip, and a look at all that is in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import ORMExecuteState, Session

from alerts.store.schema import Base
from alerts.store.upsert import insert_into

_DEFERRED = "deferred"

Rows = dict[type[Base], list[Mapping[str, Any]]]


def defer(session: Session, table: type[Base], values: Mapping[str, Any]) -> None:
    """Insert a row of ``table`` by the end of the write; one whose id is there by then changes nothing.

    Every row of a table has the same columns.
    """
    rows: Rows = session.info.setdefault(_DEFERRED, {})
    rows.setdefault(table, []).append(values)


def write_deferred(session: Session) -> None:
    """Write what was deferred, after everything that it may refer to."""
    rows: Rows = session.info.pop(_DEFERRED, {})
    if rows:
        session.flush()
    for table, values in rows.items():
        insert = insert_into(session.get_bind().dialect.name, table)
        session.connection().execute(insert.on_conflict_do_nothing(index_elements=["id"]), values)


def write_before_asked(state: ORMExecuteState) -> None:
    """Let whoever asks for a table find what was deferred of it."""
    rows: Rows = state.session.info.get(_DEFERRED, {})
    if rows and any(mapper.class_ in rows for mapper in state.all_mappers):
        write_deferred(state.session)
