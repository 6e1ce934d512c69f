"""What people say through speakers, at no incident."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from alerts.store.schema import Base
from alerts.store.types import Text


class CallRow(Base):
    """What a person says through speakers, at no incident; its rows of the outbox say what became of it."""

    __tablename__ = "calls"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))  # alerts.calls.Kind
    author: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(index=True)
    text: Mapped[str] = mapped_column(Text, default="")
    speakers: Mapped[list[str]]  # to which it was said, in order
    target: Mapped[str] = mapped_column(String(80), default="")  # a group, "" where each was chosen
    seconds: Mapped[float] = mapped_column(default=0.0)  # of a voice, once it has ended
    stopped_by: Mapped[str] = mapped_column(String(64), default="")
