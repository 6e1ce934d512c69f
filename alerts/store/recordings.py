"""Recordings that people put in the place of a voice: one for a text in a language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import LargeBinary, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.store.schema import Base
from lianfang.ids import identify


class RecordingRow(Base):
    """The recording of a text: ``sound`` is a WAV file, ``sha256`` its digest."""

    __tablename__ = "recordings"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    language: Mapped[str] = mapped_column(String(8))
    text: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    seconds: Mapped[float]
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    sound: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


def recording_id(language: str, text: str) -> str:
    """Return the id of the recording of a text."""
    return identify("recording", language, text)


def digests(session: Session) -> Mapping[str, str]:
    """Return the digest of every recording by its id."""
    return {row.id: row.sha256 for row in session.scalars(select(RecordingRow))}


def sound_of(session: Session, sha256: str) -> bytes | None:
    """Return the WAV file with that digest; None where it was taken back meanwhile."""
    return session.scalars(select(RecordingRow.sound).where(RecordingRow.sha256 == sha256).limit(1)).first()
