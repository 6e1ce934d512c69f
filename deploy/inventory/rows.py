"""Rows of a table, each cell under the key that its header means."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from deploy.inventory.shapes import key_named
from deploy.inventory.sheets import NOTES, SECRET, SHEETS, Column, Path, Sheet, bare, sheets_called, titles
from lianfang.table_fault import Fault
from lianfang.tables import Table, padded

_HEADERS_WITHIN = 10  # rows: above the headers there may be a title
_SECRET_KEY = re.compile(r"(password|secret|token|(^|_)key)s?$")
Headers = Mapping[int, Column]


@dataclass(frozen=True)
class Row:
    """One row: for each key the text of its cell, "" for an empty one."""

    table: Table
    sheet: Sheet
    number: int
    headers: Headers
    cells: Mapping[Path, str]

    def fault(self, path: Path, found: str, allowed: str) -> Fault:
        """Return what is wrong at a key, at its column if there is one."""
        near = [(i, column) for i, column in self.headers.items() if column.path == path[: len(column.path)]]
        below = [
            (i, c) for i, c in self.headers.items() if c.path[: len(path)] == path and self.cells[c.path]
        ]
        near = near or below
        if not near:
            key = ".".join(one for one in path if not one.startswith("#"))
            return self.table.fault(self.number, None, "", f"{key}: {found}" if key else found, allowed)
        i, column = max(near, key=lambda one: len(one[1].path))
        return self.table.fault(self.number, i, column.zh, found, allowed)


def rows_of(table: Table, faults: list[Fault]) -> Iterator[Row]:
    """Yield the rows below the headers of ``table``, and tell ``faults`` what is wrong with those."""
    if not any(any(cells) for _, cells in table.rows):
        return
    sheet, at = _sheet_of(table)
    if sheet is None:
        found = f"a sheet called {table.title!r} with headers of none, or of several"
        allowed = f"sheets (or files) called {', '.join(titles())}"
        faults.append(table.fault(0, None, "", found, allowed))
        return
    number, names = table.rows[at]
    headers = _headers(table, sheet, number, names, faults)
    for row_number, cells in padded(table.rows[at + 1 :], len(names)):
        for i, cell in enumerate(cells):
            if cell and (i >= len(names) or not names[i]):
                faults.append(table.fault(row_number, i, "", repr(cell), "nothing: it has no header"))
        found_cells = {column.path: cells[i] for i, column in headers.items()}
        if any(found_cells.values()):
            yield Row(table, sheet, row_number, headers, found_cells)


def _sheet_of(table: Table) -> tuple[Sheet | None, int]:
    """Return the sheet that a table is, by its title or else by its headers, and the index of their row."""
    best: list[tuple[int, Sheet, int]] = []
    for sheet in sheets_called(table.title) or SHEETS:
        counts = [sum(_known(sheet, name) for name in names) for _, names in table.rows[:_HEADERS_WITHIN]]
        count = max(counts)
        best.append((count, sheet, counts.index(count)))
    most = max(count for count, *_ in best)
    found = [(sheet, at) for count, sheet, at in best if count == most]
    enough = 1 if len(best) == 1 else 2
    return found[0] if most >= enough and len(found) == 1 else (None, 0)


def _known(sheet: Sheet, name: str) -> bool:
    return bool(name) and sheet.column(name) is not None


def _any_key(sheet: Sheet, name: str) -> Column | None:
    path = key_named(sheet.section, sheet.within, name.strip())
    return Column(path, name, name) if path else None


def _headers(
    table: Table, sheet: Sheet, number: int, names: Sequence[str], faults: list[Fault]
) -> dict[int, Column]:
    """Return the column of each header that is one."""
    headers: dict[int, Column] = {}
    allowed = ", ".join(column.zh for column in sheet.columns)
    for i, name in enumerate(names):
        column = (sheet.column(name) or _any_key(sheet, name)) if name else None
        if column is not None and column.path in (one.path for one in headers.values()):
            faults.append(table.fault(number, i, name, "the same column again", "each column once"))
        elif bare(name) in SECRET or (column is not None and _SECRET_KEY.search(column.path[-1])):
            instead = "a column 密码文件 or 密码变量: passwords stand in files or in the environment"
            faults.append(table.fault(number, i, name, "a column of secrets", instead))
        elif column is not None:
            headers[i] = column
        elif name and bare(name) not in NOTES:
            usual = [title for one in sheet.columns for title in (one.zh, one.en)]
            close = difflib.get_close_matches(name, usual, n=1, cutoff=0.5)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            faults.append(table.fault(number, i, name, "an unknown header", f"{allowed}, 备注{hint}"))
    return headers
