"""Switches of profiles in the store: who put which one in force, when, why, until when, and who ended it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Index, String, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.profiles import Source, Switch
from alerts.store.schema import Base
from alerts.store.types import Text
from lianfang.ids import identify

# A switch takes effect a moment after it was written: so every worker knows of it before it sees a picture of
# that time, and what it decided is what a replay decides.
LEAD = timedelta(seconds=1)
_REACH = timedelta(days=8)  # further back no log goes that a running service reads


class SwitchRow(Base):
    """A profile in force because of an operator's key or of a level. It is ended, never deleted."""

    __tablename__ = "profile_switches"
    __table_args__ = (Index("ix_switches_until", "until"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    profile: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(16))  # key | level
    by: Mapped[str] = mapped_column(String(64))  # an operator's id, or a sensor's
    reason: Mapped[str] = mapped_column(Text, default="")
    since: Mapped[datetime]
    until: Mapped[datetime | None]  # before this time; none: until the level falls
    ended_by: Mapped[str] = mapped_column(String(64), default="")  # who ended it before its time


def load(session: Session, now: datetime | None = None) -> tuple[Switch, ...]:
    """Return the switches that matter at ``now`` and the days before, or all; oldest first."""
    query = select(SwitchRow).order_by(SwitchRow.since, SwitchRow.id)
    if now is not None:
        query = query.where(or_(SwitchRow.until.is_(None), SwitchRow.until > now - _REACH))
    return tuple(_switch(row) for row in session.scalars(query))


def rows(session: Session, limit: int) -> Sequence[SwitchRow]:
    """Return the newest switches, newest first."""
    return session.scalars(
        select(SwitchRow).order_by(SwitchRow.since.desc(), SwitchRow.id).limit(limit)
    ).all()


def begin(
    session: Session,
    profile: str,
    source: Source,
    by: str,
    now: datetime,
    *,
    reason: str = "",
    until: datetime | None = None,
) -> SwitchRow:
    """Put a profile in force from a moment after ``now`` on; an operator's key ends the one before."""
    if source == "key":
        end_key(session, by, now)
    row = SwitchRow(
        id=identify("switch", profile, source, by, now.isoformat()),
        profile=profile,
        source=source,
        by=by,
        reason=reason,
        since=now + LEAD,
        until=until,
        ended_by="",
    )
    session.add(row)
    session.flush()
    return row


def end_key(session: Session, by: str, now: datetime) -> SwitchRow | None:
    """End the key that is in force, a moment after ``now``; None where there is none."""
    return _end(session, "key", None, by, now)


def end_level(session: Session, profile: str, by: str, now: datetime) -> SwitchRow | None:
    """End what a level put in force, a moment after ``now``; None where there is nothing."""
    return _end(session, "level", profile, by, now)


def is_exceeded(session: Session, profile: str) -> bool:
    """Say whether a level has put a profile in force and has not fallen since."""
    open_ended = select(SwitchRow.id).where(
        SwitchRow.source == "level", SwitchRow.profile == profile, SwitchRow.until.is_(None)
    )
    return session.scalar(open_ended.limit(1)) is not None


def _end(session: Session, source: Source, profile: str | None, by: str, now: datetime) -> SwitchRow | None:
    at = now + LEAD
    query = select(SwitchRow).where(
        SwitchRow.source == source, or_(SwitchRow.until.is_(None), SwitchRow.until > at)
    )
    if profile is not None:
        query = query.where(SwitchRow.profile == profile)
    ended = None
    for row in session.scalars(query.order_by(SwitchRow.since)):
        row.until, row.ended_by, ended = max(at, row.since), by, row
    session.flush()
    return ended


def _switch(row: SwitchRow) -> Switch:
    source: Source = "key" if row.source == "key" else "level"
    return Switch(row.profile, source, row.by, row.reason, row.since, row.until)
