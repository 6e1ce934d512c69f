"""Subscriptions (订阅) that others keep with us: who wants to hear of what, until when, and where.

The name of one, ``receiver:number``, is what the outbox owes its messages to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import String, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.store import outbox
from alerts.store.due import free
from alerts.store.schema import Base, OutboxRow
from alerts.store.types import Text

_BETWEEN = ":"  # stands in no receiver's id


class SubscriptionRow(Base):
    """What was asked for last under a number. No name of a person is kept of it."""

    __tablename__ = "subscriptions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    receiver: Mapped[str] = mapped_column(String(64), index=True)
    number: Mapped[str] = mapped_column(String(33))
    title: Mapped[str] = mapped_column(Text)
    kinds: Mapped[list[int]]
    resources: Mapped[list[str]]  # codes; none means everything
    organisation: Mapped[str] = mapped_column(Text)
    begin_at: Mapped[datetime]
    end_at: Mapped[datetime]  # before this time
    address: Mapped[str] = mapped_column(Text)
    interval_s: Mapped[int]  # between two messages at least
    received_at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]  # no message before it
    told: Mapped[dict[str, Any]] = mapped_column(default=dict)  # by code, the record that it was told last
    telling_until: Mapped[datetime | None]  # somebody is telling it of records

    def is_in_force(self, now: datetime) -> bool:
        """Say whether anything may be sent because of it."""
        return self.cancelled_at is None and self.begin_at <= now < self.end_at

    def over(self, now: datetime) -> str:
        """Return why nothing is sent any more, "" where something may be."""
        if self.cancelled_at is not None:
            return "the subscription was cancelled"
        return "the subscription has expired" if now >= self.end_at else ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a subscription asks for: pictures taken from ``begin_at`` until before ``end_at``."""

    title: str
    kinds: list[int]
    resources: list[str]
    organisation: str
    begin_at: datetime
    end_at: datetime
    address: str
    interval_s: int


def name_of(receiver: str, number: str) -> str:
    """Return the name of a subscription."""
    return f"{receiver}{_BETWEEN}{number}"


def receiver_of(name: str) -> str:
    """Return with which receiver's platform a subscription is kept; any other name is a receiver's own."""
    return name.partition(_BETWEEN)[0]


def put(session: Session, receiver: str, number: str, wanted: Wanted, now: datetime) -> None:
    """Keep what is asked for under a number; what was asked for before under it holds no more."""
    row = session.get(SubscriptionRow, name_of(receiver, number), with_for_update=True)
    if row is None:
        row = SubscriptionRow(id=name_of(receiver, number), receiver=receiver, number=number, received_at=now)
        session.add(row)
    if row.cancelled_at is not None:
        row.told = {}  # it begins anew
    for key, value in asdict(wanted).items():
        if getattr(row, key) != value:
            setattr(row, key, value)
    row.cancelled_at = None
    session.flush()


def cancel(session: Session, receiver: str, number: str, now: datetime) -> bool:
    """Let nothing more be sent because of one; return False if there is none."""
    row = session.get(SubscriptionRow, name_of(receiver, number), with_for_update=True)
    if row is None:
        return False
    row.cancelled_at = row.cancelled_at or now
    session.flush()
    return True


def remove(session: Session, receiver: str, number: str) -> bool:
    """Forget one; return False if there is none."""
    row = session.get(SubscriptionRow, name_of(receiver, number), with_for_update=True)
    if row is None:
        return False
    session.delete(row)
    session.flush()
    return True


def kept(session: Session, receiver: str) -> Sequence[SubscriptionRow]:
    """Return all of a receiver, the oldest first."""
    query = select(SubscriptionRow).where(SubscriptionRow.receiver == receiver)
    return session.scalars(query.order_by(SubscriptionRow.received_at, SubscriptionRow.id)).all()


def all_of(session: Session) -> Sequence[SubscriptionRow]:
    """Return those of every receiver, by name."""
    return session.scalars(select(SubscriptionRow).order_by(SubscriptionRow.id)).all()


def in_force(session: Session, receiver: str, now: datetime) -> list[SubscriptionRow]:
    """Return those of a receiver because of which something may be sent."""
    return [row for row in kept(session, receiver) if row.is_in_force(now)]


def over(session: Session, name: str, now: datetime) -> str:
    """Return why nothing is sent because of a subscription any more, "" where something may be."""
    row = session.get(SubscriptionRow, name)
    return "the subscription was deleted" if row is None else row.over(now)


def served(session: Session, receivers: Iterable[str], now: datetime) -> list[str]:
    """Return the names of those with ``receivers`` that are in force, or to which something is owed."""
    known = set(receivers)
    names = {row.id for receiver in known for row in in_force(session, receiver, now)}
    owed = select(OutboxRow.receiver).where(OutboxRow.state == "pending").distinct()
    names |= {name for name in session.scalars(owed) if _BETWEEN in name and receiver_of(name) in known}
    return sorted(names)


def end_owed(session: Session, names: Iterable[str], now: datetime) -> int:
    """End what is owed to those of ``names`` that are over; return how many rows. None is sent."""
    why = {name: reason for name in names if (reason := over(session, name, now))}
    query = select(OutboxRow).where(OutboxRow.receiver.in_(why), OutboxRow.state == "pending", free(now))
    held = outbox.hold_incidents(session, query)
    query = query.where(OutboxRow.incident_id.in_(held)).order_by(OutboxRow.seq)
    rows = session.scalars(query.with_for_update(skip_locked=True)).all()
    for row in rows:
        row.last_error = why[row.receiver]
        outbox.expire(session, row, now=now)
    return len(rows)


def waiting(session: Session, name: str, after: int, limit: int) -> Sequence[OutboxRow]:
    """Return what is owed to a subscription after row ``after`` and was never tried, in its order."""
    query = select(OutboxRow).where(
        OutboxRow.receiver == name,
        OutboxRow.state == "pending",
        OutboxRow.seq > after,
        OutboxRow.attempts == 0,
    )
    return session.scalars(query.order_by(OutboxRow.seq).limit(limit)).all()


def taken(session: Session, name: str, head: str, along: Sequence[str], now: datetime, detail: str) -> None:
    """Write down that a message was taken: what went along with ``head`` is delivered, the next one waits."""
    query = select(OutboxRow).where(OutboxRow.id.in_(along), OutboxRow.state == "pending")
    outbox.hold_incidents(session, query)
    row = session.get(SubscriptionRow, name, with_for_update=True)
    if along:
        rows = session.scalars(query.order_by(OutboxRow.seq).with_for_update()).all()
        for one in rows:
            outbox.delivered(session, one, now=now, outcome="taken", detail=detail)
    if row is not None:
        _rest(session, row, now, head)


def _rest(session: Session, row: SubscriptionRow, now: datetime, head: str = "") -> None:
    """Let everything but ``head`` wait for the time that is to be between two messages."""
    if not row.interval_s:
        return
    row.next_at = now + timedelta(seconds=row.interval_s)
    session.flush()
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.receiver == row.id, OutboxRow.state == "pending")
        .where(OutboxRow.due_at < row.next_at, OutboxRow.id != head)
        .values(due_at=row.next_at)
        .execution_options(synchronize_session=False)
    )


def count(session: Session, receiver: str) -> int:
    """Return how many are kept of a receiver."""
    query = select(func.count()).select_from(SubscriptionRow).where(SubscriptionRow.receiver == receiver)
    return session.scalar(query) or 0


def begin_telling(session: Session, name: str, now: datetime, until: datetime) -> Mapping[str, Any] | None:
    """Be the one who tells a subscriber of records, until then; return what it was told, by code.

    None where somebody else is, or where nothing may be sent now.
    """
    row = session.get(SubscriptionRow, name, with_for_update=True)
    if row is None or not row.is_in_force(now):
        return None
    if any(moment is not None and moment > now for moment in (row.telling_until, row.next_at)):
        return None
    row.telling_until = until
    session.flush()
    return row.told


def end_telling(session: Session, name: str, records: Mapping[str, Any], now: datetime) -> None:
    """Be it no more; ``records`` are those that it knows now, by code, and the next message waits then."""
    row = session.get(SubscriptionRow, name, with_for_update=True)
    if row is None:
        return
    row.telling_until = None
    if records:
        row.told = {**row.told, **records}
        _rest(session, row, now)
    session.flush()
