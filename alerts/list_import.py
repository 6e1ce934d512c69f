"""A table of plates, CSV or Excel, that is to come into a list: its faults, and what it would do. Pure.

Nothing is taken of a table in which anything is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from alerts.list_sheet import NOTE, TIMES, Cells, Sheet, notes
from alerts.listed import Entry, entries_of
from alerts.plates import PLATE
from lianfang.table_fault import Fault, TableError
from lianfang.tables import Reading, Table, padded, parsed

MAX_BYTES, MAX_ROWS = 2 * 1024 * 1024, 10_000
_UNPACKED = 32 * 1024 * 1024
Mode = Literal["add", "replace"]
Becomes = Literal["added", "changed", "same"]
COLUMNS = {"plate": PLATE}
_NAMES = {
    "plate": ("plate", "车牌", "车牌号", "车牌号码", "号牌", "号牌号码"),
    "from": ("from", "起", "开始", "开始时间", "生效", "生效时间"),
    "until": ("until", "止", "结束", "结束时间", "失效", "失效时间", "到期"),
    NOTE: (NOTE, "title", "备注", "说明", "事由"),
    "list": ("list", "名单"),
}
_HEADERS = {header: name for name, headers in _NAMES.items() for header in headers}
_EXPORTED = frozenset({"hits", "last_hit", "exported"})
"""What an export adds, and no list has."""
_WRITTEN = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T]+(\d{1,2}):(\d\d)(?::(\d\d))?)?")


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table, 1-based, its cells by column, and what they say."""

    row: int
    cells: Cells
    entry: Entry


@dataclass(frozen=True)
class Taken:
    """What a table says: its lines, and what is wrong with it; ``columns`` beside those of every list."""

    lines: Sequence[Line] = ()
    faults: Sequence[Fault] = ()
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What becomes of a list: the list then, of each line what it does, and the plates that are gone."""

    sheet: Sheet
    becomes: Sequence[Becomes]
    removed: Sequence[str] = field(default=())


def taken(name: str, content: bytes, list_id: str, zone: ZoneInfo) -> Taken:
    """Return what a table called ``name`` says for a list; times without an offset are in ``zone``."""
    file = Path(name)
    try:
        tables = parsed(file, content, Reading(_encoding(content), _UNPACKED, dates=True))
    except TableError as error:
        return Taken(faults=[fault for fault in error.faults if isinstance(fault, Fault)])
    filled = [table for table in tables if any(any(cells) for _, cells in table.rows)]
    if len(filled) != 1:
        found = f"{len(filled)} sheets with anything on them"
        return Taken(faults=[Fault(file, "", 0, "", found, "one")])
    return _read(filled[0], list_id, zone)


def outcome(sheet: Sheet, entries: Sequence[Entry], said: Taken, mode: Mode) -> Outcome:
    """Return what becomes of a list, whose rows are ``entries``, by a table without faults.

    ``add``: of plates that the table has the list has what the table says, others stay. ``replace``: it has
    nothing else.
    """
    before: dict[str, set[tuple[object, ...]]] = {}
    for row, entry in zip(sheet.rows, entries, strict=True):
        before.setdefault(entry.key, set()).add(_said(row, entry))
    becomes: list[Becomes] = []
    for line in said.lines:
        known = before.get(line.entry.key)
        same = known is not None and _said(line.cells, line.entry) in known
        becomes.append("added" if known is None else "same" if same else "changed")
    named = {line.entry.key for line in said.lines}
    kept = [
        row
        for row, entry in zip(sheet.rows, entries, strict=True)
        if mode == "add" and entry.key not in named
    ]
    removed = [] if mode == "add" else [plate for plate in before if plate not in named]
    rows = (*kept, *(line.cells for line in said.lines))
    base = sheet if mode == "add" else Sheet(("plate", *TIMES), ())
    return Outcome(base.with_rows(rows, said.columns), becomes, removed)


def overlapping(entry: Entry, others: Sequence[Entry]) -> bool:
    """Say whether the same plate stands among ``others`` for some of the same time."""
    return any(
        entry.key == other.key
        and (entry.until is None or other.since is None or other.since < entry.until)
        and (other.until is None or entry.since is None or entry.since < other.until)
        for other in others
    )


def _said(row: Cells, entry: Entry) -> tuple[object, ...]:
    return entry.since, entry.until, notes(row, COLUMNS)


def _encoding(content: bytes) -> str | None:
    """Return UTF-8 where it is that, for plates have a grammar: what was misread is none."""
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return "utf-8-sig"


def _read(table: Table, list_id: str, zone: ZoneInfo) -> Taken:
    head, *rows = list(padded(table.rows, 0))
    columns = [_HEADERS.get(text.strip().casefold(), text.strip()) for text in head[1]]
    faults = list(_wrong_head(table, head[0], columns))
    if len(rows) > MAX_ROWS:
        faults.append(table.fault(0, None, "", f"{len(rows)} rows", f"{MAX_ROWS} at most"))
    if faults:
        return Taken(faults=faults)
    lines: list[Line] = []
    seen: dict[str, list[Line]] = {}
    for number, texts in padded(rows, len(columns)):
        given = dict(zip(columns, texts, strict=False))
        cells = {name: text for name, text in given.items() if name and name not in (*_EXPORTED, "list")}
        cells = {"plate": "", "from": "", "until": "", **cells}
        cells |= {name: _iso(cells[name]) for name in TIMES}
        entries, wrong = entries_of(cells, zone, COLUMNS)
        if given.get("list", "") not in ("", list_id):
            wrong.append(("list", repr(given["list"]), f"{list_id!r}, or nothing"))
        wrong += _again(entries, seen)
        for column, found, allowed in wrong:
            at = columns.index(column) if column in columns else None
            faults.append(table.fault(number, at, column, found, allowed))
        if not wrong:
            line = Line(number, {**cells, "plate": entries[0].key, **_times(entries[0], zone)}, entries[0])
            lines.append(line)
            seen.setdefault(line.entry.key, []).append(line)
    others = tuple(n for n in columns if n and n not in ("plate", *TIMES, "list", NOTE, *_EXPORTED))
    return Taken(lines, faults, others)


def _wrong_head(table: Table, row: int, columns: Sequence[str]) -> Iterator[Fault]:
    if "plate" not in columns:
        yield table.fault(row, None, "", "no column plate", "plate,from,until,note and any others")
    for name in {name for name in columns if name and columns.count(name) > 1}:
        yield table.fault(row, None, "", f"the column {name} more than once", "each once")


def _again(entries: Sequence[Entry], seen: Mapping[str, Sequence[Line]]) -> Iterator[tuple[str, str, str]]:
    for entry in entries:
        for line in seen.get(entry.key, ()):
            if overlapping(entry, [line.entry]):
                found = f"{entry.key!r}, which stands in row {line.row} for some of the same time"
                yield "plate", found, "each plate once at a time"
                return


def _iso(text: str) -> str:
    """Return a time as lists have it: a spreadsheet makes 2026/7/1 8:00 of 2026-07-01T08:00."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        return text.strip()
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    date = f"{year:04d}-{month:02d}-{day:02d}"
    return date if found[4] is None else f"{date}T{hour:02d}:{minute:02d}:{second:02d}"


def _times(entry: Entry, zone: ZoneInfo) -> Cells:
    return {"from": written(entry.since, zone), "until": written(entry.until, zone)}


def written(at: datetime | None, zone: ZoneInfo) -> str:
    """Return a time as lists have it, "" for none."""
    return at.astimezone(zone).isoformat(timespec="seconds") if at else ""
