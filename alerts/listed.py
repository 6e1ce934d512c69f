"""Lists that people keep in CSV files: what is on one, each with the time for which it stands there."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from lianfang.clock import read_time
from lianfang.config import Config, Problem


class BadList(ValueError):  # noqa: N818 - reads as the fact it states
    """A list that cannot be used: its file, line and column, what was found and what is allowed."""


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


def read_list(path: Path, zone: ZoneInfo, columns: Mapping[str, Column]) -> tuple[Entry, ...]:
    """Return the entries of a CSV file with the columns from, until and some of ``columns``, in its order.

    Other columns are notes. A row has one entry or more. Times are ISO 8601, without an offset in ``zone``;
    an empty one is no bound. Raises BadList.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return tuple(_entries(path, csv.DictReader(file), zone, columns))
    except OSError as error:
        raise BadList(f"{path}: {error.strerror}; allowed: a CSV file") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadList(f"{path}: {error}; allowed: a CSV file in UTF-8") from error


def faults_of(
    path: Path | None, config: Config, read: Callable[[Path, ZoneInfo], object]
) -> Iterator[Problem]:
    """Yield what is wrong with the ``list`` of a stanza, where it has one."""
    if path is None:
        return
    try:
        read(path, config.community.zone)
    except BadList as error:
        found, _, allowed = str(error).partition("; allowed: ")
        yield Problem(("list",), found, allowed)


def _entries(
    path: Path, rows: csv.DictReader[str], zone: ZoneInfo, columns: Mapping[str, Column]
) -> Iterator[Entry]:
    given = rows.fieldnames or ()
    there = {name: column for name, column in columns.items() if name in given}
    missing = [] if there else [" or ".join(columns)]
    if missing := [*missing, *(name for name in ("from", "until") if name not in given)]:
        allowed = f"{' or '.join(columns)},from,until and any others"
        raise BadList(f"{path}:1: no column {', '.join(missing)}; allowed: {allowed}")
    for row in rows:
        where = f"{path}:{rows.line_num}"
        since, until = (_time(where, column, row[column], zone) for column in ("from", "until"))
        if since is not None and until is not None and since >= until:
            raise BadList(f"{where}: until: found {row['until']!r}; allowed: a time after {row['from']!r}")
        filled = [name for name in there if row[name]] or list(there)[:1]
        for name in filled:
            key = there[name].alike(row[name] or "")
            if not key:
                raise BadList(f"{where}: {name}: found {row[name]!r}; allowed: {there[name].example}")
            yield Entry(name, key, since, until)


def _time(where: str, column: str, text: str | None, zone: ZoneInfo) -> datetime | None:
    if not text:
        return None
    try:
        return read_time(text, zone)
    except ValueError:
        allowed = "a time such as 2026-07-01T18:00"
        raise BadList(f"{where}: {column}: found {text!r}; allowed: {allowed}") from None
