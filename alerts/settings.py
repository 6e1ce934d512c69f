"""The configuration in force now: the file, and what people have changed of it since."""

from __future__ import annotations

from functools import cached_property

from alerts.facts import NO_FACTS, Facts
from alerts.pipeline.books import Books
from alerts.store import Store, facts
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
        return self.facts

    def version(self) -> Version | None:
        """Return the version in force now; None is the file as it is."""
        return self.facts.version(self._clock.now())

    def newest(self) -> Version | None:
        """Return the newest version, in force in a moment at the latest; None is the file as it is."""
        return self.facts.versions[-1] if self.facts.versions else None

    def config(self) -> Config:
        """Return the configuration in force now, without any profile."""
        version = self.version()
        return self.file if version is None else self.books.of(version).config

    def fault(self) -> str:
        """Return why the version in force is not, as far as it goes; "" where it is."""
        version = self.version()
        return "" if version is None else self.books.of(version).fault
