"""Who looked at the community's cameras as they are now: one row a look, written before the first picture."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.store.schema import Base
from alerts.store.types import BigInt, Text

Looked = Literal["live", "picture"]


class CameraLookRow(Base):
    """Somebody was given pictures of a camera; guests' cameras have a list of their own (``guest_looks``)."""

    __tablename__ = "camera_looks"
    __table_args__ = (Index("ix_camera_looks_camera", "camera", "seq"), {"sqlite_autoincrement": True})

    seq: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=True)
    camera: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    until: Mapped[datetime | None]  # of a live view: when it ended; None while it goes on, or after a kill
    by: Mapped[str] = mapped_column(String(64))  # an operator
    by_name: Mapped[str] = mapped_column(String(100))
    what: Mapped[str] = mapped_column(String(16))  # Looked
    reason: Mapped[str] = mapped_column(Text, default="")


def looks(session: Session, camera: str, limit: int = 50) -> Sequence[CameraLookRow]:
    """Return who looked at a camera, newest first."""
    query = select(CameraLookRow).where(CameraLookRow.camera == camera).order_by(CameraLookRow.seq.desc())
    return session.scalars(query.limit(limit)).all()
