"""Types of columns that mean the same on every database."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, DateTime, Dialect, Integer
from sqlalchemy import Text as SqlText
from sqlalchemy.types import TypeDecorator


class UTCDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python; SQLite, which knows no zone, keeps it as UTC without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time: nobody could say later what it meant."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive time {value.isoformat()} for the store")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the time back aware."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Text(TypeDecorator[str]):
    """Words from outside, of any length; what a text cannot hold is replaced: 0, half a character."""

    impl = SqlText
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return what can be held."""
        del dialect
        return None if value is None else holdable(value)


def holdable(text: str) -> str:
    """Return ``text`` as a column of ``Text`` holds it."""
    if text.isprintable():  # neither of them is
        return text
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


# 2³¹ changes, deliveries or records of a partition are a matter of years. SQLite's integers have 64 bits, and
# only one that is called INTEGER counts by itself.
BigInt = BigInteger().with_variant(Integer(), "sqlite")
