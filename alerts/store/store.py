"""Opening the store and its two ways in: read, and write in one transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.util import CommandError
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from lianfang.errors import LianfangError, TransientError

_MIGRATIONS = Path(__file__).parent / "migrations"
QUIET = "quiet"
"""Key of ``session.info``: true where a write holds nothing that a listener could wait for."""


class Store:
    """A database with the tables of ``alerts.store.schema``, migrated to the newest revision.

    Thread-safe. ``on_commit`` callbacks run after every committed write, in the writer's thread: they only
    wake somebody up.
    """

    def __init__(self, url: str) -> None:
        """Open it, and make it where there is none.

        TransientError for a database that is locked or away; LianfangError for one that cannot be used.
        """
        self.engine = _engine(url)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._writing = threading.Lock()  # SQLite has one writer: queue here, not in its busy handler
        self._listeners: list[Callable[[], None]] = []
        try:
            _make_folder(self.engine)
            migrate(self.engine)
        except (DatabaseError, CommandError, OSError) as error:
            self.engine.dispose()
            raise _unusable(self.engine, error) from error

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session that sees one consistent state and writes nothing."""
        with self._sessions() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Give a session that commits at the end, or rolls all of it back on any error.

        A database that is locked, full or away raises TransientError. Listeners are called afterwards,
        unless ``session.info[QUIET]`` was set: positions move many times a second, and each call makes
        delivery, evidence and consoles look at the store.
        """
        try:
            with self._writing, self._sessions.begin() as session:
                yield session
        except OperationalError as error:
            raise TransientError(f"the store cannot write now: {error.orig}") from error
        if session.info.get(QUIET):
            return
        for listener in list(self._listeners):
            listener()

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after each committed write that is not quiet."""
        self._listeners.append(listener)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring the schema up to ``revision``."""
    with _migrations(engine) as config:
        command.upgrade(config, revision)


@contextmanager
def _migrations(engine: Engine) -> Iterator[AlembicConfig]:
    """Give what Alembic's commands want, in one transaction: all of a migration, or none of it."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))  # a ConfigParser's escape
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        yield config


def _engine(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_settings)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _make_folder(engine: Engine) -> None:
    database = engine.url.database
    if engine.dialect.name == "sqlite" and database and database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)


def _unusable(engine: Engine, error: DatabaseError | CommandError | OSError) -> LianfangError:
    """Return what to tell a person who finds that the store cannot be opened."""
    name = engine.url.render_as_string(hide_password=True)
    match error:
        case OperationalError():
            return TransientError(f"the store {name} cannot be opened now: {error.orig}")
        case DatabaseError():
            return LianfangError(f"the store {name} cannot be used: {error.orig}")
        case CommandError():
            return LianfangError(f"the store {name} is of another version, perhaps a newer one: {error}")
        case _:
            return LianfangError(f"the store {name} cannot be used: {error.strerror}")


def _sqlite_settings(connection: Any, _record: object) -> None:  # noqa: ANN401
    # The driver's own transaction handling commits before DDL: SQLAlchemy's documented remedy is to
    # switch it off and to say BEGIN ourselves (see the listener beside this one).
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")
