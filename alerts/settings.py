"""The configuration in force now: the file, and what people have changed of it since."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from alerts.facts import NO_FACTS, Facts
from alerts.pipeline.books import Books
from alerts.store import Store, facts, people
from alerts.store.people import People
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.config.changes import Version


class Settings:
    """What all go by who decide on no picture: names, actions, deadlines, the wall. Thread-safe."""

    def __init__(self, file: Config, store: Store, clock: Clock) -> None:
        """Read what is in force; TransientError while the store is away."""
        self.file = file
        """The configuration as it was loaded."""
        self._store, self._clock = store, clock
        self.facts = NO_FACTS
        """What the store said last."""
        self.people = People()
        """Who may log in beside those of the file, as the store said last."""
        self._joined: tuple[object, Config] | None = None
        self.look()

    @cached_property
    def books(self) -> Books:
        """The rule books of every version."""
        return Books(self.file)

    def look(self) -> Facts:
        """Ask the store what is in force; TransientError while it is away."""
        with self._store.read() as session:
            self.facts = facts.fresh(
                session, self.facts, self._clock.now(), switched=bool(self.file.profiles)
            )
            self.people = people.fresh(session, self.people)
        return self.facts

    def version(self) -> Version | None:
        """Return the version in force now; None is the file as it is."""
        return self.facts.version(self._clock.now())

    def newest(self) -> Version | None:
        """Return the newest version, in force in a moment at the latest; None is the file as it is."""
        return self.facts.versions[-1] if self.facts.versions else None

    def config(self) -> Config:
        """Return the configuration in force now, without any profile; with the people of the store."""
        version, joining = self.version(), self.people
        key = (version and version.number, joining.revision)
        if self._joined is None or self._joined[0] != key:
            config = self.file if version is None else self.books.of(version).config
            self._joined = (key, _with(config, joining))
        return self._joined[1]

    def fault(self) -> str:
        """Return why the version in force is not, as far as it goes; "" where it is."""
        version = self.version()
        return "" if version is None else self.books.of(version).fault


def _with(config: Config, joining: People) -> Config:
    """Return ``config`` with the people of the store, who never stand in the place of one of the file."""
    if not joining.rows:
        return config
    operators = {**joining.operators(), **config.api.operators}
    update: dict[str, Any] = {"api": config.api.model_copy(update={"operators": operators})}
    update["grid_cells"] = {
        name: cell.model_copy(
            update={
                "workers": (
                    *cell.workers,
                    *(person for person, row in joining.rows.items() if name in row.cells),
                )
            }
        )
        for name, cell in config.grid_cells.items()
    }
    return config.model_copy(update=update)
