"""The rules of every version and profile, made ready, and those that a picture is judged by."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import cached_property

import structlog

from alerts.facts import NO_FACTS, Facts
from alerts.pipeline.rulebook import RuleBook
from alerts.profiles import Profiles
from alerts.viid.inbound.settings import answering
from lianfang.config import Config
from lianfang.config.changes import Changes, Version, applied
from lianfang.config.guests import PREFIX
from lianfang.config.profiles import EVERYDAY, in_profile
from lianfang.errors import ConfigError

_log = structlog.get_logger()

_KEPT = 8  # of versions; another one is made again where it is asked for


class Edition:
    """A configuration: the file with what people changed of it, and a rule book for each of its profiles."""

    def __init__(self, config: Config, fault: str = "", only: Collection[str] = ()) -> None:
        """Prepare all of them: none may turn out to be unusable in the night in which it is needed.

        With ``only`` there are no rules but these.
        """
        self.config = config
        self.fault = fault
        """Why the version is not in force, although it should be; "" where it is."""
        self.books: Mapping[str, RuleBook] = {
            name: RuleBook(_only(in_profile(config, name), only)) for name in (EVERYDAY, *config.profiles)
        }

    @cached_property
    def memory_s(self) -> float:
        """For how long what was seen matters to any rule of any profile."""
        return max(book.memory_s for book in self.books.values())


class Books:
    """The rule books of a configuration file, and of what people made of it. Thread-safe."""

    def __init__(self, config: Config, only: Collection[str] = ()) -> None:
        """With ``only`` there are no rules but these."""
        self.profiles = Profiles(config)
        self.ordered = bool(answering(config))
        """Whether the police may order something that pictures are judged by."""
        self._only_rules = only
        self.file = Edition(config, only=only)
        """The file as it is."""
        self._made: OrderedDict[int, Edition] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def everyday(self) -> RuleBook:
        """The rules of the file without any profile."""
        return self.file.books[EVERYDAY]

    def memory_s(self, versions: Iterable[Version] = ()) -> float:
        """For how long what was seen matters to any rule of the file and of ``versions``."""
        return max(self.file.memory_s, *(self.of(version).memory_s for version in versions), 0)

    def knows(self, source: str, facts: Facts) -> bool:
        """Say whether anything is decided about a source: of the file, or of a guest who shares it now."""
        if not source.startswith(PREFIX):
            return self.file.config.has(source)
        return bool(facts.versions) and self.of(facts.versions[-1]).config.has(source)

    def at(self, at: datetime, facts: Facts = NO_FACTS) -> RuleBook:
        """Return the rules by which a picture that was taken at ``at`` is judged."""
        return self.of(facts.version(at)).books[self.profiles.at(at, facts.switches).profile]

    def of(self, version: Version | None) -> Edition:
        """Return the configuration of a version.

        Where it does not fit the file that the service was started with, that is the file alone, without the
        cameras that are off.
        """
        if version is None:
            return self.file
        with self._lock:
            made = self._made.get(version.number)
            if made is None:
                return self._put(version.number, self._make(version))
            self._made.move_to_end(version.number)
            return made

    def tried(self, changes: Changes) -> Edition:
        """Return what would result from ``changes``; ConfigError says what is wrong with them."""
        return Edition(applied(self.file.config, changes), only=self._only_rules)

    def keep(self, number: int, edition: Edition) -> None:
        """Take what was tried for what a version results in: whoever decides need not wait for it."""
        with self._lock:
            self._put(number, edition)

    def _put(self, number: int, edition: Edition) -> Edition:
        self._made[number] = edition
        if len(self._made) > _KEPT:
            self._made.popitem(last=False)
        return edition

    def _make(self, version: Version) -> Edition:
        try:
            return self.tried(version.changes)
        except ConfigError as error:
            _log.error("version_does_not_fit", version=version.number, problems=str(error))
            config = applied(self.file.config, version.changes.only_off())
            fault = f"version {version.number} does not fit the configuration file: {error}"
            return Edition(config, fault, self._only_rules)


def _only(config: Config, rules: Collection[str]) -> Config:
    chosen = {name: rule for name, rule in config.rules.items() if not rules or name in rules}
    return config.model_copy(update={"rules": chosen})
