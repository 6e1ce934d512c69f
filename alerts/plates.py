"""Lists of number plates: files that people keep, each plate with the time for which it stands there."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from lianfang.clock import read_time
from lianfang.events import DetectedObject
from lianfang.plates import Hit, matches, nearest, normalised

COLUMNS = ("plate", "from", "until")


class BadList(ValueError):  # noqa: N818 - reads as the fact it states
    """A list that cannot be used: its file, line and column, what was found and what is allowed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A plate, normalised, on a list from ``since`` on until before ``until``; None is without end."""

    plate: str
    since: datetime | None
    until: datetime | None

    def stands(self, at: datetime) -> bool:
        """Say whether it is on the list at ``at``."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


@dataclass(frozen=True)
class PlateList:
    """The entries of a list, in the order of its file."""

    entries: tuple[Entry, ...]

    @classmethod
    def read(cls, path: Path, zone: ZoneInfo) -> PlateList:
        """Return the list in ``path``, a CSV file with the columns plate, from, until; others are notes.

        Times are ISO 8601, without an offset in ``zone``; an empty one is no bound. Raises BadList.
        """
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                return cls(tuple(_entries(path, csv.DictReader(file), zone)))
        except OSError as error:
            raise BadList(f"{path}: {error.strerror}; allowed: a CSV file") from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise BadList(f"{path}: {error}; allowed: a CSV file in UTF-8") from error

    def hit(self, text: str, at: datetime) -> Hit | None:
        """Return the plates on the list at ``at`` that ``text`` is, or else may be; None for none."""
        return nearest(text, (entry.plate for entry in self.entries if entry.stands(at)))


def sure_plate(detected: DetectedObject) -> str:
    """Return the plate of a vehicle that was read surely, normalised; "" for none."""
    sure = detected.attributes.get("plate_accepted") is True
    return normalised(str(detected.attributes.get("plate") or "")) if sure else ""


def _entries(path: Path, rows: csv.DictReader[str], zone: ZoneInfo) -> Iterator[Entry]:
    if missing := [column for column in COLUMNS if column not in (rows.fieldnames or ())]:
        raise BadList(f"{path}:1: no column {', '.join(missing)}; allowed: plate,from,until and any others")
    for row in rows:
        where = f"{path}:{rows.line_num}"
        plate = normalised(row["plate"] or "")
        if not matches(plate):
            raise BadList(f"{where}: plate: found {row['plate']!r}; allowed: a plate such as 粤T12345")
        since, until = (_time(where, column, row[column], zone) for column in ("from", "until"))
        if since is not None and until is not None and since >= until:
            raise BadList(f"{where}: until: found {row['until']!r}; allowed: a time after {row['from']!r}")
        yield Entry(plate, since, until)


def _time(where: str, column: str, text: str | None, zone: ZoneInfo) -> datetime | None:
    if not text:
        return None
    try:
        return read_time(text, zone)
    except ValueError:
        allowed = "a time such as 2026-07-01T18:00"
        raise BadList(f"{where}: {column}: found {text!r}; allowed: {allowed}") from None
