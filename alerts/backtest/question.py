"""What a back-test is asked while the installation runs: settings, a range, and what was so then."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from alerts.backtest.past import Span
from alerts.facts import Facts
from alerts.incidents.incident import Incident
from alerts.objects import ObjectSettings
from alerts.pipeline.order import Event
from alerts.rules.base import RuleSettings
from alerts.suppression.said import Said
from lianfang.bus import Record
from lianfang.config import Config
from lianfang.config.changes import Changes
from lianfang.config.sharing import log_keys

_AT_LEAST = timedelta(minutes=10)  # what went before: who stands there already, what is open
_AFTER = timedelta(minutes=10)  # an incident of the end of the range is followed for so long


@dataclass(frozen=True)
class Question:
    """What the ``rules`` raise from ``begin`` on until before ``end`` under one state of the settings.

    ``facts`` hold that state as their only version, and the switches and dispositions of then; ``config`` is
    the file. ``memory_s`` is for how long what was seen matters to the rules.
    """

    config: Config
    facts: Facts
    said: Said
    rules: tuple[str, ...]
    keys: frozenset[str]
    """Keys of the log under which the events are that the rules go by."""
    begin: datetime
    end: datetime
    memory_s: float = 0

    @property
    def span(self) -> Span:
        """The time that is asked about."""
        return Span(self.begin, self.end)

    @property
    def _since(self) -> datetime:
        return self.begin - max(_AT_LEAST, timedelta(seconds=self.memory_s))

    def wants(self, record: Record) -> bool:
        """Say whether a record of the log can matter: what is not wanted is not decoded."""
        return record.key in self.keys and record.published_at >= self._since

    def concerns(self, event: Event) -> bool:
        """Say whether an event can matter: one of long after the range cannot."""
        return self._since <= event.captured_at < self.end + _AFTER


def concerned(changes: Changes, before: Changes, config: Config) -> list[str]:
    """Return the rules that a change is about: those changed, and those of cameras that are drawn on."""
    drawn = {c for c in changes.cameras if changes.cameras[c] != before.cameras.get(c)}
    drawn |= before.cameras.keys() - changes.cameras.keys()
    return [
        name
        for name, rule in config.rules.items()
        if isinstance(rule, RuleSettings)
        and (
            changes.rules.get(name) != before.rules.get(name)
            or (isinstance(rule, ObjectSettings) and not drawn.isdisjoint(rule.sources))
        )
    ]


def keys_of(file: Config, config: Config, rules: Collection[str]) -> frozenset[str]:
    """Return the keys of the log under which the events are that ``rules`` of ``config`` go by."""
    found: set[str] = set()
    for name in rules:
        rule = config.rules[name]
        if isinstance(rule, RuleSettings):
            together = getattr(rule, "together", None)
            found |= {*rule.sources, *([together.sensor] if together else [])}
    keys = log_keys(file)
    return frozenset(keys.get(source, source) for source in found)


INCIDENTS: TypeAdapter[list[Incident]] = TypeAdapter(list[Incident])
"""How the process that answers says what it found."""
