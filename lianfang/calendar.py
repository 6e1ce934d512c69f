"""Days that the week does not tell, from files that people keep: holidays, make-up workdays, school terms.

A calendar is a CSV file with the columns date, until, kind, name. A row is one day, or all days up to and
including ``until``. ``name`` and any other column are notes; a row that begins with # is one too.

    date,until,kind,name
    2026-10-01,2026-10-07,holiday,国庆节
    2026-10-10,,workday,国庆调休
    2026-09-01,2027-01-22,school_term,秋季学期
    2026-06-19,,dragon_boats,端午龙舟赛
    2026-12-31,,covered,

``holiday`` is no workday, whatever day of the week; ``workday`` is one, also on a Saturday. Every workday of
a ``school_term`` is a school day, unless it is ``no_school``; ``school_day`` is one in any case. ``covered``
says nothing of a day but that the file was kept up to then. Every other word is a kind of one's own.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

COLUMNS = ("date", "until", "kind")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKDAY, DAY_OFF, HOLIDAY, COVERED = "workday", "day_off", "holiday", "covered"
SCHOOL_DAY, SCHOOL_TERM, NO_SCHOOL = "school_day", "school_term", "no_school"
ALWAYS = (*WEEKDAYS, WORKDAY, DAY_OFF)
"""Kinds of days that there are without any file."""
_OPPOSED = {WORKDAY: HOLIDAY, HOLIDAY: WORKDAY, SCHOOL_DAY: NO_SCHOOL, NO_SCHOOL: SCHOOL_DAY}
_KIND = re.compile(r"[a-z][a-z0-9_]{0,62}")
_DATE = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")  # a spreadsheet makes 2026/1/4 of 2026-01-04
_LONGEST = timedelta(days=400)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file: its line (0: with all of it) and column, what was found, what is allowed."""

    file: Path
    line: int
    column: str
    found: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.where}: found {self.found}; allowed: {self.allowed}"

    @property
    def where(self) -> str:
        """File, line and column."""
        at = f":{self.line}" if self.line else ""
        return f"{self.file}{at}{f': {self.column}' if self.column else ''}"


class BadCalendar(ValueError):  # noqa: N818 - reads as the fact it states
    """A calendar that cannot be used, for all of its ``faults``."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a file: every day from ``first`` to ``last`` is of a kind."""

    first: date
    last: date
    kind: str
    file: Path
    line: int

    def days(self) -> Iterator[date]:
        """Yield its days."""
        for n in range((self.last - self.first).days + 1):
            yield self.first + n * _DAY


@dataclass(frozen=True, eq=False)
class Calendar:
    """What files say of days; without any, a workday is a day from Monday to Friday."""

    _named: Mapping[date, frozenset[str]] = field(default_factory=dict)
    ends: Mapping[Path, date] = field(default_factory=dict)
    """File → the last day that it says anything of."""

    @classmethod
    def read(cls, files: Sequence[Path]) -> Calendar:
        """Return what ``files`` say together. Raises BadCalendar with all that is wrong with them."""
        faults: list[Fault] = []
        entries = [entry for file in files for entry in _entries(file, faults)]
        named: dict[date, dict[str, Entry]] = {}
        for entry in entries:
            for day in entry.days():
                known = named.setdefault(day, {})
                other = known.get(_OPPOSED.get(entry.kind, ""))
                if other is not None:
                    said = f"{day} as {entry.kind}"
                    allowed = f"one of both: {other.file}:{other.line} says {other.kind}"
                    faults.append(Fault(entry.file, entry.line, "kind", said, allowed))
                    break
                known[entry.kind] = entry
        if faults:
            raise BadCalendar(faults)
        ends: dict[Path, date] = {}
        for entry in entries:
            ends[entry.file] = max(entry.last, ends.get(entry.file, entry.last))
        return cls({day: frozenset(kinds) for day, kinds in named.items()}, ends)

    @property
    def known(self) -> tuple[str, ...]:
        """Every kind that a day may be of, those of the week first."""
        named = {kind for kinds in self._named.values() for kind in kinds} - {COVERED}
        if SCHOOL_TERM in named:
            named.add(SCHOOL_DAY)
        return (*ALWAYS, *sorted(named - set(ALWAYS)))

    @property
    def digest(self) -> str:
        """A name for what it says: equal calendars have an equal one."""
        said = "".join(f"{day} {' '.join(sorted(self._named[day]))}\n" for day in sorted(self._named))
        return hashlib.sha256(said.encode()).hexdigest()

    def kinds(self, day: date) -> frozenset[str]:
        """Return every kind that ``day`` is of: its weekday, workday or day_off, and what files say."""
        named = self._named.get(day, frozenset())
        works = WORKDAY in named or (day.weekday() < 5 and HOLIDAY not in named)
        at_school = SCHOOL_DAY in named or (SCHOOL_TERM in named and works and NO_SCHOOL not in named)
        made = {WEEKDAYS[day.weekday()], WORKDAY if works else DAY_OFF}
        return (named - {WORKDAY, COVERED}) | made | ({SCHOOL_DAY} if at_school else set())

    def ended(self, today: date) -> Iterator[tuple[Path, date]]:
        """Yield the files that say nothing of ``today`` any more, and the last day of each."""
        yield from ((file, last) for file, last in self.ends.items() if last < today)


def _entries(file: Path, faults: list[Fault]) -> Iterator[Entry]:
    """Yield the rows of a file that can be used; put what is wrong with the others into ``faults``."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            rows = csv.DictReader(opened)
            if missing := [column for column in COLUMNS if column not in (rows.fieldnames or ())]:
                allowed = "date,until,kind,name and any others"
                faults.append(Fault(file, 1, "", f"no column {', '.join(missing)}", allowed))
                return
            for row in rows:
                cells = {column: (row[column] or "").strip() for column in COLUMNS}
                if cells["date"].startswith("#") or not any(cells.values()):
                    continue
                yield from _entry(file, rows.line_num, cells, faults)
    except OSError as error:
        faults.append(Fault(file, 0, "", error.strerror or str(error), "a CSV file"))
    except (UnicodeDecodeError, csv.Error) as error:
        faults.append(Fault(file, 0, "", str(error), "a CSV file in UTF-8 (“CSV UTF-8” in a spreadsheet)"))


def _entry(file: Path, line: int, cells: Mapping[str, str], faults: list[Fault]) -> Iterable[Entry]:
    first, last = _day(cells["date"]), _day(cells["until"] or cells["date"])
    if first is None:
        faults.append(Fault(file, line, "date", repr(cells["date"]), "a day such as 2026-10-01"))
    elif last is None or not timedelta(0) <= last - first <= _LONGEST:
        allowed = f"a day from {first} on, {_LONGEST.days} days later at most, or nothing"
        faults.append(Fault(file, line, "until", repr(cells["until"]), allowed))
    elif not _KIND.fullmatch(cells["kind"]) or cells["kind"] in (*WEEKDAYS, DAY_OFF):
        allowed = "holiday, workday, school_term, school_day, no_school, covered or a word of your own in a-z"
        faults.append(Fault(file, line, "kind", repr(cells["kind"]), allowed))
    else:
        return [Entry(first, last, cells["kind"], file, line)]
    return ()


def _day(text: str) -> date | None:
    found = _DATE.fullmatch(text)
    try:
        return None if found is None else date(*map(int, found.groups()))
    except ValueError:
        return None
