"""Who did what to what, when, from where and why: one table, that is only ever added to, a chain of digests.

Whatever writes to the store on behalf of a person writes the entry in the same transaction: ``Store.write``
adds the one that is ``pending`` where it is called, which the API sets for every request that changes
something.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Index, Select, String, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.store.alone import alone
from alerts.store.schema import Base
from alerts.store.types import BigInt, Text, holdable


class AuditRow(Base):
    """One deed of a person, done or refused. Triggers of the database refuse to change or to delete it."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_at", "at"),
        Index("ix_audit_actor", "actor", "at"),
        Index("ix_audit_action", "action", "at"),
        {"sqlite_autoincrement": True},
    )

    seq: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(64))  # a person's id; "" for who did not prove who they are
    actor_name: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(64))  # of the client
    action: Mapped[str] = mapped_column(String(64))  # the name of the operation of the API
    target: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    status: Mapped[int]  # of HTTP; below 400 it was done
    detail: Mapped[dict[str, Any]]
    digest: Mapped[str | None] = mapped_column(String(64))  # None: older than the chain


class Deed(Protocol):
    """What a person is doing now."""

    def entry(self, status: int) -> AuditRow:
        """Return what is to be written of it."""
        ...


@dataclass
class Pending:
    """A deed that is to be written with the first transaction that changes something, and once."""

    deed: Deed
    is_written: bool = field(default=False)


pending: ContextVar[Pending | None] = ContextVar("pending_audit", default=None)


def enter(session: Session) -> Pending | None:
    """Add what is pending to a transaction that is about to end; return it, to be marked once it has."""
    deed = pending.get()
    if deed is None or deed.is_written:
        return None
    add(session, deed.deed.entry(_DONE))
    return deed


_DONE = 200


def add(session: Session, row: AuditRow) -> None:
    """Add an entry to the end of the chain; the last thing of a transaction, because others wait for it."""
    row.target, row.reason = map(holdable, (row.target, row.reason))
    alone(session, "audit")
    before = session.scalar(select(AuditRow.digest).order_by(AuditRow.seq.desc()).limit(1))
    row.digest = digest(before or "", row)
    session.add(row)
    session.flush()


def digest(before: str, row: AuditRow) -> str:
    """Return the SHA-256 of an entry and the digest before it: who changes one must change all after it."""
    said = {name: value for name, value in plain(row).items() if name not in ("seq", "digest")}
    said["at"] = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(f"{before}\n{json.dumps(said, sort_keys=True)}".encode()).hexdigest()


@dataclass(frozen=True)
class Search:
    """What is looked for: from ``begin`` to before ``end``, of a person, an action, with some text."""

    begin: datetime | None = None
    end: datetime | None = None
    actor: str = ""
    action: str = ""
    text: str = ""
    before: int | None = None
    """Only entries older than this ``seq``."""


def found(search: Search) -> Select[AuditRow]:
    """Return the query of what is looked for, the newest first."""
    conditions: list[ColumnElement[bool]] = []
    if search.begin is not None:
        conditions.append(AuditRow.at >= search.begin)
    if search.end is not None:
        conditions.append(AuditRow.at < search.end)
    if search.actor:
        conditions.append(AuditRow.actor == search.actor)
    if search.action:
        conditions.append(AuditRow.action == search.action)
    if search.text:
        columns = (AuditRow.target, AuditRow.reason, AuditRow.actor_name, AuditRow.address)
        conditions.append(or_(*(column.icontains(search.text, autoescape=True) for column in columns)))
    if search.before is not None:
        conditions.append(AuditRow.seq < search.before)
    return select(AuditRow).where(*conditions).order_by(AuditRow.seq.desc())


def plain(row: AuditRow) -> Mapping[str, Any]:
    """Return an entry as plain values, in the order of its columns."""
    return {column.key: getattr(row, column.key) for column in AuditRow.__table__.columns}
