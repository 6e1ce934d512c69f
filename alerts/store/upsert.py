"""Insert, or do something else where the row is there already."""

from __future__ import annotations

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from alerts.store.schema import Base


def insert_into(dialect: str, table: Table | type[Base]) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that knows ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
