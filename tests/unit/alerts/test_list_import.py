"""A table of plates that is to come into a list: every fault at its row, and what it would do."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from alerts import list_import
from alerts.list_import import Mode, Taken, outcome, taken
from alerts.list_sheet import Sheet
from alerts.plates import PlateList

ZONE = ZoneInfo("Asia/Shanghai")
LIST = "plate,from,until,who\n粤T12345,,2026-07-01T18:00,a\n粤T99999,2026-08-01,,b\n"


def said(text: str, name: str = "new.csv", encoding: str = "utf-8") -> Taken:
    return taken(name, text.encode(encoding), "wanted.csv", ZONE)


def excel(*rows: Sequence[Any], second: bool = False) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))  # type: ignore[union-attr]
    if second:
        book.create_sheet("more").append(["plate"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


WRONG: list[tuple[str, str, str]] = [
    ("no plate", "card,from\n1,\n", "new.csv, row 1: found no column plate; allowed: plate,from,until,note"),
    ("twice", "plate,车牌\n粤T1,\n", "row 1: found the column plate more than once; allowed: each once"),
    ("no plate in it", "plate\nABC\n", "row 2, column A (plate): found 'ABC'; allowed: a plate such as"),
    ("nothing", "plate,note\n,x\n", "row 2, column A (plate): found ''; allowed: a plate such as"),
    (
        "no time",
        "plate,until\n粤T12345,soon\n",
        "row 2, column B (until): found 'soon'; allowed: a time",
    ),
    (
        "no month 13",
        "plate,from\n粤T12345,2026-13-01\n",
        "column B (from): found '2026-13-01'; allowed: a",
    ),
    (
        "over before it begins",
        "plate,from,until\n粤T12345,2026-07-02,2026-07-01\n",
        "column C (until): found '2026-07-01'; allowed: a time after '2026-07-02'",
    ),
    (
        "twice for one time",
        "plate,from,until\n粤T12345,,2026-07-02\n粤t·12345,2026-07-01,\n",
        "row 3, column A (plate): found '粤T12345', which stands in row 2 for some of the same",
    ),
    (
        "another list",
        "plate,list\n粤T12345,white.csv\n",
        "column B (list): found 'white.csv'; allowed: '",
    ),
    ("broken", 'plate\n"粤T12345\n', "new.csv, row 2: found unexpected end of data; allowed: a CSV row"),
]


@pytest.mark.parametrize(("text", "message"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_wrong_is_said_at_its_row_and_column(text: str, message: str) -> None:
    (fault,) = said(text).faults
    assert message in str(fault)


def test_every_fault_is_said_and_nothing_is_taken_of_the_rest_alone() -> None:
    found = said("plate,until\nA,\n粤T12345,\nB,soon\n")
    assert [(fault.row, fault.column) for fault in found.faults] == [
        (2, "A (plate)"),
        (4, "B (until)"),
        (4, "A (plate)"),
    ]


def test_a_file_that_is_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "allowed: .csv or .xlsx" in str(taken("a.pdf", b"%PDF", "wanted.csv", ZONE).faults[0])
    assert "no Excel workbook" in str(taken("a.xlsx", b"PK", "wanted.csv", ZONE).faults[0])
    assert "found 0 sheets with anything on them; allowed: one" in str(said("\n").faults[0])
    both = taken("a.xlsx", excel(["plate"], ["粤T12345"], second=True), "wanted.csv", ZONE)
    assert "found 2 sheets" in str(both.faults[0])
    monkeypatch.setattr(list_import, "MAX_ROWS", 1)
    assert "found 2 rows; allowed: 1 at most" in str(said("plate\n粤T12345\n粤T12346\n").faults[0])


def test_spreadsheets_write_as_they_like() -> None:
    begin, end = datetime(2026, 7, 1, tzinfo=ZONE), datetime(2026, 7, 2, 8, 30, tzinfo=ZONE)
    rows: list[list[Any]] = [
        ["车牌号", "开始时间", "到期", "备注"],
        ["粤t·12345", begin.replace(tzinfo=None), "2026/7/2 8:30", "x"],
    ]
    text = "车牌号,开始时间,到期,备注\n粤T12345,2026/7/1,2026.7.2 8:30,x\n"
    for found in (
        taken("a.xlsx", excel(*rows), "wanted.csv", ZONE),
        said(text, encoding="gb18030"),
        said(text, encoding="utf-8-sig"),
    ):
        (line,) = found.lines
        assert not found.faults
        assert (line.row, line.entry.key, line.entry.since, line.entry.until) == (2, "粤T12345", begin, end)
        assert line.cells["note"] == "x"
        assert line.cells["until"] == "2026-07-02T08:30:00+08:00"


@pytest.mark.parametrize(
    ("mode", "text", "becomes", "removed", "after"),
    [
        (
            "add",
            "plate,until,note\n粤T12345,2026-07-01T18:00,\n粤B54321,,stolen\n",
            ["changed", "added"],
            [],
            [("粤T99999", "b", ""), ("粤T12345", "", ""), ("粤B54321", "", "stolen")],
        ),
        (
            "add",
            "plate,from,until,who,hits,list\n粤T12345,,2026/7/1 18:00,a,2,wanted.csv\n",
            ["same"],
            [],
            [("粤T99999", "b", None), ("粤T12345", "a", None)],
        ),
        ("replace", "plate\n粤B54321\n", ["added"], ["粤T12345", "粤T99999"], [("粤B54321", None, None)]),
    ],
)
def test_what_becomes_of_a_list(
    mode: Mode, text: str, becomes: list[str], removed: list[str], after: list[tuple[str | None, ...]]
) -> None:
    path = Path("wanted.csv")
    entries = PlateList.read(path, ZONE, {path: LIST}).entries
    result = outcome(Sheet.read(path, LIST), entries, said(text), mode)
    assert (result.becomes, result.removed) == (becomes, removed)
    read = Sheet.read(path, result.sheet.text())
    assert [(row["plate"], row.get("who"), row.get("note")) for row in read.rows] == after
    assert len(PlateList.read(path, ZONE, {path: result.sheet.text()}).entries) == len(after)
