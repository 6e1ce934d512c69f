"""Times at which a rule applies: what the clock on the wall says, in the community's zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from lianfang.almanac import Almanac
from lianfang.calendar import Calendar
from lianfang.config.schedule import Schedule, Window
from lianfang.errors import ConfigError
from tests.support.configs import loaded
from tests.support.observations import START
from tests.unit.alerts.test_incidents import A, Play, stay

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
PLAIN = Almanac(SHANGHAI, Calendar())


def local(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("window", "at", "want"),
    [
        ({"begin": "18:00", "end": "21:00"}, "2026-07-01 18:00:00", True),
        ({"begin": "18:00", "end": "21:00"}, "2026-07-01 17:59:59", False),
        ({"begin": "18:00", "end": "21:00"}, "2026-07-01 20:59:59", True),
        ({"begin": "18:00", "end": "21:00"}, "2026-07-01 21:00:00", False),
        ({"begin": "00:00", "end": "24:00"}, "2026-07-01 23:59:59", True),
        # A night belongs to the day on which it begins: the 3rd of July 2026 is a Friday.
        ({"begin": "22:00", "end": "07:00", "days": ["fri"]}, "2026-07-03 22:00:00", True),
        ({"begin": "22:00", "end": "07:00", "days": ["fri"]}, "2026-07-04 06:59:59", True),
        ({"begin": "22:00", "end": "07:00", "days": ["fri"]}, "2026-07-04 07:00:00", False),
        ({"begin": "22:00", "end": "07:00", "days": ["fri"]}, "2026-07-03 06:00:00", False),
        ({"begin": "22:00", "end": "07:00", "days": ["fri"]}, "2026-07-04 23:00:00", False),
        # Some days of the year, also over its end.
        ({"first": "05-01", "last": "09-30"}, "2026-05-01 00:00:00", True),
        ({"first": "05-01", "last": "09-30"}, "2026-04-30 23:59:59", False),
        ({"first": "05-01", "last": "09-30"}, "2026-10-01 00:00:00", False),
        ({"first": "12-20", "last": "01-10"}, "2026-01-10 12:00:00", True),
        ({"first": "12-20", "last": "01-10"}, "2026-12-20 12:00:00", True),
        ({"first": "12-20", "last": "01-10"}, "2026-01-11 12:00:00", False),
        ({"begin": "22:00", "end": "06:00", "first": "02-29", "last": "02-29"}, "2028-03-01 05:00:00", True),
    ],
)
def test_windows(window: dict[str, object], at: str, want: bool) -> None:
    made = Window.model_validate(window)
    assert Schedule(windows=(made,)).applies(local(at), PLAIN) is want
    assert Schedule(windows=(made,), outside=True).applies(local(at), PLAIN) is not want


def hours_open(begin: str, end: str, day: str) -> float:
    """Return for how many hours of that day in Berlin, and the night after it, a window is open."""
    schedule = Schedule(windows=(Window(begin=begin, end=end),))
    midnight = local(f"{day} 00:00:00", BERLIN)
    minutes = (midnight + timedelta(minutes=m) for m in range(24 * 60))
    return sum(schedule.applies(at, Almanac(BERLIN, Calendar())) for at in minutes) / 60


@pytest.mark.parametrize(
    ("begin", "end", "spring", "usual", "autumn"),
    [
        ("01:00", "04:00", 2, 3, 4),
        ("02:00", "03:00", 0, 1, 2),  # the hour that is skipped does not come, the other comes twice
        ("10:00", "12:00", 2, 2, 2),
    ],
)
def test_days_on_which_the_clocks_change(
    begin: str, end: str, spring: float, usual: float, autumn: float
) -> None:
    assert hours_open(begin, end, "2026-03-29") == spring
    assert hours_open(begin, end, "2026-06-15") == usual
    assert hours_open(begin, end, "2026-10-25") == autumn


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ({"begin": "7:00"}, "pattern"),
        ({"begin": "24:00", "end": "07:00"}, "'begin' before 24:00"),
        ({"begin": "07:00", "end": "07:00"}, "'end' that is not its 'begin'"),
        ({"first": "02-30", "last": "03-01"}, "a day of the year as month-day"),
        ({"first": "13-01", "last": "03-01"}, "a day of the year as month-day"),
        ({"first": "05-01"}, "both 'first' and 'last', or neither"),
        ({"days": ["Mon"]}, "pattern"),
        ({"first": "2026-05-01", "last": "09-30"}, "both with the year"),
        ({"first": "2026-05-01", "last": "2026-04-30"}, "not before 'first'"),
        ({"begin": "dawn"}, "pattern"),
        ({"begin": "sunrise-13:00"}, "pattern"),
        ({"begin": "sunset", "end": "sunset"}, "not its 'begin'"),
        ({"days": []}, "at least 1 item"),
    ],
)
def test_what_is_no_window_is_refused(window: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Window.model_validate(window)


def play(folder: Path, begin: str, end: str) -> Play:
    """Return a play of the rule that applies in that window; the script starts at 14:00 in Shanghai."""
    assert START.astimezone(SHANGHAI).hour == 14
    return Play(loaded(folder, ("rules.entry.active", {"windows": [{"begin": begin, "end": end}]})))


def test_nothing_is_raised_at_other_times(tmp_path: Path) -> None:
    assert play(tmp_path, "15:00", "16:00")(stay(0, 30, {1: A})).changes == []


def test_who_is_there_when_the_window_opens_is_an_incident_at_once(tmp_path: Path) -> None:
    assert play(tmp_path, "14:01", "15:00")(stay(0, 90, {1: A})).changes == [(60, "opened")]


def test_what_is_open_when_the_window_closes_goes_on_until_they_have_left(tmp_path: Path) -> None:
    script = [*stay(0, 90, {1: A}), *stay(90, 100, {}), *stay(100, 120, {2: A})]
    assert play(tmp_path, "13:00", "14:01")(script).changes == [(1, "opened"), (91, "cleared")]


def test_the_key_is_named_where_a_time_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rules.entry.active.windows.0.begin: found '9 am'"):
        play(tmp_path, "9 am", "10:00")
