"""The rules of every profile, made ready, and those that a picture is judged by."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from alerts.pipeline.rulebook import RuleBook
from alerts.profiles import Profiles, Switch
from lianfang.config import Config
from lianfang.config.profiles import EVERYDAY, in_profile


class Books:
    """A rule book for each profile of a configuration."""

    def __init__(self, config: Config) -> None:
        """Prepare all of them: none may turn out to be unusable in the night in which it is needed."""
        self.profiles = Profiles(config)
        self._books = {name: RuleBook(in_profile(config, name)) for name in (EVERYDAY, *config.profiles)}

    @property
    def everyday(self) -> RuleBook:
        """The rules without any profile."""
        return self._books[EVERYDAY]

    @property
    def memory_s(self) -> float:
        """For how long what was seen matters to any rule of any profile."""
        return max(book.memory_s for book in self._books.values())

    def at(self, at: datetime, switches: Iterable[Switch]) -> RuleBook:
        """Return the rules by which a picture that was taken at ``at`` is judged."""
        return self._books[self.profiles.at(at, switches).profile]
