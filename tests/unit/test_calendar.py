"""Calendars that people keep: what a day is, and what is wrong with a file."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang.calendar import WEEKDAYS, BadCalendar, Calendar
from lianfang.config import load
from lianfang.errors import ConfigProblem
from tests.support.configs import changed, loaded, write

OF_2026 = """date,until,kind,name
# what the State Council said
2026-10-01,2026-10-07,holiday,国庆节
2026-10-10,,workday,国庆调休
2026/9/1,2027/1/22,school_term,秋季学期
2026-10-16,,no_school,运动会
2026-10-18,,school_day,家长开放日
2026-06-19,,dragon_boats,"端午, 龙舟赛"
2027-06-30,,covered,
,,,
"""


def calendar(folder: Path, text: str = OF_2026, name: str = "days.csv") -> Calendar:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return Calendar.read([file])


@pytest.mark.parametrize(
    ("day", "want"),
    [
        ("2026-09-30", "wed workday school_day school_term"),
        ("2026-10-01", "thu day_off holiday school_term"),
        ("2026-10-04", "sun day_off holiday school_term"),
        ("2026-10-10", "sat workday school_day school_term"),  # a Saturday that is worked, at school too
        ("2026-10-11", "sun day_off school_term"),
        ("2026-10-16", "fri workday no_school school_term"),
        ("2026-10-18", "sun day_off school_day school_term"),
        ("2026-06-19", "fri workday dragon_boats"),
        ("2027-01-25", "mon workday"),
        ("2027-06-30", "wed workday"),
    ],
)
def test_what_a_day_is(tmp_path: Path, day: str, want: str) -> None:
    assert calendar(tmp_path).kinds(date.fromisoformat(day)) == frozenset(want.split())


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_without_a_file_the_week_is_all_there_is(day: date) -> None:
    works = "workday" if day.isoweekday() <= 5 else "day_off"
    assert Calendar().kinds(day) == {WEEKDAYS[day.weekday()], works}
    assert not list(Calendar().ended(day))


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)))
def test_every_day_is_either_worked_or_off(day: date) -> None:
    read = Calendar(
        {date(2026, 10, 10): frozenset({"workday"}), date(2026, 10, 1): frozenset({"holiday"})}
    ).kinds(day)
    assert ("workday" in read) != ("day_off" in read)
    assert len(read & set(WEEKDAYS)) == 1


def test_kinds_that_may_be_asked_for(tmp_path: Path) -> None:
    assert Calendar().known == (*WEEKDAYS, "workday", "day_off")
    assert set(calendar(tmp_path).known) - set(Calendar().known) == {
        "holiday",
        "school_term",
        "school_day",
        "no_school",
        "dragon_boats",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date,kind\n", "days.csv:1: found no column until; allowed: date,until,kind,name and any others"),
        (
            "date,until,kind\n1 October,,holiday\n",
            "days.csv:2: date: found '1 October'; allowed: a day such as 2026-10-01",
        ),
        ("date,until,kind\n2026-02-30,,holiday\n", "days.csv:2: date: found '2026-02-30'"),
        (
            "date,until,kind\n2026-10-07,2026-10-01,holiday\n",
            "days.csv:2: until: found '2026-10-01'; allowed: a day from 2026-10-07 on",
        ),
        ("date,until,kind\n2026-10-07,2062-10-01,holiday\n", "days.csv:2: until: found '2062-10-01'"),
        ("date,until,kind\n2026-10-01,,Holiday\n", "days.csv:2: kind: found 'Holiday'"),
        ("date,until,kind\n2026-10-01,,day_off\n", "days.csv:2: kind: found 'day_off'"),
        ("date,until,kind\n2026-10-01,,mon\n", "days.csv:2: kind: found 'mon'"),
        ("date,until,kind\n2026-10-01\n", "days.csv:2: kind: found ''"),
        (
            "date,until,kind\n2026-10-01,2026-10-07,holiday\n2026-10-05,,workday\n",
            "days.csv:3: kind: found 2026-10-05 as workday; allowed: one of both: ",
        ),
        ("date,until,kind\n2026-10-05,,school_day\n2026-10-05,,no_school\n", "as no_school"),
    ],
)
def test_what_is_wrong_with_a_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadCalendar) as raised:
        calendar(tmp_path, text)
    assert message in str(raised.value)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadCalendar) as raised:
        calendar(tmp_path, "date,until,kind\nx,,holiday\n2026-01-01,,\n")
    assert [(fault.line, fault.column) for fault in raised.value.faults] == [(2, "date"), (3, "kind")]


@pytest.mark.parametrize("data", [None, "日期,类型\n".encode("gbk")])
def test_a_file_that_cannot_be_read(tmp_path: Path, data: bytes | None) -> None:
    file = tmp_path / "days.csv"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(BadCalendar, match=r"days\.csv: found .*; allowed: a CSV file"):
        Calendar.read([file])


def test_two_files_are_one_calendar(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("date,until,kind\n2026-10-01,,holiday\n", encoding="utf-8-sig")
    (tmp_path / "b.csv").write_text(
        "date,until,kind\n2026-10-01,,fair\n2026-12-31,,covered\n", encoding="utf-8"
    )
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    read = Calendar.read(files)
    assert read.kinds(date(2026, 10, 1)) == {"thu", "day_off", "holiday", "fair"}
    assert list(read.ended(date(2026, 10, 1))) == []
    assert list(read.ended(date(2026, 10, 2))) == [(files[0], date(2026, 10, 1))]


def test_the_configuration_names_file_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "days.csv").write_text("date,until,kind\nx,,holiday\n", encoding="utf-8")
    with pytest.raises(
        Exception, match=r"calendars: found 'x' \(.*days\.csv:2: date\); allowed: a day such as"
    ):
        loaded(tmp_path, ("community.calendars", ["days.csv"]))


@pytest.mark.parametrize("days", [1, -1])
def test_a_calendar_that_has_ended_is_a_warning(tmp_path: Path, days: int) -> None:
    last = date.today() + timedelta(days=days)  # noqa: DTZ011 - a day off at most, and that is not asked
    (tmp_path / "days.csv").write_text(f"date,until,kind\n{last},,holiday\n", encoding="utf-8")
    warned: list[ConfigProblem] = []
    load(write(tmp_path, changed(("community.calendars", ["days.csv"]))), warned.append)
    assert [f"ends on {last}" in problem.found for problem in warned] == ([True] if days < 0 else [])


def test_a_day_that_no_calendar_knows_is_refused(tmp_path: Path) -> None:
    active = {"windows": [{"days": ["mon", "holliday"]}]}
    with pytest.raises(
        Exception, match=r"active\.windows\.0\.days\.1: found 'holliday'; allowed: one of mon"
    ):
        loaded(tmp_path, ("rules.entry.active", active))
