"""Tables that people open in a spreadsheet: CSV in UTF-8 with its mark, so that Excel reads Chinese."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from fastapi.responses import StreamingResponse

CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
"""What OpenAPI is told of such a route."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def sheet(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingResponse:
    """Return a CSV file called ``name``, which is ASCII, sent as it is made."""
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_lines(header, rows), media_type="text/csv; charset=utf-8", headers=disposition)


def _lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    out = io.StringIO()
    writer = csv.writer(out)
    yield "\N{ZERO WIDTH NO-BREAK SPACE}"
    for row in chain([header], rows):
        writer.writerow([_cell(value) for value in row])
        yield out.getvalue()
        out.seek(0)
        out.truncate()


def _cell(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
