"""An empty store of each kind, that may be opened more than once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from alerts.store import Store
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
