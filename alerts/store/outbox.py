"""What is owed to receivers: put in with the decision, taken out by lease, ended by the receiver's word.

A key is (receiver, incident). Only its head, the pending row with the lowest ``seq``, may be sent, so that
a receiver learns the changes of an incident in their order; a dead or expired head releases the next one.
Every function works in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from alerts.incidents.model import ChangeKind
from alerts.store.deferred import defer
from alerts.store.due import due_heads, free, sendable
from alerts.store.incidents import add_change, hold
from alerts.store.schema import IncidentRow, OutboxRow

Kind = Literal["speech", "notice"]


def hold_incidents(session: Session, query: Select[OutboxRow]) -> Mapping[str, IncidentRow | None]:
    """Take the incidents that rows of ``query`` are about, before the rows; a call is about none."""
    return hold(session, set(filter(None, session.scalars(query.with_only_columns(OutboxRow.incident_id)))))


def enqueue(
    session: Session,
    *,
    id: str,  # noqa: A002 - the column's name
    receiver: str,
    incident_id: str | None,
    incident_version: int,
    kind: Kind,
    payload: Mapping[str, Any],
    now: datetime,
    captured_at: datetime,
    due_at: datetime | None = None,
    valid_until: datetime | None = None,
    priority: int = 0,
    call_id: str | None = None,
) -> None:
    """Owe ``payload`` to ``receiver``, and change nothing if that id is owed already.

    It is about an incident, or a speech of the call ``call_id``.

    A notice's payload is ``alerts.payload.Notice`` without pictures. A speech's is ``{"speech":
    alerts.payload.Speech, "fallbacks": [receiver, …], "voices": {receiver: {…}}}``: who says it, in that
    order, if this one cannot, and what each of them says in its own way.
    """
    row = {
        "id": id,
        "receiver": receiver,
        "incident_id": incident_id,
        "call_id": call_id,
        "incident_version": incident_version,
        "kind": kind,
        "payload": dict(payload),
        "state": "pending",
        "created_at": now,
        "captured_at": captured_at,
        "due_at": due_at or now,
        "valid_until": valid_until,
        "priority": priority,
        "stop": "",
        "attempts": 0,
        "unsure": 0,
        "lease_owner": "",
        "last_error": "",
        "outcome": "",
    }
    defer(session, OutboxRow, row)


def claim(
    session: Session,
    *,
    owner: str,
    now: datetime,
    lease_s: float,
    limit: int,
    receivers: Mapping[str, int],
) -> list[OutboxRow]:
    """Lease heads that are due to ``owner`` and count the attempt; return them, the longest due first.

    ``receivers`` says how many each receiver may have of them, ``limit`` how many in all. Nobody else gets
    a row before its lease ends. What may not be sent any more is left to ``overdue``.
    """
    seqs = due_heads(session, now, receivers)[:limit]
    return lease(session, seqs, owner=owner, now=now, lease_s=lease_s)


def lease(
    session: Session, seqs: Collection[int], *, owner: str, now: datetime, lease_s: float
) -> list[OutboxRow]:
    """Lease those of ``seqs``, which were due heads a moment ago, that still may be; as ``claim``."""
    if not seqs:
        return []
    # The conditions stand here again: on PostgreSQL another claimer may have come first.
    query = select(OutboxRow).where(OutboxRow.seq.in_(seqs), *sendable(now)).with_for_update(skip_locked=True)
    rows = sorted(session.scalars(query), key=lambda row: (row.due_at, row.seq))
    for row in rows:
        row.lease_owner = owner
        row.lease_until = now + timedelta(seconds=lease_s)
        row.attempts += 1
        row.unsure += 1
    session.flush()
    return rows


def overdue(
    session: Session, now: datetime, receivers: Collection[str], *, lock: bool = True
) -> list[OutboxRow]:
    """Return the commands whose validity has passed and that nobody is sending now.

    Without ``lock`` it is a question only, which whoever just reads may ask.
    """
    query = select(OutboxRow).where(
        OutboxRow.state == "pending",
        OutboxRow.receiver.in_(list(receivers)),
        OutboxRow.valid_until <= now,
        free(now),
    )
    return _found(session, query, lock=lock)


def unserved(
    session: Session, now: datetime, receivers: Collection[str], *, lock: bool = True
) -> list[OutboxRow]:
    """Return the speeches that wait for one of ``receivers``, which are out of service; ``lock`` as above."""
    query = select(OutboxRow).where(
        OutboxRow.state == "pending",
        OutboxRow.kind == "speech",
        OutboxRow.receiver.in_(list(receivers)),
        free(now),
    )
    return _found(session, query, lock=lock)


def _found(session: Session, query: Select[OutboxRow], *, lock: bool) -> list[OutboxRow]:
    if lock:  # anew: the same write may have asked before without it
        query = query.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    return list(session.scalars(query))


def taken(session: Session, seqs: Collection[int]) -> dict[int, OutboxRow]:
    """Return the rows of ``seqs`` that are still pending, by ``seq``, for the answer to be recorded."""
    query = select(OutboxRow).where(OutboxRow.seq.in_(seqs), OutboxRow.state == "pending")
    return {row.seq: row for row in session.scalars(query.order_by(OutboxRow.seq).with_for_update())}


def renew(session: Session, *, owner: str, seqs: Collection[int], until: datetime) -> None:
    """Prolong the leases of ``owner`` for attempts that take longer."""
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.seq.in_(seqs), OutboxRow.lease_owner == owner, OutboxRow.state == "pending")
        .values(lease_until=until)
        .execution_options(synchronize_session=False)
    )


def delivered(session: Session, row: OutboxRow, *, now: datetime, outcome: str, detail: str = "") -> None:
    """End a row with the receiver's own word for success."""
    row.last_error = ""
    _finish(row, "delivered", outcome, now)
    record_delivery(session, row, ChangeKind.DELIVERED, at=now, detail=detail)


def retry(row: OutboxRow, *, due_at: datetime, error: str) -> None:
    """Give the lease back; the next attempt is due at ``due_at``."""
    row.due_at = due_at
    row.last_error = error
    _release(row)


def stopped(session: Session, row: OutboxRow, why: str, *, now: datetime, detail: str) -> None:
    """Write down that a speech was broken off.

    One that gave way to something more urgent is said afterwards while it is valid; any other is over.
    """
    row.stop, row.outcome = "", "pre_empted" if why == "pre_empted" else "stopped"
    if why == "pre_empted":
        row.payload = row.payload | {"gave_way": row.payload.get("gave_way", 0) + 1}
        retry(row, due_at=now, error=f"gave way to something more urgent: {detail}")
    else:
        row.last_error = f"{why}: {detail}"
        _finish(row, "stopped", row.outcome, now)
    record_delivery(session, row, ChangeKind.STOPPED, at=now, detail=f"{why}: {detail}")


def dead(session: Session, row: OutboxRow, *, now: datetime, error: str) -> None:
    """End a row that no retry can help; its followers are released."""
    row.last_error = error
    _finish(row, "dead", "dead", now)
    record_delivery(session, row, ChangeKind.DELIVERY_FAILED, at=now, detail=error)


def expire(session: Session, row: OutboxRow, *, now: datetime) -> None:
    """End a command that is too late to be of use."""
    _finish(row, "expired", row.outcome or "expired", now)  # or else it gave way, and its turn did not come
    detail = row.last_error or "nobody could take it in time"
    record_delivery(session, row, ChangeKind.DELIVERY_FAILED, at=now, detail=detail)


def hasten(session: Session, receiver: str, now: datetime) -> None:
    """Make what waits for a retry due at once: the receiver answers again."""
    waiting = (
        select(OutboxRow.seq)
        .where(OutboxRow.state == "pending", OutboxRow.receiver == receiver)
        .where(OutboxRow.due_at > now, OutboxRow.attempts > 0, free(now))
        .with_for_update(skip_locked=True)  # whoever holds one is about to settle it
    )
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.seq.in_(waiting))
        .values(due_at=now)
        .execution_options(synchronize_session=False)
    )


def depths(session: Session) -> Mapping[tuple[str, str], int]:
    """Return how many rows are pending and dead, by (receiver, state)."""
    query = (
        select(OutboxRow.receiver, OutboxRow.state, func.count())
        .where(OutboxRow.state.in_(("pending", "dead")))
        .group_by(OutboxRow.receiver, OutboxRow.state)
    )
    return {(receiver, state): count for receiver, state, count in session.execute(query)}


def troubles(session: Session) -> Mapping[str, tuple[datetime, str]]:
    """Return by receiver since when it has not taken what was owed to it, and why it did not last."""
    first = (
        select(func.min(OutboxRow.seq))
        .where(OutboxRow.state == "pending", OutboxRow.attempts > 0)
        .group_by(OutboxRow.receiver)
    )
    query = select(OutboxRow.receiver, OutboxRow.created_at, OutboxRow.last_error)
    found = session.execute(query.where(OutboxRow.seq.in_(first)))
    return {receiver: (since, error) for receiver, since, error in found}


def record_delivery(session: Session, row: OutboxRow, kind: ChangeKind, *, at: datetime, detail: str) -> None:
    """Say in the incident's timeline what became of ``row``; a call has none."""
    if row.incident_id is None:
        return
    data: dict[str, Any] = {
        "receiver": row.receiver,
        "delivery": row.id,
        "outbox_kind": row.kind,
        "outcome": row.outcome,
        "attempts": row.attempts,
        "detail": detail,
    }
    add_change(session, row.incident_id, kind, "system", data, at)


def _finish(row: OutboxRow, state: str, outcome: str, now: datetime) -> None:
    row.state, row.outcome, row.finished_at = state, outcome, now
    _release(row)


def _release(row: OutboxRow) -> None:
    row.lease_owner, row.lease_until = "", None
