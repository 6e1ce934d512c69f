"""A list as a table that people change: a row an entry, other columns than its own are notes. Pure."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from alerts.listed import rows_of

TIMES = ("from", "until")
NOTE = "note"
Cells = Mapping[str, str]


@dataclass(frozen=True)
class Sheet:
    """The columns of a list and its rows, each by column."""

    columns: tuple[str, ...]
    rows: tuple[Cells, ...]

    @classmethod
    def read(cls, path: Path, text: str) -> Sheet:
        """Return the list in ``path``, whose text is ``text``; BadList where it is none."""
        with rows_of(path, text) as rows:
            columns = tuple(rows.fieldnames or ())
            cells = tuple({name: row[name] or "" for name in columns} for row in rows)
        return cls(columns, cells)

    def text(self) -> str:
        """Return it as a CSV file."""
        out = StringIO()
        writer = csv.DictWriter(out, self.columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return out.getvalue()

    def with_rows(self, rows: tuple[Cells, ...], columns: tuple[str, ...] = ()) -> Sheet:
        """Return the list with these rows, and with ``columns`` that it has not."""
        used = (*self.columns, *columns, *(NOTE if any(row.get(NOTE) for row in rows) else "",))
        return Sheet(tuple(name for name in dict.fromkeys(used) if name), rows)

    def added(self, row: Cells) -> Sheet:
        """Return the list with one more row."""
        return self.with_rows((*self.rows, row))

    def changed(self, n: int, cells: Cells) -> Sheet:
        """Return the list with other ``cells`` in row ``n``, 0 being the first; LookupError for none."""
        return self.with_rows((*self.rows[:n], {**self.rows[n], **cells}, *self.rows[n + 1 :]))

    def without(self, n: int) -> Sheet:
        """Return the list without row ``n``."""
        return Sheet(self.columns, (*self.rows[:n], *self.rows[n + 1 :]))


def notes(row: Cells, own: Mapping[str, object]) -> str:
    """Return what a row says beside its entry: every column that is neither a time nor in ``own``."""
    return " · ".join(text for name, text in row.items() if text and name not in (*TIMES, *own))
