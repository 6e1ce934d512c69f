"""Opening the store and its two ways in: read, and write in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.util import CommandError
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError, DBAPIError
from sqlalchemy.orm import Session, sessionmaker

import alerts.store.calls  # noqa: F401 - the outbox refers to its table
from alerts.store import audit
from alerts.store.clips import ClipRow  # noqa: F401 - a table beside those of the schema
from alerts.store.database import Database
from alerts.store.deferred import write_before_asked
from alerts.store.dispositions import DispositionRow  # noqa: F401 - a table beside those of the schema
from alerts.store.exports import ExportRow  # noqa: F401 - likewise
from alerts.store.guests import GuestRow  # noqa: F401 - tables beside those of the schema
from alerts.store.incidents import write_changes
from alerts.store.looks import CameraLookRow  # noqa: F401 - likewise
from alerts.store.people import PersonRow  # noqa: F401 - a table beside those of the schema
from alerts.store.photos import PhotoRow  # noqa: F401 - a table beside those of the schema
from alerts.store.plans import PlanRow  # noqa: F401 - likewise
from alerts.store.postgresql import PostgreSql
from alerts.store.receipts import ReceiptRow  # noqa: F401
from alerts.store.recordings import RecordingRow  # noqa: F401 - likewise
from alerts.store.shifts import QuietRow  # noqa: F401 - tables beside those of the schema
from alerts.store.sqlite import Sqlite
from alerts.store.subscriptions import SubscriptionRow  # noqa: F401 - another one
from alerts.store.uptime import LinkRow  # noqa: F401 - and others
from alerts.store.walks import WalkTestRow  # noqa: F401 - tables beside those of the schema
from lianfang.config import Config
from lianfang.errors import LianfangError, TransientError

_MIGRATIONS = Path(__file__).parent / "migrations"
QUIET = "quiet"
"""Key of ``session.info``: true where a write holds nothing that a listener could wait for."""


def open_store(config: Config) -> Store:
    """Open the store that a configuration names; raises what ``Store`` raises."""
    if config.store_is_shared:
        return Store(PostgreSql(config.store, config.postgresql))
    return Store(f"sqlite:///{config.data_dir / 'store.sqlite3'}")


class Store:
    """A database with the tables of ``alerts.store.schema``, migrated to the newest revision.

    Thread-safe. ``on_commit`` callbacks run after every committed write of this process, in the writer's
    thread: they only wake somebody up.
    """

    def __init__(self, database: Database | str) -> None:
        """Open a database, or the file of SQLite at a URL; make what is missing.

        TransientError for a database that is locked or away; LianfangError for one that cannot be used.
        """
        try:
            self._database = Sqlite(database) if isinstance(database, str) else database
        except OSError as error:
            raise LianfangError(f"the store {database} cannot be used: {error.strerror}") from error
        self.engine = self._database.engine
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._readers = sessionmaker(self._database.reader, expire_on_commit=False)
        self._listeners: list[Callable[[], None]] = []
        event.listen(self._sessions, "do_orm_execute", write_before_asked)
        try:
            migrate(self._database)
        except (DatabaseError, CommandError) as error:
            self.engine.dispose()
            raise self._unusable(error) from error

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session that sees one consistent state and writes nothing.

        A database that is away raises TransientError.
        """
        try:
            with self._readers() as session:
                yield session
        except DBAPIError as error:
            raise self._later("read", error) from error

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Give a session that commits at the end, or rolls all of it back on any error.

        A database that is locked, full or away raises TransientError. Listeners are called afterwards,
        unless ``session.info[QUIET]`` was set: positions move many times a second, and each call makes
        delivery, evidence and consoles look at the store.
        """
        try:
            with self._database.turn(), self._sessions.begin() as session:
                yield session
                write_changes(session)
                deed = audit.enter(session)
        except DBAPIError as error:
            raise self._later("write", error) from error
        if deed is not None:
            deed.is_written = True
        if session.info.get(QUIET):
            return
        for listener in list(self._listeners):
            listener()

    def now(self, session: Session, ours: datetime) -> datetime:
        """Return the time that everybody who shares the store agrees on; ``ours`` where nobody does."""
        return self._database.now(session, ours)

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after each committed write of this process that is not quiet."""
        self._listeners.append(listener)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def _later(self, what: str, error: DBAPIError) -> Exception:
        """Return a TransientError where it may pass, the error itself where it is a bug of ours."""
        if self._database.passes(error):
            return TransientError(f"the store cannot {what} now: {error.orig}")
        return error

    def _unusable(self, error: DatabaseError | CommandError) -> LianfangError:
        """Return what to tell a person who finds that the store cannot be opened."""
        name = self._database.name
        if isinstance(error, CommandError):
            return LianfangError(f"the store {name} is of another version, perhaps a newer one: {error}")
        if self._database.passes(error):
            return TransientError(f"the store {name} cannot be opened now: {error.orig}")
        return LianfangError(f"the store {name} cannot be used: {error.orig}")


def migrate(database: Database, revision: str = "head") -> None:
    """Bring the schema up to ``revision``."""
    with migrations(database) as config:
        command.upgrade(config, revision)


@contextmanager
def migrations(database: Database) -> Iterator[AlembicConfig]:
    """Give what Alembic's commands want, in one transaction: all of a migration, or none of it."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))  # a ConfigParser's escape
    with database.engine.begin() as connection:
        database.begin_migration(connection)
        config.attributes["connection"] = connection
        yield config
