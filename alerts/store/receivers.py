"""Receivers that asked never to be called again, until a person enables them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.store import outbox
from alerts.store.schema import ReceiverStateRow
from alerts.store.upsert import insert_into


def disabled(session: Session) -> frozenset[str]:
    """Return the receivers that must not be called."""
    query = select(ReceiverStateRow.receiver).where(ReceiverStateRow.disabled_at.is_not(None))
    return frozenset(session.scalars(query))


def disabled_why(session: Session) -> Mapping[str, tuple[datetime, str]]:
    """Return since when and why receivers must not be called."""
    rows = session.scalars(select(ReceiverStateRow).where(ReceiverStateRow.disabled_at.is_not(None)))
    return {row.receiver: (row.disabled_at, row.reason) for row in rows if row.disabled_at is not None}


def disable(session: Session, receiver: str, *, now: datetime, reason: str) -> None:
    """Call ``receiver`` no more; what is owed to it is kept."""
    state = {"disabled_at": now, "reason": reason}
    insert = insert_into(session.get_bind().dialect.name, ReceiverStateRow).values(receiver=receiver, **state)
    session.execute(insert.on_conflict_do_update(index_elements=["receiver"], set_=state))


def enable(session: Session, receiver: str, *, now: datetime) -> bool:
    """Call ``receiver`` again, at once; return False if it was not disabled."""
    row = session.get(ReceiverStateRow, receiver)
    if row is None or row.disabled_at is None:
        return False
    row.disabled_at, row.reason = None, ""
    outbox.hasten(session, receiver, now)
    return True
