"""What the store needs of a database, whichever it is."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session


class Database(Protocol):
    """One kind of database. ``name`` is for people and holds no password."""

    name: str
    engine: Engine
    """For writing: a transaction sees what others have committed, and locks the rows that it asks for."""
    reader: Engine
    """For reading: a transaction sees one state."""

    def turn(self) -> AbstractContextManager[object]:
        """Wait until it is this thread's turn to write."""
        ...

    def begin_migration(self, connection: Connection) -> None:
        """Keep every other process from migrating until the end of the transaction."""
        ...

    def now(self, session: Session, ours: datetime) -> datetime:
        """Return the time that everybody who shares the database agrees on; ``ours`` where nobody does."""
        ...

    def passes(self, error: DBAPIError) -> bool:
        """Say whether the same statement may succeed later."""
        ...
