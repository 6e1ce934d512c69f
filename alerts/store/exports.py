"""Exports of incidents: asked for with a reason, approved by a second person, or over."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import ForeignKey, Index, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.store.schema import Base

ExportState = Literal["waiting", "approved", "refused", "ended"]


class ExportRow(Base):
    """An export of an incident: who wants it and why, and who said yes or no."""

    __tablename__ = "exports"
    __table_args__ = (Index("ix_exports_state", "state", "ends_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), index=True)
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    ends_at: Mapped[datetime]  # until when it may be approved, or fetched
    decided_by: Mapped[str] = mapped_column(String(64), default="")
    decided_at: Mapped[datetime | None]
    decided_why: Mapped[str] = mapped_column(Text, default="")
    fetched_at: Mapped[datetime | None]  # when it was last fetched


def of(session: Session, incident_id: str) -> Sequence[ExportRow]:
    """Return the exports of an incident, the newest first."""
    query = select(ExportRow).where(ExportRow.incident_id == incident_id)
    return session.scalars(query.order_by(ExportRow.asked_at.desc(), ExportRow.id)).all()


def waiting(session: Session) -> Sequence[ExportRow]:
    """Return those that wait for a second person, the oldest first."""
    return session.scalars(
        select(ExportRow).where(ExportRow.state == "waiting").order_by(ExportRow.asked_at)
    ).all()


def over(session: Session, now: datetime) -> Sequence[ExportRow]:
    """Return those that nobody approved, or that nobody may fetch any more, and that do not say so yet."""
    query = select(ExportRow).where(ExportRow.state.in_(("waiting", "approved")), ExportRow.ends_at <= now)
    return session.scalars(query.order_by(ExportRow.id)).all()


def taken(session: Session, ids: Collection[str]) -> Sequence[ExportRow]:
    """Return those of ``ids``, for the caller to change: nobody else does until its write ends."""
    query = select(ExportRow).where(ExportRow.id.in_(ids)).order_by(ExportRow.id)
    return session.scalars(query.with_for_update().execution_options(populate_existing=True)).all()
