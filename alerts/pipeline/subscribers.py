"""What subscribers are owed because a receiver hears of an incident: no more than that receiver may hear."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.payload import Notice
from alerts.publishing import Operation, Published
from alerts.store import outbox, subscriptions
from alerts.store.due import free
from alerts.store.schema import OutboxRow
from alerts.store.subscriptions import SubscriptionRow
from lianfang.config import Config
from lianfang.ids import identify

_COUNTED = ("pending", "delivered")  # what they know, or will have heard before


def owe(
    session: Session, config: Config, receiver: str, message: Notice, now: datetime, captured_at: datetime
) -> None:
    """Owe ``message``, which ``receiver`` is owed, to everybody who has subscribed to such things there."""
    stanza = config.receivers.get(receiver)
    topic = stanza.topic(message) if isinstance(stanza, Published) else None
    if topic is None:
        return
    for subscription in subscriptions.in_force(session, receiver, now):
        if not subscription.begin_at <= message.opened_at < subscription.end_at:
            continue
        if subscription.resources and topic.resources.isdisjoint(subscription.resources):
            continue
        for kind, number in topic.kinds.items():
            if number not in subscription.kinds:
                continue
            operation = _operation(
                session, subscription.id, message.number, kind, now, withdrawn=topic.withdrawn
            )
            if operation is not None:
                _owe(session, subscription, message, kind, operation, now, captured_at)


def _owe(
    session: Session,
    subscription: SubscriptionRow,
    message: Notice,
    kind: str,
    operation: Operation,
    now: datetime,
    captured_at: datetime,
) -> None:
    notify = {"subscription": subscription.id, "kind": kind, "operation": operation.value}
    outbox.enqueue(
        session,
        id=identify("notification", subscription.id, message.number, message.version, kind),
        receiver=subscription.id,
        incident_id=message.number,
        incident_version=message.version,
        kind="notice",
        payload={**message.model_dump(mode="json"), "notify": notify},
        now=now,
        captured_at=captured_at,
        due_at=max(now, subscription.next_at or now),
    )


def _operation(
    session: Session, name: str, incident_id: str, kind: str, now: datetime, *, withdrawn: bool
) -> Operation | None:
    """Return what a subscriber hears of an incident now; None for nothing."""
    query = select(OutboxRow).where(
        OutboxRow.receiver == name, OutboxRow.incident_id == incident_id, OutboxRow.state.in_(_COUNTED)
    )
    rows = [
        row for row in session.scalars(query.order_by(OutboxRow.seq)) if row.payload["notify"]["kind"] == kind
    ]
    knows = bool(rows) and rows[-1].payload["notify"]["operation"] != Operation.DELETE
    if not withdrawn:
        return Operation.CHANGE if knows else Operation.ADD
    if not knows or _is_taken_back(session, rows, now):
        return None
    return Operation.DELETE


def _is_taken_back(session: Session, rows: Sequence[OutboxRow], now: datetime) -> bool:
    """Take back what nobody has begun to send; return whether that was all that there is."""
    untried = [row.seq for row in rows if row.state == "pending" and row.attempts == 0]
    if len(untried) < len(rows):
        return False
    query = select(OutboxRow).where(
        OutboxRow.seq.in_(untried), OutboxRow.state == "pending", OutboxRow.attempts == 0, free(now)
    )
    mine = session.scalars(query.with_for_update(skip_locked=True)).all()
    if len(mine) < len(rows):
        return False  # somebody has just begun
    for row in mine:
        row.last_error = "withdrawn before it was sent"
        outbox.expire(session, row, now=now)
    return True
