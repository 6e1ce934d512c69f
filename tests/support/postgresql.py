"""Real PostgreSQL servers for tests: one that they share, and some of their own to kill.

Private clusters in a folder, started as an unprivileged user: the server refuses to run as root.
"""

from __future__ import annotations

import atexit
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Self

import psycopg

from alerts.store import Store, postgresql
from alerts.store.postgresql import PostgreSql
from deploy.demo.site import free_port
from lianfang.config import Secret
from lianfang.config.postgresql import Postgresql
from tests.support.kafka import missing

PASSWORD_ENV = "LIANFANG_TEST_POSTGRESQL_PASSWORD"
USER, OWNER = "lianfang", "lianfang_owner"
_START_S = 60.0
# On a machine that runs several test runs at once a test may well stand still for longer than a service does.
postgresql._SERVER["idle_in_transaction_session_timeout"] = "60s"
_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_buffers = 32MB
max_connections = 60
deadlock_timeout = 200ms
"""
_CLUSTER = ("--no-sync", "-E", "UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256")
# The server's own messages decide nothing here, and tests that kill it would fill the terminal.
_LOG = "server.log"


def programs() -> Path:
    """Return the folder of ``initdb`` and ``postgres``; skip the test where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        missing("no PostgreSQL: install Debian's package postgresql")
    return found[-1].parent if found else Path(on_path or "").resolve().parent


class Server:
    """A cluster on 127.0.0.1 that keeps everything in a folder of its own; a context manager."""

    def __init__(self, programs: Path, *, durable: bool = False) -> None:
        """``durable`` makes it wait for the disk, as in production."""
        self._durable = durable
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="lianfang-postgresql-"))
        self._data = self._folder / "data"
        self._user = _unprivileged()
        if self._user is not None:
            shutil.chown(self._folder, self._user, pwd.getpwnam(self._user).pw_gid)
        self.password = os.environ.setdefault(PASSWORD_ENV, secrets.token_urlsafe(12))
        self.port = free_port(0)
        self._process: subprocess.Popen[bytes] | None = None
        self._template = ""
        self._initialize()

    def __enter__(self) -> Self:
        self.start()
        with self.admin() as session:
            for role in (USER, OWNER):
                session.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{self.password}'")
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start it; return once it serves."""
        with (self._folder / _LOG).open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, "-p", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                **self._as_user(),
            )
        deadline = time.monotonic() + _START_S
        while True:
            with suppress(psycopg.OperationalError), self.admin() as session:
                session.execute("SELECT 1")
                return
            assert self._process.poll() is None, f"PostgreSQL did not start: {self.log()[-2000:]}"
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.05)

    def kill(self) -> None:
        """End it at once: sessions are cut in the middle of what they do."""
        if self._process is not None:
            self.resume()
            self._process.send_signal(signal.SIGQUIT)  # SIGKILL would leave its children behind
            self._process.wait(30)
            self._process = None

    def pause(self) -> None:
        """Let every process of it stand still: connections stay, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def admin(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """Return a session of the superuser, each statement a transaction."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            password=self.password,
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    def log(self) -> str:
        """Return what it has said."""
        return (self._folder / _LOG).read_text(encoding="utf-8", errors="replace")

    def add_rule(self, line: str) -> None:
        """Put a line before the others of pg_hba.conf."""
        file = self._data / "pg_hba.conf"
        file.write_text(f"{line}\n{file.read_text()}")
        with self.admin() as session:
            session.execute("SELECT pg_reload_conf()")

    def create(self, owner: str = USER, *, migrated: bool = True) -> str:
        """Make a database that nobody else uses; return its ``store`` for a configuration."""
        name, template = f"t_{secrets.token_hex(6)}", "template1"
        if migrated:
            self._template = template = self._template or self._migrated()
        with self.admin() as session:
            session.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {owner}")
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{name}"

    def _migrated(self) -> str:
        """Return a database with the newest schema, to be copied: that is quicker than to make each."""
        store = self.create(migrated=False)
        Store(database(store)).close()
        return name_of(store)

    def _initialize(self) -> None:
        word = self._folder / "word"
        word.write_text(self.password)
        if self._user is not None:
            shutil.chown(word, self._user)
        subprocess.run(
            [self._programs / "initdb", "-D", self._data, "-U", "postgres", *_CLUSTER, f"--pwfile={word}"],
            check=True,
            stdout=subprocess.DEVNULL,
            **self._as_user(),
        )
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS + f"fsync = {'on' if self._durable else 'off'}\n")

    def _as_user(self) -> dict[str, Any]:
        place: dict[str, Any] = {"cwd": self._folder}
        if self._user is None:
            return place
        return place | {"user": self._user, "group": pwd.getpwnam(self._user).pw_gid, "extra_groups": []}

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        for child in children.split():
            with suppress(ProcessLookupError):  # a session that ended just now
                os.kill(int(child), number)


def _unprivileged() -> str | None:
    """Return whom to run the server as, None for ourselves."""
    if os.getuid() != 0:
        return None
    names = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@cache
def _shared(programs: Path) -> Server:
    """Return the server of this test run."""
    resources = ExitStack()
    atexit.register(resources.close)
    return resources.enter_context(Server(programs))


def shared_server() -> Server:
    """Return the server that tests share; skip where there is none."""
    return _shared(programs())


@contextmanager
def own_server(*, durable: bool = False) -> Iterator[Server]:
    """Give a server that the test may kill; skip where there is none."""
    with Server(programs(), durable=durable) as server:
        yield server


def access() -> Postgresql:
    """Return the access to a database of a test's server."""
    return Postgresql(password=Secret(env=PASSWORD_ENV))


def database(store: str) -> PostgreSql:
    """Return the database that ``Server.create`` made."""
    return PostgreSql(store, access())


def name_of(store: str) -> str:
    """Return the database's own name."""
    match = re.search(r"/(\w+)$", store)
    assert match
    return match[1]
