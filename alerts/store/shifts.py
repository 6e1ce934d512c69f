"""What people on watch agree on: when consoles are quiet, who heard them ring, who handed over to whom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.store.schema import Base
from alerts.store.types import BigInt, Text


class QuietRow(Base):
    """Consoles do not ring for some incidents until then. What life safety raises rings all the same."""

    __tablename__ = "quiets"
    __table_args__ = (Index("ix_quiets_until", "until"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    severity: Mapped[str] = mapped_column(String(16))  # "" for every one, as in the next two
    camera: Mapped[str] = mapped_column(String(64))
    rule: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    until: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str] = mapped_column(String(64), default="")


class SoundTestRow(Base):
    """Somebody was asked whether their console is heard, and this is what they said."""

    __tablename__ = "sound_tests"
    __table_args__ = (Index("ix_sound_tests_session", "session", "at"), {"sqlite_autoincrement": True})

    seq: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=True)
    session: Mapped[str] = mapped_column(String(64))  # a digest of the log-in, which is of one browser
    operator: Mapped[str] = mapped_column(String(64))
    heard: Mapped[bool]
    at: Mapped[datetime]


class HandoverRow(Base):
    """One shift hands over to the next; what there was then is kept as it was."""

    __tablename__ = "handovers"
    __table_args__ = (Index("ix_handovers_offered", "offered_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    giver: Mapped[str] = mapped_column(String(64))
    taker: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))  # offered | taken | withdrawn
    standing: Mapped[dict[str, Any]]  # alerts.api.standing.Standing when it was offered …
    since: Mapped[list[dict[str, Any]]]  # … and the incidents that had come by when it was taken
    offered_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str] = mapped_column(String(64), default="")
    answer: Mapped[str] = mapped_column(Text, default="")


def quiet_now(session: Session, now: datetime) -> Sequence[QuietRow]:
    """Return what is in force, the newest first."""
    query = select(QuietRow).where(QuietRow.until > now, QuietRow.lifted_at.is_(None))
    return session.scalars(query.order_by(QuietRow.created_at.desc(), QuietRow.id)).all()


def heard(session: Session, login: str) -> SoundTestRow | None:
    """Return what was said last in a log-in, None where nobody was asked."""
    query = select(SoundTestRow).where(SoundTestRow.session == login)
    return session.scalars(query.order_by(SoundTestRow.seq.desc()).limit(1)).first()


def offered(session: Session) -> HandoverRow | None:
    """Return the handover that waits for its taker, None where none does."""
    return session.scalars(select(HandoverRow).where(HandoverRow.state == "offered").limit(1)).first()
