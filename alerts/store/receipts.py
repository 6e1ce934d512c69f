"""What receivers let us know about incidents, each message once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.store.schema import Base
from alerts.store.types import Text


class ReceiptRow(Base):
    """One message of a receiver about an incident; its id is made of the receiver's name and its own."""

    __tablename__ = "receipts"
    __table_args__ = (Index("ix_receipts_receiver", "receiver", "taken_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    receiver: Mapped[str] = mapped_column(String(64))
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), index=True)
    step: Mapped[str] = mapped_column(String(32))  # alerts.payload.CaseReceipt
    by: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text)
    said_at: Mapped[datetime]  # by the receiver's clock
    taken_at: Mapped[datetime]


def answered(session: Session, receiver: str) -> set[str]:
    """Return the incidents of which ``receiver`` has let us know what it makes of them."""
    return set(session.scalars(select(ReceiptRow.incident_id).where(ReceiptRow.receiver == receiver)))
