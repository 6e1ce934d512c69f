"""A database of PostgreSQL: the store that several alert services share."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

from sqlalchemy import create_engine, event, func, select, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.orm import Session

from alerts.store.alone import KEYS
from alerts.store.types import UTCDateTime
from lianfang.config.postgresql import Postgresql, address
from lianfang.errors import LianfangError

# A service that stands still in the middle of a write would keep all others from writing: the server ends its
# transaction. Whoever waits for a lock, or for an answer, gives up and tries again.
_SERVER = {
    "idle_in_transaction_session_timeout": "10s",
    "lock_timeout": "15s",
    "statement_timeout": "30s",
    "timezone": "UTC",
}
_CLIENT = {
    "application_name": "lianfang",
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # ms without an answer from the machine: a cut that nobody says
    "gssencmode": "disable",
}


class PostgreSql:
    """The database that a ``store: postgresql://…`` names, with its access."""

    def __init__(self, store: str, access: Postgresql) -> None:
        self.name = store
        self.engine = create_engine("postgresql+psycopg://", connect_args=_arguments(store, access))
        self.reader: Engine = self.engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._access = access
        event.listen(self.engine, "do_connect", self._log_in)

    def _log_in(self, _dialect: object, _record: object, _args: object, arguments: dict[str, Any]) -> None:
        """Add the password, as it is now, to the arguments of a new connection; it is kept nowhere."""
        if self._access.password is not None:
            try:
                arguments["password"] = self._access.password.read()
            except LookupError as error:
                raise LianfangError(f"the password of the store {self.name}: {error}") from error

    def turn(self) -> AbstractContextManager[None]:
        """Wait for nobody: rows are locked, not the database."""
        return nullcontext()

    def begin_migration(self, connection: Connection) -> None:
        """Wait for whoever migrates now; a migration takes as long as it takes."""
        for setting in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(text(f"SET LOCAL {setting} = 0"))
        connection.execute(select(func.pg_advisory_xact_lock(KEYS["migration"])))

    def now(self, session: Session, ours: datetime) -> datetime:
        """Return the database's time."""
        found: datetime | None = session.scalar(select(func.clock_timestamp(type_=UTCDateTime())))
        return found or ours

    def passes(self, error: DBAPIError) -> bool:
        """Say whether it is away, gave up waiting, broke a deadlock, or ended what stood still."""
        return error.connection_invalidated or isinstance(
            error, (OperationalError, InterfaceError, InternalError)
        )


def _arguments(store: str, access: Postgresql) -> dict[str, Any]:
    """Return the arguments of a connection, but for the password."""
    where = address(store)
    found: dict[str, Any] = _CLIENT | {
        "user": where.user,
        "dbname": where.database,
        "host": ",".join(host for host, _ in where.hosts),
        "port": ",".join(str(port) for _, port in where.hosts),
        "options": " ".join(f"-c {name}={value}" for name, value in _SERVER.items()),
    }
    if len(where.hosts) > 1:
        found["target_session_attrs"] = "read-write"  # the one that is the primary now
    if access.tls is None:
        return found | {"require_auth": "!password"}  # never in clear, whatever the server asks for
    tls = access.tls
    found |= {"sslmode": "verify-full", "sslrootcert": str(tls.ca_file or "system")}
    if tls.cert_file is not None:
        found |= {"sslcert": str(tls.cert_file), "sslkey": str(tls.key_file)}
    return found
