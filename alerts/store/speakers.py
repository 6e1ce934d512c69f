"""Speakers in the store: how each is, and who has the word. One speaker says one thing at a time.

The word is a lease: of several alert services on one store only one speaks to a speaker, and one that dies
holds the others up no longer than its lease.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, CursorResult, or_, select, update
from sqlalchemy.orm import Session

from alerts.store import outbox, suppressions
from alerts.store.schema import OutboxRow, SpeakerRow
from alerts.store.upsert import insert_into
from lianfang.events import SpeakerCondition

Health = SpeakerCondition
Why = Literal["pre_empted", "operator", "cleared", "muted", "standstill"]
"""Why a speech is broken off."""

_STALE = timedelta(minutes=5)  # what a speaker was longer ago says nothing: it is tried like a healthy one


@dataclass(frozen=True, slots=True)
class Turns:
    """Whose turn it is: ``next`` may be said now, ``give_way`` make room for what is more urgent.

    ``stop`` are speeches that this owner plays and that somebody wants broken off. All by ``seq``.
    """

    next: Collection[int] = ()
    give_way: Collection[int] = ()
    stop: Mapping[int, str] = field(default_factory=dict)


def turns(
    session: Session, now: datetime, room: Mapping[str, int], *, owner: str, off: Collection[str] = ()
) -> Turns:
    """Return whose turn it is at the speakers of ``room``; where that is 0, ``owner`` can send nothing more.

    At each the most urgent speech comes first, of equals the one that is owed for longest. Speakers in
    ``off``, and those that play somebody else's emergency programme, have none.
    """
    query = select(
        OutboxRow.seq,
        OutboxRow.receiver,
        OutboxRow.priority,
        OutboxRow.due_at,
        OutboxRow.valid_until,
        OutboxRow.lease_owner,
        OutboxRow.lease_until,
        OutboxRow.stop,
    ).where(OutboxRow.state == "pending", OutboxRow.kind == "speech", OutboxRow.receiver.in_(room))
    held: dict[str, Any] = {}
    best: dict[str, Any] = {}
    for row in session.execute(query.order_by(OutboxRow.priority.desc(), OutboxRow.seq)):
        if row.lease_until is not None and row.lease_until > now:
            held[row.receiver] = row
        elif row.due_at <= now and (row.valid_until is None or row.valid_until > now):
            best.setdefault(row.receiver, row)
    closed = {*off, *on_air(session, best)}
    least = suppressions.least_urgent(session, now) if best else 0
    able = [row for name, row in best.items() if name not in closed and row.priority >= least]
    busy = [(held[row.receiver], row) for row in able if row.receiver in held]
    return Turns(
        next=[row.seq for row in able if row.receiver not in held and room[row.receiver] > 0],
        give_way=[h.seq for h, row in busy if row.priority > h.priority and not h.stop],
        stop={h.seq: h.stop for h in held.values() if h.stop and h.lease_owner == owner},
    )


def take(session: Session, receiver: str, seq: int, *, owner: str, now: datetime, lease_s: float) -> bool:
    """Give ``owner`` the word at a speaker for the speech ``seq``; return False if somebody else has it."""
    row = _row(session, receiver, now)
    statement = (
        update(SpeakerRow)
        .where(SpeakerRow.receiver == row.receiver)
        .where(or_(SpeakerRow.lease_until.is_(None), SpeakerRow.lease_until <= now))
        .values(lease_owner=owner, lease_until=now + timedelta(seconds=lease_s), seq=seq)
        .execution_options(synchronize_session=False)
    )
    taken: CursorResult[Any] = session.execute(statement)  # type: ignore[assignment]
    return taken.rowcount == 1


def renew(session: Session, *, owner: str, seqs: Collection[int], until: datetime) -> None:
    """Keep the word for speeches of ``owner`` that take longer."""
    statement = update(SpeakerRow).where(SpeakerRow.lease_owner == owner, SpeakerRow.seq.in_(seqs))
    session.execute(statement.values(lease_until=until).execution_options(synchronize_session=False))


def release(session: Session, seqs: Collection[int]) -> None:
    """Give the word back that was taken for ``seqs``."""
    statement = update(SpeakerRow).where(SpeakerRow.seq.in_(seqs))
    values = {"lease_owner": "", "lease_until": None, "seq": None}
    session.execute(statement.values(values).execution_options(synchronize_session=False))


def predecessor_ended(session: Session) -> None:
    """Give back every word and every lease of the outbox: whoever held them is known to have ended."""
    none = {"lease_owner": "", "lease_until": None}
    for table, values in ((OutboxRow, none), (SpeakerRow, none | {"seq": None})):
        held = update(table).where(table.lease_until.is_not(None)).values(values)
        session.execute(held.execution_options(synchronize_session=False))


def give_way(session: Session, seqs: Collection[int]) -> None:
    """Ask for speeches that are played to be broken off: something more urgent waits."""
    rows = session.scalars(select(OutboxRow).where(OutboxRow.seq.in_(seqs), OutboxRow.stop == ""))
    for row in rows:
        row.stop = "pre_empted"


def stop(session: Session, incident_id: str, why: Why, *, now: datetime) -> int:
    """Break off what is said about an incident, and drop what waits; return how many speeches that are.

    What is under way ends once its speaker has confirmed that it is silent.
    """
    return len(stopped(session, why, OutboxRow.incident_id == incident_id, now=now))


def stopped(session: Session, why: Why, *which: ColumnElement[bool], now: datetime) -> Sequence[OutboxRow]:
    """Break off the speeches of ``which`` as ``stop`` does, and return them; without it all of them."""
    query = select(OutboxRow).where(OutboxRow.kind == "speech", OutboxRow.state == "pending", *which)
    outbox.hold_incidents(session, query)
    rows = list(session.scalars(query.order_by(OutboxRow.seq).with_for_update()))
    for row in rows:
        if row.lease_until is not None and row.lease_until > now:
            row.stop = why
        else:
            outbox.stopped(session, row, why, now=now, detail="before it began")
    return rows


def heard(session: Session, receiver: str, health: Health, *, detail: str, now: datetime) -> bool:
    """Write down how a speaker is; return whether that is news."""
    row = _row(session, receiver, now)
    news = row.health != health
    if news:
        row.health, row.since = health, now
    row.heard_at, row.detail = now, detail
    return news


def healths(session: Session, now: datetime) -> dict[str, Health]:
    """Return how each speaker is of which anything is known; one that nobody asked lately is ``ready``."""
    query = select(SpeakerRow.receiver, SpeakerRow.health).where(SpeakerRow.heard_at > now - _STALE)
    return {row.receiver: row.health for row in session.execute(query)}


def health(session: Session, names: Collection[str], now: datetime) -> dict[str, Health]:
    """Return how some speakers are."""
    known = healths(session, now)
    return {name: known.get(name, "ready") for name in names}


def on_air(session: Session, names: Collection[str]) -> Collection[str]:
    """Return those speakers that play somebody else's emergency programme."""
    if not names:
        return ()
    query = select(SpeakerRow.receiver).where(SpeakerRow.receiver.in_(names))
    return session.scalars(query.where(SpeakerRow.health == "emergency")).all()


def _row(session: Session, receiver: str, now: datetime) -> SpeakerRow:
    row = session.get(SpeakerRow, receiver)
    if row is None:
        new = {"receiver": receiver, "health": "ready", "since": now, "detail": "", "lease_owner": ""}
        insert = insert_into(session.get_bind().dialect.name, SpeakerRow).values(new)
        session.execute(insert.on_conflict_do_nothing(index_elements=["receiver"]))  # another may do it too
        row = session.get_one(SpeakerRow, receiver)
    return row
