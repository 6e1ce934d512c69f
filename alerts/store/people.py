"""People in the store who may log in, beside those of the configuration. None is deleted, only locked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from sqlalchemy import String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from alerts.store.schema import Base
from lianfang.config.api import Operator, Role


class PersonRow(Base):
    """A person: who they are, what they may do, and the argon2 hash of their password."""

    __tablename__ = "people"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    revision: Mapped[int]  # of the whole table, as of the last change of this row
    name: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(16))  # lianfang.config.api.Role
    cells: Mapped[list[str]] = mapped_column(default=list)  # of the grid, in which they work
    password_hash: Mapped[str] = mapped_column(String(256))
    must_change: Mapped[bool]  # somebody else has chosen the password
    locked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(64))


@dataclass(frozen=True, slots=True)
class People:
    """All of them by id, as of a ``revision``; 0 is nobody yet."""

    revision: int = 0
    rows: Mapping[str, PersonRow] = field(default_factory=dict)

    def operators(self) -> dict[str, Operator]:
        """Return them as the configuration has its own, without passwords."""
        return {
            name: Operator(name=row.name, role=cast("Role", row.role), locked=row.locked_at is not None)
            for name, row in self.rows.items()
        }

    def credential(self, person: str) -> str | None:
        """Return the password hash that lets a person in; None for who is locked, or not there."""
        row = self.rows.get(person)
        return row.password_hash if row is not None and row.locked_at is None else None

    def must_change(self, person: str) -> bool:
        """Say whether a person may do nothing before they have chosen a password of their own."""
        return person in self.rows and self.rows[person].must_change


def fresh(session: Session, known: People) -> People:
    """Return the people as they are now."""
    revision = _revision(session)
    if revision == known.revision:
        return known
    rows = {row.id: row for row in session.scalars(select(PersonRow).order_by(PersonRow.id))}
    return People(revision, rows)


def next_revision(session: Session) -> int:
    """Return the number of the next change of the table."""
    return _revision(session) + 1


def administrators(session: Session) -> Sequence[str]:
    """Return who may manage people, and is not locked."""
    query = select(PersonRow.id).where(PersonRow.role == "administrator", PersonRow.locked_at.is_(None))
    return session.scalars(query).all()


def _revision(session: Session) -> int:
    return session.scalar(select(func.max(PersonRow.revision))) or 0
