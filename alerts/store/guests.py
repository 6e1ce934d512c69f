"""Cameras of guests in the store: invitations, what each owner allows, and who looked when."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import JSON, ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.store.schema import Base
from alerts.store.types import BigInt, Text

State = Literal["active", "paused", "withdrawn"]
Looked = Literal["original", "annotated", "clip", "preview", "live", "export"]


class InvitationRow(Base):
    """A link by which one camera may be connected, once. Of what stands in the link only a digest is kept."""

    __tablename__ = "guest_invitations"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(64))  # what the camera is to look at
    near: Mapped[str] = mapped_column(String(64), default="")  # a point of the file
    author: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    push_digest: Mapped[str] = mapped_column(String(64), default="")  # of the key of a stream pushed to us
    guest_id: Mapped[str] = mapped_column(String(64), default="")  # what it was used for
    ended_at: Mapped[datetime | None]  # used, or revoked


class GuestRow(Base):
    """A guest's camera. ``sealed`` is where it is and its password, encrypted; empty once it is withdrawn."""

    __tablename__ = "guests"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    invitation_id: Mapped[str] = mapped_column(ForeignKey("guest_invitations.id"))
    owner_digest: Mapped[str] = mapped_column(String(64), unique=True)
    state: Mapped[str] = mapped_column(String(16))  # State
    state_since: Mapped[datetime]
    allowed: Mapped[dict[str, Any]]  # lianfang.config.guests.Guest, as the owner wants it
    sealed: Mapped[str] = mapped_column(Text)
    how: Mapped[str] = mapped_column(String(16))  # fetched | pushed
    push_digest: Mapped[str] = mapped_column(String(64), default="")
    consented_at: Mapped[datetime]
    consent: Mapped[dict[str, Any]]  # version, language, sha256 and text of the words, and who agreed
    ended_by: Mapped[str] = mapped_column(String(64), default="")  # an operator, or "owner"
    ended_why: Mapped[str] = mapped_column(Text, default="")
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # alerts.guests.withdrawal.Report


class LookRow(Base):
    """Somebody was given a picture of a guest's camera."""

    __tablename__ = "guest_looks"
    __table_args__ = (Index("ix_guest_looks_guest", "guest_id", "seq"), {"sqlite_autoincrement": True})

    seq: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=True)
    guest_id: Mapped[str] = mapped_column(ForeignKey("guests.id"))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(64))  # an operator, or a receiver with a link
    by_name: Mapped[str] = mapped_column(String(100))
    what: Mapped[str] = mapped_column(String(16))  # Looked
    captured_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")


def new_secret() -> tuple[str, str]:
    """Return what stands in a link, 256 random bits, and the digest that is kept of it."""
    token = secrets.token_urlsafe(32)
    return token, digest(token)


def digest(token: str) -> str:
    """Return what is kept of a link: no salt and no slow hash, since 256 random bits cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


def invitation(session: Session, token: str, now: datetime) -> InvitationRow | None:
    """Return the invitation of a link, None where there is none that is still good."""
    row = session.scalar(select(InvitationRow).where(InvitationRow.digest == digest(token)))
    return row if row is not None and row.ended_at is None and row.expires_at > now else None


def of_owner(session: Session, token: str) -> GuestRow | None:
    """Return the camera of an owner's link."""
    return session.scalar(select(GuestRow).where(GuestRow.owner_digest == digest(token)))


def rows(session: Session) -> Sequence[GuestRow]:
    """Return every guest's camera, those that were withdrawn too, in the order in which they came."""
    return session.scalars(select(GuestRow).order_by(GuestRow.consented_at, GuestRow.id)).all()


def shared(session: Session) -> Sequence[GuestRow]:
    """Return those that were not withdrawn."""
    query = select(GuestRow).where(GuestRow.state != "withdrawn")
    return session.scalars(query.order_by(GuestRow.consented_at, GuestRow.id)).all()


def invitations(session: Session, limit: int = 100) -> Sequence[InvitationRow]:
    """Return the newest invitations, newest first."""
    query = select(InvitationRow).order_by(InvitationRow.created_at.desc(), InvitationRow.id)
    return session.scalars(query.limit(limit)).all()


def looks(session: Session, guest_id: str, limit: int = 200) -> Sequence[LookRow]:
    """Return who looked at a guest's camera, newest first."""
    query = select(LookRow).where(LookRow.guest_id == guest_id).order_by(LookRow.seq.desc())
    return session.scalars(query.limit(limit)).all()


def pushing(session: Session, prefix: str, stream: str, now: datetime) -> str | None:
    """Return the digest of the key of a stream that may be pushed now; None where there is none."""
    begins = stream.removeprefix(prefix)
    if begins == stream or not begins.isalnum():
        return None
    shared = select(GuestRow.push_digest).where(GuestRow.state == "active")
    found = session.scalar(shared.where(GuestRow.push_digest.startswith(begins)))
    if found is None:
        invited = select(InvitationRow.push_digest).where(
            InvitationRow.ended_at.is_(None), InvitationRow.expires_at > now
        )
        found = session.scalar(invited.where(InvitationRow.push_digest.startswith(begins)))
    return found
