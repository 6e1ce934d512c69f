"""Sending again what is dead, or what a receiver has taken and lost: under its id, in its old place."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from alerts.store.schema import OutboxRow


def replay(session: Session, outbox_id: str, now: datetime) -> OutboxRow:
    """Owe a dead letter, or a notice that was delivered, again under the same id, and return it.

    LookupError if there is no such row; ValueError in another state, or for a command whose time is over.
    """
    row = session.scalar(select(OutboxRow).where(OutboxRow.id == outbox_id).with_for_update())
    if row is None:
        raise LookupError(f"no delivery {outbox_id}")
    if row.state != "dead" and (row.state != "delivered" or row.kind == "speech"):
        raise ValueError(
            f"only a dead delivery or a delivered notice is sent again, this {row.kind} is {row.state}"
        )
    if is_over(row, now):
        raise ValueError(f"the command was valid until {row.valid_until}")
    for name, value in _owed_again(now).items():
        setattr(row, name, value)
    session.flush()
    return row


def is_over(row: OutboxRow, now: datetime) -> bool:
    """Say whether it is a command whose time is over: nobody may send it any more."""
    return row.valid_until is not None and row.valid_until <= now


def replay_span(
    session: Session, receiver: str, begin: datetime, end: datetime, now: datetime, *, delivered: bool
) -> int:
    """Owe again, under their ids, the dead notices to ``receiver`` from ``begin`` until before ``end``.

    With ``delivered`` those as well that it had taken: it has lost them. Return how many.
    """
    found = session.execute(
        update(OutboxRow)
        .where(OutboxRow.receiver == receiver, OutboxRow.kind == "notice")
        .where(OutboxRow.state.in_(("dead", "delivered") if delivered else ("dead",)))
        .where(OutboxRow.created_at >= begin, OutboxRow.created_at < end)
        .values(**_owed_again(now))
        .execution_options(synchronize_session=False)
    )
    assert isinstance(found, CursorResult)  # noqa: S101 - what an UPDATE gives
    return found.rowcount


def _owed_again(now: datetime) -> dict[str, Any]:
    return {
        "state": "pending",
        "outcome": "",
        "finished_at": None,
        "attempts": 0,
        "unsure": 0,
        "due_at": now,
        "owed_since": now,
    }
