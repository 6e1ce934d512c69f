"""An empty store of each kind, that may be opened more than once."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cache
from pathlib import Path

from alerts.store import Store, store
from alerts.store.sqlite import Sqlite
from tests.support.postgresql import database, shared_server

KINDS = ("sqlite", "postgresql")
Opener = Callable[[], Store]


@contextmanager
def opener(kind: str, folder: Path) -> Iterator[Opener]:
    """Give what opens the same store again and again, as other processes would; all are closed at the end."""
    where = shared_server().create() if kind == "postgresql" else f"sqlite:///{folder / 'store.sqlite3'}"
    with ExitStack() as opened:

        def another() -> Store:
            store = Store(database(where) if kind == "postgresql" else where)
            return opened.enter_context(closing(store))

        yield another


class Begun(Sqlite):
    """A file that begins as a copy of a migrated one: all the migrations take ten times as long."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        file = self.engine.url.database
        if file and file != ":memory:" and not Path(file).exists():
            with suppress(OSError):  # whoever opens it says so
                shutil.copyfile(_migrated(), file)


def begin_migrated() -> None:
    """Let every new file of SQLite begin as a copy in this process; what opens it looks as always."""
    store.Sqlite = Begun  # type: ignore[attr-defined]


@cache
def _migrated() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="lianfang-store-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Sqlite(f"sqlite:///{folder / 'store.sqlite3'}")
    store.migrate(made)
    made.engine.dispose()
    return folder / "store.sqlite3"
