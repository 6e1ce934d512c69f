"""A configuration as tables: what stands in its files, never a secret, ready to be taken in again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from deploy.inventory.cells import shown_at
from deploy.inventory.shapes import shape_of
from deploy.inventory.sheets import ID, OF, SHEETS, Column, Language, Sheet
from deploy.inventory.sheets import Path as KeyPath
from lianfang import plugins
from lianfang.tables import escaped

Entry = tuple[str, str, Mapping[str, Any]]
"""The entry above it ("" for none), its id, and itself."""
Rows = list[list[str]]
_WIDTH = 40


def sheets(data: Mapping[str, Any], language: Language) -> Iterator[tuple[str, Rows]]:
    """Yield the title and the rows of each sheet, the headers first."""
    for sheet in SHEETS:
        entries = [*_entries(data, sheet)]
        columns = [*sheet.columns, *_more(sheet, entries)]
        rows = [[column.title(language) for column in columns]]
        rows += [[_cell(column, entry) for column in columns] for entry in entries]
        yield sheet.title(language), rows


def _entries(data: Mapping[str, Any], sheet: Sheet) -> Iterator[Entry]:
    for name, entry in (data.get(sheet.section) or {}).items():
        if not isinstance(entry, Mapping):
            continue
        if sheet.within:
            below = entry.get(sheet.within) or {}
            yield from ((name, below_name, one) for below_name, one in below.items())
        elif sheet.section != "receivers" or _is_speaker(entry):
            yield "", name, entry


def _is_speaker(entry: Mapping[str, Any]) -> bool:
    kind = entry.get("kind")
    package = "alerts.channels"
    return kind in plugins.kinds(package) and plugins.load(package, str(kind)).Config.role == "speaker"


def _more(sheet: Sheet, entries: list[Entry]) -> Iterator[Column]:
    """Yield columns for what some entries say beside the usual: the key itself is the header."""
    known = {column.path for column in sheet.columns}
    for _, _, entry in entries:
        for path in _leaves(entry, ()):
            if path in known or path == ("name", "zh"):
                continue
            known.add(path)
            dotted = ".".join(path)
            if shape_of(sheet.section, sheet.within, entry, path) is not None:
                yield Column(path, dotted, dotted)


def _leaves(value: Any, path: KeyPath) -> Iterator[KeyPath]:  # noqa: ANN401
    if isinstance(value, Mapping) and value:
        for name, below in value.items():
            yield from _leaves(below, (*path, str(name)))
    else:
        yield path


def _cell(column: Column, entry: Entry) -> str:
    above, name, data = entry
    special = {ID: name, OF: above}
    return special[column.path] if column.path in special else shown_at(data, column.path)


def csv_bytes(rows: Rows, encoding: str) -> bytes:
    """Return rows as a CSV file; UTF-8 has a mark by which spreadsheets know it. UnicodeEncodeError."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([[escaped(cell) for cell in row] for row in rows])
    return text.getvalue().encode("utf-8-sig" if encoding == "utf-8" else encoding)


def workbook(tables: Iterator[tuple[str, Rows]], file: Path) -> None:
    """Write an Excel workbook, every cell a text: nothing is rounded, and nothing is a formula."""
    book = Workbook(write_only=False)
    book.remove(book.worksheets[0])
    for title, rows in tables:
        sheet = book.create_sheet(title)
        for y, row in enumerate(rows, 1):
            for x, text in enumerate(row, 1):
                cell = sheet.cell(y, x)
                cell.number_format = "@"
                if text:
                    cell.value, cell.data_type = escaped(text), "s"
        for x, header in enumerate(rows[0], 1):
            sheet.cell(1, x).font = Font(bold=True)
            longest = max(len(header), *(len(row[x - 1]) for row in rows)) if rows else 0
            sheet.column_dimensions[get_column_letter(x)].width = min(_WIDTH, 2 * longest + 2)
        sheet.freeze_panes = "A2"
    book.save(file)
