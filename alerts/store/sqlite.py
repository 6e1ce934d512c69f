"""A file of SQLite: the store of one alert service."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session


class Sqlite:
    """The database at a URL of SQLAlchemy, whose folder is made where it is missing."""

    def __init__(self, url: str) -> None:
        self.name = url
        self.engine = self.reader = create_engine(url)
        self._writing = threading.Lock()
        event.listen(self.engine, "connect", _set_up)
        event.listen(self.engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        event.listen(self.engine, "checkin", _guard)
        file = self.engine.url.database
        if file and file != ":memory:":
            Path(file).parent.mkdir(parents=True, exist_ok=True)

    def turn(self) -> threading.Lock:
        """Queue: SQLite has one writer, and to wait in its busy handler takes longer."""
        return self._writing

    def begin_migration(self, connection: Connection) -> None:
        """Let tables be made anew under rows that refer to them; one process owns the file."""
        # No pragma of a transaction changes this: leave the empty one that has begun, and begin again.
        for statement in ("COMMIT", "PRAGMA foreign_keys=OFF", "BEGIN"):
            connection.exec_driver_sql(statement)

    def now(self, session: Session, ours: datetime) -> datetime:
        """Return our time."""
        del session
        return ours

    def passes(self, error: DBAPIError) -> bool:
        """Say whether it is locked, full or away."""
        return isinstance(error, OperationalError)


def _guard(connection: Any, _record: object) -> None:  # noqa: ANN401
    """Let rows refer only to rows that there are, also where a migration has had to look away."""
    if connection is not None:
        connection.execute("PRAGMA foreign_keys=ON")


def _set_up(connection: Any, _record: object) -> None:  # noqa: ANN401
    # The driver's own transaction handling commits before DDL: SQLAlchemy's documented remedy is to
    # switch it off and to say BEGIN ourselves (see the listener beside this one).
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")
