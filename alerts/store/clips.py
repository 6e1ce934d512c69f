"""The clips of incidents: what is asked for, who makes it, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import BigInteger, ForeignKey, Index, String, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.store.deferred import defer
from alerts.store.schema import Base
from lianfang.ids import identify

Missing = Literal["no_frames", "failed", "disk_full", "dropped", "withdrawn"]
"""Why there is no clip: no picture of that time was kept, it could not be made, there was no room for it, it
was deleted to make room for newer ones, the owner of the camera has withdrawn."""


class ClipRow(Base):
    """The clip of an incident: one camera from ``since`` to ``until``. ``missing`` is said, never hidden."""

    __tablename__ = "clips"
    __table_args__ = (Index("ix_clips_state", "state", "decided_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), index=True)
    state: Mapped[str] = mapped_column(String(16), default="pending")  # pending | kept | missing
    reason: Mapped[str] = mapped_column(String(16), default="")  # why it is missing, or "camera_lost"
    camera: Mapped[str] = mapped_column(String(64))
    since: Mapped[datetime]  # what is wanted …
    until: Mapped[datetime]
    begins_at: Mapped[datetime | None]  # … and when its first and last pictures were captured
    ends_at: Mapped[datetime | None]
    gaps: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # since, until: without a picture
    frames: Mapped[int] = mapped_column(default=0)
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    sha256: Mapped[str] = mapped_column(String(64), default="")
    file: Mapped[str] = mapped_column(String(128), default="")  # path below the evidence folder
    vital: Mapped[bool]  # of a rule that may save a life: it goes first
    decided_at: Mapped[datetime]
    holder: Mapped[str] = mapped_column(String(64), default="")  # the alert service that makes it …
    held_until: Mapped[datetime | None]  # … before this time


def ask(
    session: Session,
    incident_id: str,
    camera: str,
    since: datetime,
    until: datetime,
    at: datetime,
    vital: bool,
) -> None:
    """Want a clip of an incident, by the end of the write. Wanted twice, it changes nothing."""
    wanted = {
        "id": identify("clip", incident_id),
        "incident_id": incident_id,
        "state": "pending",
        "camera": camera,
        "since": since,
        "until": until,
        "vital": vital,
        "decided_at": at,
    }
    defer(session, ClipRow, wanted)


def of(session: Session, incident_id: str) -> ClipRow | None:
    """Return the clip of an incident, None where none was asked for."""
    return session.scalar(select(ClipRow).where(ClipRow.incident_id == incident_id))


def waiting(session: Session, holder: str, now: datetime, limit: int) -> Sequence[ClipRow]:
    """Return what is to be made and is made by nobody else, what may save lives first."""
    free = or_(ClipRow.holder == holder, ClipRow.held_until.is_(None), ClipRow.held_until < now)
    query = select(ClipRow).where(ClipRow.state == "pending", free)
    order = ClipRow.vital.desc(), ClipRow.decided_at, ClipRow.id
    return session.scalars(query.order_by(*order).limit(limit)).all()


def claim(session: Session, ids: Sequence[str], holder: str, now: datetime, lease: timedelta) -> set[str]:
    """Hold those of ``ids`` that nobody else holds for ``lease``; return which."""
    query = select(ClipRow).where(ClipRow.id.in_(ids), ClipRow.state == "pending").order_by(ClipRow.id)
    held = set()
    for row in session.scalars(query.with_for_update()):
        if row.holder == holder or row.held_until is None or row.held_until < now:
            row.holder, row.held_until = holder, now + lease
            held.add(row.id)
    return held


def oldest(session: Session) -> ClipRow | None:
    """Return the oldest clip that is kept."""
    query = select(ClipRow).where(ClipRow.state == "kept").order_by(ClipRow.decided_at)
    return session.scalar(query.limit(1))
