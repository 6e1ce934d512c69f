"""Every plate that rules look for or let in: lists of files, and what platforms of the police look for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.list_sheet import Sheet, notes
from alerts.listed import BadList, Entry, text_of
from alerts.passes import Pass
from alerts.plates import PlateList
from alerts.rules.base import RuleSettings
from alerts.store import dispositions
from alerts.store.schema import IncidentRow
from alerts.viid.inbound.settings import answering
from lianfang.config import Config
from lianfang.config.lists import lists

Kind = Literal["file", "police"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A plate on a list, from ``since`` on until before ``until``; None is no bound.

    ``title`` says why, ``n`` is its place on the list, 0 the first.
    """

    list_id: str
    n: int
    plate: str
    since: datetime | None
    until: datetime | None
    title: str = ""

    def stands(self, at: datetime) -> bool:
        """Say whether it is on the list at ``at``."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)

    @property
    def masked(self) -> str:
        """The plate for those who need not know it: 粤T****45."""
        return masked(self.plate)


@dataclass(frozen=True, slots=True)
class Register:
    """One list, the rules that go by it, its entries in its order; ``fault`` is why it cannot be read.

    ``changed``: people have changed it, and it is not as its file.
    """

    id: str
    kind: Kind
    rules: tuple[str, ...]
    entries: tuple[Listed, ...]
    fault: str = ""
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """How often a plate was an incident, and when last."""

    times: int
    last_at: datetime


def masked(plate: str) -> str:
    """Return a plate as far as everybody may see it."""
    return Pass("plate", plate).masked if plate else ""


def registers(config: Config, session: Session) -> list[Register]:
    """Return every list, as its file and the store have it now."""
    return [*_files(config), *_ordered(config, session)]


def plate_rules(config: Config) -> list[str]:
    """Return the rules whose incidents are about plates."""
    return [
        name for name, rule in config.rules.items() if isinstance(rule, RuleSettings) and rule.names_plates
    ]


def seen(config: Config, session: Session) -> dict[str, Seen]:
    """Return, per plate, the incidents about it."""
    query = (
        select(IncidentRow.subject, func.count(), func.max(IncidentRow.opened_at))
        .where(IncidentRow.rule.in_(plate_rules(config)), IncidentRow.subject != "")
        .group_by(IncidentRow.subject)
    )
    return {plate: Seen(times, last_at) for plate, times, last_at in session.execute(query)}


def files(config: Config) -> dict[str, Path]:
    """Return the lists of plates that are files, by name."""
    about_plates = {getattr(rule, "list", None) for rule in config.rules.values() if _is_of_plates(rule)}
    return {list_id: path for list_id, path in lists(config).items() if path in about_plates}


def listed(path: Path, config: Config) -> tuple[Sheet, tuple[Entry, ...]]:
    """Return a list as a table, and the entry of each of its rows; BadList where it cannot be used."""
    text = text_of(path, config.changed_lists)
    entries = PlateList.read(path, config.community.zone, {path: text}).entries
    return Sheet.read(path, text), entries


def _is_of_plates(rule: object) -> bool:
    return getattr(rule, "kind", "") == "plate"


def _files(config: Config) -> Iterator[Register]:
    for list_id, path in files(config).items():
        rules = tuple(n for n, rule in config.rules.items() if getattr(rule, "list", None) == path)
        changed = path in config.changed_lists
        try:
            sheet, read = listed(path, config)
        except BadList as error:
            yield Register(list_id, "file", rules, (), str(error), changed)
        else:
            entries = (
                Listed(list_id, n, one.key, one.since, one.until, notes(row, {"plate": None}))
                for n, (one, row) in enumerate(zip(read, sheet.rows, strict=True))
            )
            yield Register(list_id, "file", rules, tuple(entries), changed=changed)


def _ordered(config: Config, session: Session) -> Iterator[Register]:
    for receiver in answering(config):
        rules = [n for n, rule in config.rules.items() if getattr(rule, "dispositions", None) == receiver]
        rows = [row for row in dispositions.kept(session, receiver) if row.word == "set"]
        entries = (
            Listed(receiver, n, row.plate, row.begin_at, row.end_at, row.title) for n, row in enumerate(rows)
        )
        yield Register(receiver, "police", tuple(rules), tuple(entries))
