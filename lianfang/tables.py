"""CSV and Excel files as rows of text. Nothing in them is ever run: no formula, no macro, no link."""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from lianfang.table_fault import Fault, TableError, letter

MAX_BYTES = 32 * 1024 * 1024
MAX_UNPACKED_BYTES = 256 * 1024 * 1024
MAX_ROWS, MAX_COLUMNS = 50_000, 200
# What the library makes of files that are none; a SyntaxError is one of XML.
_NO_WORKBOOK = (
    zipfile.BadZipFile,
    zlib.error,
    InvalidFileException,
    SyntaxError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    OSError,
    NotImplementedError,
)
_BLANK = " \u3000\xa0"
_REFUSED = {"f": "a formula", "e": "{}"}
_EXACT = 10**15  # from here on a spreadsheet rounds whole numbers
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
ENCODINGS = ("utf-8", "gb18030")
Cell = tuple[str, tuple[str, str] | None]
"""A cell as text; what was found and is allowed where it is none."""
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for a formula


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read: its encoding, the bytes that it may unpack to, whether cells may be dates."""

    encoding: str | None = None
    unpacked: int | None = None
    dates: bool = False


@dataclass(frozen=True)
class Table:
    """One sheet: ``title`` is its name, of a CSV file the file's; rows of text, each with its number."""

    file: Path
    title: str
    rows: Sequence[tuple[int, Sequence[str]]]
    is_file: bool = False

    def fault(self, row: int, column: int | None, header: str, found: str, allowed: str) -> Fault:
        """Return what is wrong in a row, and in a column of it (0 is A)."""
        named = "" if column is None else f"{letter(column)} ({header})" if header else letter(column)
        return Fault(self.file, "" if self.is_file else self.title, row, named, found, allowed)


def read(file: Path, encoding: str | None = None) -> list[Table]:
    """Return the sheets of ``file``, .csv or .xlsx; TableError carries all that is wrong with its cells.

    ``encoding``: of a CSV file, where what it is encoded in cannot be told.
    """
    try:
        size = file.stat().st_size
        content = file.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        raise TableError([_whole(file, error.strerror or str(error), "a readable file")]) from error
    if size > MAX_BYTES:
        raise TableError([_whole(file, f"{size} bytes", f"{MAX_BYTES} at most")])
    return parsed(file, content, Reading(encoding))


def parsed(file: Path, content: bytes, how: Reading) -> list[Table]:
    """Return the sheets of the ``content`` of ``file``, which need not lie there; else as ``read``."""
    if file.suffix.lower() == ".csv":
        return [_csv(file, content, how.encoding)]
    if file.suffix.lower() == ".xlsx":
        return _xlsx(file, content, how)
    raise TableError([_whole(file, f"a file of kind {file.suffix!r}", ".csv or .xlsx, without macros")])


def escaped(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip("'").startswith(_DANGEROUS) and not _is_number(text) else text


def _plain(text: str) -> str:
    """Return what ``escaped`` was given."""
    rest = text.lstrip("'")
    return text[1:] if rest != text and rest.startswith(_DANGEROUS) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text and text.strip() == text


def _whole(file: Path, found: str, allowed: str) -> Fault:
    return Fault(file, "", 0, "", found, allowed)


def _csv(file: Path, content: bytes, encoding: str | None) -> Table:
    text = _decoded(file, content, encoding)
    head = text.partition("\n")[0]
    separator = next((one for one in "\t;" if one in head and "," not in head), ",")
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[tuple[int, Sequence[str]]] = []
    try:
        for cells in lines:
            if len(rows) >= MAX_ROWS or len(cells) > MAX_COLUMNS:
                raise TableError([_whole(file, "more", f"{MAX_ROWS} rows and {MAX_COLUMNS} columns at most")])
            rows.append((len(rows) + 1, [_plain(cell.strip(_BLANK)) for cell in cells]))
    except csv.Error as error:
        raise TableError([Fault(file, "", lines.line_num, "", str(error), "a CSV row")]) from error
    return Table(file, file.stem, rows, is_file=True)


def _decoded(file: Path, content: bytes, encoding: str | None) -> str:
    """Return the text; TableError where bytes are wrong, or where two readings of them are possible."""
    named = next((name for mark, name in _BOMS if content.startswith(mark)), encoding)
    readings: dict[str, str] = {}
    for name in (named,) if named else ENCODINGS:
        try:
            readings[name] = content.decode(name)
        except UnicodeDecodeError as error:
            last = error
    if not readings:
        row = content[: last.start].count(b"\n") + 1
        found = f"a byte {content[last.start]:#04x} that is no {last.encoding}"
        raise TableError([Fault(file, "", row, "", found, "UTF-8 or GB18030")])
    if len(readings) == 2 and _may_be_chinese(readings["gb18030"]):
        found = "bytes that are text in UTF-8 and in GB18030"
        raise TableError([_whole(file, found, "--encoding utf-8 or --encoding gb18030")])
    return next(iter(readings.values()))


def _may_be_chinese(text: str) -> bool:
    """Say whether ``text``, read as GB18030, may be meant: its signs are usual ones (GB 2312).

    Chinese in UTF-8 read in this way is full of others.
    """
    try:
        text.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return not text.isascii()


def _xlsx(file: Path, content: bytes, how: Reading) -> list[Table]:
    faults: list[Fault] = []
    most = how.unpacked or MAX_UNPACKED_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
        if unpacked > most:
            raise TableError([_whole(file, f"{unpacked} bytes unpacked", f"{most} at most")])
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
        with closing(book):
            tables = [
                _worksheet(file, sheet, faults, _dated if how.dates else _cell) for sheet in book.worksheets
            ]
    except _NO_WORKBOOK as error:
        raise TableError(
            [_whole(file, f"no Excel workbook: {error}", "a workbook saved as .xlsx")]
        ) from error
    if faults:
        raise TableError(faults)
    return tables


def _worksheet(
    file: Path,
    sheet: Any,  # noqa: ANN401 - openpyxl has no name for it
    faults: list[Fault],
    text_of: Callable[[Any, str], Cell],
) -> Table:
    rows: list[tuple[int, Sequence[str]]] = []
    table = Table(file, sheet.title, rows)
    sheet.reset_dimensions()  # what a file says of its size may be wrong
    for number, cells in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS), 1):
        if number > MAX_ROWS:
            faults.append(table.fault(number, None, "", "more rows", f"{MAX_ROWS} at most"))
            break
        texts = []
        for i, cell in enumerate(cells):
            text, wrong = text_of(cell.value, cell.data_type)
            texts.append(text)
            faults += [table.fault(number, i, "", *wrong)] if wrong else []
        rows.append((number, texts))
    return table


def _dated(value: Any, data_type: str) -> Cell:  # noqa: ANN401
    """Return a cell as ``_cell`` does, a date as ISO 8601."""
    if not isinstance(value, datetime):
        return _cell(value, data_type)
    return (value.date() if value.time() == time() else value).isoformat(), None


def _cell(value: Any, data_type: str) -> Cell:  # noqa: ANN401
    """Return a cell as text, and what was found and is allowed where it is none."""
    if data_type in _REFUSED and value is not None:
        return "", (_REFUSED[data_type].format(value), "a value: copy, and paste values only")
    if isinstance(value, date | time):
        return "", (f"the date {value}", "text: format the column as text")
    if isinstance(value, bool):
        return str(value).lower(), None
    if isinstance(value, int | float):
        return _number(value)
    return ("" if value is None else _plain(str(value).strip(_BLANK))), None


def _number(value: float) -> Cell:
    if abs(value) >= _EXACT:
        rounded = f"the number {value:.0f}, rounded by the spreadsheet"
        return "", (rounded, "text: format the column as text")
    return str(int(value)) if value == int(value) else repr(value), None


def padded(rows: Sequence[tuple[int, Sequence[str]]], width: int) -> Iterator[tuple[int, list[str]]]:
    """Yield rows of at least ``width`` cells that are not all empty."""
    for number, cells in rows:
        if any(cells):
            yield number, [*cells, *[""] * (width - len(cells))]
