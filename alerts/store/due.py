"""Which rows of the outbox are due, and when the next ones will be: reads that cost no writer its turn."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Integer,
    bindparam,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from alerts.store.schema import OutboxRow
from alerts.store.types import UTCDateTime

Moment = datetime | BindParameter[datetime]

_BRANCHES = 100  # of one UNION; SQLite allows 500
_NOW = bindparam("now", type_=UTCDateTime())


def has_pending(session: Session, receivers: Collection[str]) -> bool:
    """Say whether anything at all is owed to ``receivers``."""
    query = (
        select(OutboxRow.seq)
        .where(OutboxRow.state == "pending", OutboxRow.receiver.in_(list(receivers)))
        .limit(1)
    )
    return session.scalar(query) is not None


def due_heads(
    session: Session, now: datetime, receivers: Mapping[str, int], *, in_order: bool = False
) -> Sequence[int]:
    """Return the ``seq`` of due heads, at most so many of each receiver as ``receivers`` says.

    ``in_order``: a receiver has one head only, whatever it is about.
    """
    found: list[tuple[datetime, int]] = []
    for some in _slices(sorted(receivers)):
        room = {f"room_{i}": max(receivers[name], 0) for i, name in enumerate(some)}
        if any(room.values()):
            found.extend(
                (due_at, seq) for due_at, seq in session.execute(_heads(some, in_order), {"now": now, **room})
            )
    return [seq for _, seq in sorted(found)]


def next_due(session: Session, now: datetime, receivers: Collection[str]) -> datetime | None:
    """Return when the next row that waits for its time is due, None if there is none."""
    moments = [
        due_at for some in _slices(sorted(receivers)) for due_at in session.scalars(_next(some), {"now": now})
    ]
    return min(moments, default=None)


def sendable(now: Moment) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which a row may be sent, if it is a head."""
    valid = or_(OutboxRow.valid_until.is_(None), OutboxRow.valid_until > now)
    return OutboxRow.state == "pending", OutboxRow.due_at <= now, free(now), valid


def free(now: Moment) -> ColumnElement[bool]:
    """Return the condition that nobody is sending a row."""
    return or_(OutboxRow.lease_until.is_(None), OutboxRow.lease_until <= now)


# Queries with one bounded branch a receiver, which its index ends after a few rows however long the queue
# is. They are built once for a set of receivers: that costs far more than to run them.


@lru_cache(maxsize=64)
def _heads(receivers: tuple[str, ...], in_order: bool) -> CompoundSelect[datetime, int]:
    """Return the query for due heads. Its parameters are ``now``, and ``room_i`` for each receiver."""
    earlier = aliased(OutboxRow)
    before = select(earlier.seq).where(
        earlier.receiver == OutboxRow.receiver, earlier.state == "pending", earlier.seq < OutboxRow.seq
    )
    blocked = (before if in_order else before.where(earlier.incident_id == OutboxRow.incident_id)).exists()
    branches = [
        select(OutboxRow.due_at, OutboxRow.seq)
        .where(OutboxRow.receiver == receiver, *sendable(_NOW), ~blocked)
        .order_by(OutboxRow.due_at, OutboxRow.seq)
        .limit(bindparam(f"room_{i}", type_=Integer()))
        .subquery()
        for i, receiver in enumerate(receivers)
    ]
    return union_all(*(select(branch.c.due_at, branch.c.seq) for branch in branches))


@lru_cache(maxsize=64)
def _next(receivers: tuple[str, ...]) -> CompoundSelect[datetime]:
    """Return the query for the first moment after ``now`` at which something is due, by receiver."""
    branches = [
        select(OutboxRow.due_at)
        .where(OutboxRow.receiver == receiver, OutboxRow.state == "pending", OutboxRow.due_at > _NOW)
        .order_by(OutboxRow.due_at)
        .limit(1)
        .subquery()
        for receiver in receivers
    ]
    return union_all(*(select(branch.c.due_at) for branch in branches))


def _slices(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return (tuple(names[start : start + _BRANCHES]) for start in range(0, len(names), _BRANCHES))
