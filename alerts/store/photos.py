"""Pictures that people took of a case: what came of it, as whoever was there saw it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.store.schema import Base


class PhotoRow(Base):
    """A photograph that ``by`` has put to an incident; detectors and receivers know nothing of it."""

    __tablename__ = "photos"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), index=True)
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    file: Mapped[str] = mapped_column(String(128))  # path below the evidence folder


def of(session: Session, incident_id: str) -> Sequence[PhotoRow]:
    """Return the photographs of an incident, in their order."""
    query = select(PhotoRow).where(PhotoRow.incident_id == incident_id)
    return session.scalars(query.order_by(PhotoRow.at, PhotoRow.id)).all()


def count(session: Session, incident_id: str) -> int:
    """Return how many photographs an incident has."""
    query = select(func.count()).select_from(PhotoRow).where(PhotoRow.incident_id == incident_id)
    return session.scalar(query) or 0
