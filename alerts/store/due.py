"""Which rows of the outbox are due, and when the next ones will be: reads that cost no writer its turn."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Integer,
    bindparam,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from alerts.incidents.life import FINAL
from alerts.incidents.model import State
from alerts.store.schema import IncidentRow, OutboxRow
from alerts.store.types import UTCDateTime

Moment = datetime | BindParameter[datetime]
Rank = Literal["any", "in_order", "new", "going_on", "over"]


class Head(NamedTuple):
    """A row that may be sent; the order of these is that in which they go."""

    rank: int
    due_at: datetime
    seq: int
    receiver: str


_BRANCHES = 100  # of one UNION, up to three for each receiver; SQLite allows 500
_NOW = bindparam("now", type_=UTCDateTime())
_LIVING = tuple(state for state in State if state not in FINAL)


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
    rank: Rank = "in_order" if in_order else "any"
    return [head.seq for head in _found(session, now, {rank: receivers}, {})]


def new_heads(
    session: Session, now: datetime, receivers: Mapping[str, int], since: Mapping[str, datetime]
) -> Sequence[Head]:
    """Return due heads about something that was seen after ``since`` of their receiver, in their order."""
    return _found(session, now, {"new": receivers}, since)


def late_heads(
    session: Session,
    now: datetime,
    receivers: Mapping[str, int],
    over: Mapping[str, int],
    since: Mapping[str, datetime],
) -> Sequence[Head]:
    """Return the other due heads: first of incidents that are not over, then of others as ``over`` says.

    No index finds them: of a receiver of which none is asked for, nothing is looked at.
    """
    return _found(session, now, {"going_on": receivers, "over": over}, since)


def _found(
    session: Session, now: datetime, rooms: Mapping[Rank, Mapping[str, int]], since: Mapping[str, datetime]
) -> Sequence[Head]:
    ranks = tuple(rooms)
    found: list[Head] = []
    for some in _slices(sorted(rooms[ranks[0]])):
        given: dict[str, Any] = {
            f"{rank}_{i}": max(rooms[rank][name], 0) for rank in ranks for i, name in enumerate(some)
        }
        if any(given.values()):
            given |= {f"since_{i}": since[name] for i, name in enumerate(some) if since}
            found += [Head(*row) for row in session.execute(_heads(some, ranks), {"now": now, **given})]
    return sorted(found)


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
def _heads(receivers: tuple[str, ...], ranks: tuple[Rank, ...]) -> CompoundSelect[int, datetime, int, str]:
    """Return the query for due heads. Its parameters are ``now``, and ``since_i`` and ``{rank}_{i}``."""
    earlier = aliased(OutboxRow)
    before = select(earlier.seq).where(
        earlier.receiver == OutboxRow.receiver, earlier.state == "pending", earlier.seq < OutboxRow.seq
    )
    of_its_key = before.where(earlier.incident_id == OutboxRow.incident_id)
    branches = [
        select(literal_column(str(n)).label("rank"), OutboxRow.due_at, OutboxRow.seq, OutboxRow.receiver)
        .where(OutboxRow.receiver == receiver, *sendable(_NOW), *_of(rank, i))
        .where(~(before if rank == "in_order" else of_its_key).exists())
        .order_by(OutboxRow.due_at, OutboxRow.seq)
        .limit(bindparam(f"{rank}_{i}", type_=Integer()))
        .subquery()
        for n, rank in enumerate(ranks)
        for i, receiver in enumerate(receivers)
    ]
    return union_all(*(select(b.c.rank, b.c.due_at, b.c.seq, b.c.receiver) for b in branches))


def _of(rank: Rank, i: int) -> tuple[ColumnElement[bool], ...]:
    if rank in ("any", "in_order"):
        return ()
    since = bindparam(f"since_{i}", type_=UTCDateTime())
    if rank == "new":  # it was owed after it was seen, and due after that: so far the index need not look
        return OutboxRow.due_at > since, OutboxRow.captured_at > since
    living = IncidentRow.state.in_(_LIVING), IncidentRow.ended_at.is_(None)
    going_on = OutboxRow.incident_id.in_(select(IncidentRow.id).where(*living))
    return OutboxRow.captured_at <= since, going_on if rank == "going_on" else ~going_on


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
