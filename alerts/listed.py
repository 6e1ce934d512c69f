"""Lists that people keep in CSV files: what is on one, each with the time for which it stands there."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

from lianfang.calendar import Fault
from lianfang.clock import read_time
from lianfang.config import Config, Problem

Wrong = tuple[str, str, str]
"""A column, what was found there and what is allowed."""
UNCHANGED: Mapping[Path, str] = {}


class BadList(ValueError):  # noqa: N818 - reads as the fact it states
    """A list that cannot be used, for all of its ``faults``."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(f"{_found(fault)}; allowed: {fault.allowed}" for fault in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of what is listed: how a cell is written everywhere alike, "" where it is none; an example."""

    alike: Callable[[str], str]
    example: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What a list has in one of its ``column``s from ``since`` on until before ``until``; None is no end."""

    column: str
    key: str
    since: datetime | None
    until: datetime | None

    def stands(self, at: datetime) -> bool:
        """Say whether it is on the list at ``at``."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


def read_list(
    path: Path, zone: ZoneInfo, columns: Mapping[str, Column], changed: Mapping[Path, str] = UNCHANGED
) -> tuple[Entry, ...]:
    """Return the entries of a CSV file with the columns from, until and some of ``columns``, in its order.

    Other columns are notes. A row has one entry or more. Times are ISO 8601, without an offset in ``zone``;
    an empty one is no bound. ``changed`` holds the text of files that people have changed meanwhile. Raises
    BadList with all that is wrong.
    """
    return _read(path, text_of(path, changed), zone, tuple(columns.items()))


@lru_cache(maxsize=16)  # every profile and every rule with the same list asks for it
def _read(
    path: Path, text: str, zone: ZoneInfo, columns: tuple[tuple[str, Column], ...]
) -> tuple[Entry, ...]:
    faults: list[Fault] = []
    with rows_of(path, text) as rows:
        entries = tuple(_entries(path, rows, zone, dict(columns), faults))
    if faults:
        raise BadList(faults)
    return entries


def text_of(path: Path, changed: Mapping[Path, str] = UNCHANGED) -> str:
    """Return a list as its file has it, or as people have ``changed`` it; BadList where there is none."""
    try:
        return changed[path] if path in changed else path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadList([Fault(path, 0, "", error.strerror or str(error), "a CSV file")]) from error
    except UnicodeDecodeError as error:
        raise BadList([Fault(path, 0, "", str(error), "a CSV file in UTF-8")]) from error


@contextmanager
def rows_of(path: Path, text: str) -> Iterator[csv.DictReader[str]]:
    """Give the rows of a list; BadList where it is no CSV file."""
    try:
        yield csv.DictReader(StringIO(text, newline=""))
    except csv.Error as error:
        raise BadList([Fault(path, 0, "", str(error), "a CSV file in UTF-8")]) from error


def faults_of(
    path: Path | None,
    config: Config,
    read: Callable[[Path, ZoneInfo, Mapping[Path, str]], object],
) -> Iterator[Problem]:
    """Yield what is wrong with the ``list`` of a stanza, where it has one."""
    if path is None:
        return
    try:
        read(path, config.community.zone, config.changed_lists)
    except BadList as error:
        for fault in error.faults:
            yield Problem(("list",), _found(fault), fault.allowed)


def entries_of(
    cells: Mapping[str, str], zone: ZoneInfo, columns: Mapping[str, Column]
) -> tuple[list[Entry], list[Wrong]]:
    """Return what a row has in ``columns``, and what is wrong with it."""
    wrong: list[Wrong] = []
    since, until = (_time(column, cells.get(column) or "", zone, wrong) for column in ("from", "until"))
    if since is not None and until is not None and since >= until:
        wrong.append(("until", repr(cells["until"]), f"a time after {cells['from']!r}"))
    entries = []
    for name in [name for name in columns if cells.get(name)] or list(columns)[:1]:
        key = columns[name].alike(cells.get(name) or "")
        if key:
            entries.append(Entry(name, key, since, until))
        else:
            wrong.append((name, repr(cells.get(name) or ""), columns[name].example))
    return entries, wrong


def _found(fault: Fault) -> str:
    return f"{fault.where}: {'found ' if fault.column else ''}{fault.found}"


def _entries(
    path: Path,
    rows: csv.DictReader[str],
    zone: ZoneInfo,
    columns: Mapping[str, Column],
    faults: list[Fault],
) -> Iterator[Entry]:
    """Yield the entries of the rows that can be used; put what is wrong with the others into ``faults``."""
    given = rows.fieldnames or ()
    there = {name: column for name, column in columns.items() if name in given}
    missing = [] if there else [" or ".join(columns)]
    if missing := [*missing, *(name for name in ("from", "until") if name not in given)]:
        allowed = f"{' or '.join(columns)},from,until and any others"
        faults.append(Fault(path, 1, "", f"no column {', '.join(missing)}", allowed))
        return
    for row in rows:
        entries, wrong = entries_of(row, zone, there)
        faults += [Fault(path, rows.line_num, *what) for what in wrong]
        yield from entries


def _time(column: str, text: str, zone: ZoneInfo, wrong: list[Wrong]) -> datetime | None:
    if not text:
        return None
    try:
        return read_time(text, zone)
    except ValueError:
        wrong.append((column, repr(text), "a time such as 2026-07-01T18:00"))
        return None
