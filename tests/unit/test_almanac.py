"""Sunrise and sunset, and windows by them and by the calendar, in zones with and without summer time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lianfang.almanac import Almanac
from lianfang.calendar import Calendar
from lianfang.config.schedule import Hours, Schedule, Window
from lianfang.errors import ConfigError
from tests.support.configs import loaded
from tests.unit.test_calendar import calendar

PLACES = {
    "Foshan": ("Asia/Shanghai", 23.02, 113.12),
    "Kashgar": ("Asia/Shanghai", 39.47, 75.99),  # two hours and a half behind the clock on its wall
    "Berlin": ("Europe/Berlin", 52.52, 13.40),
    "Tromso": ("Europe/Oslo", 69.65, 18.96),
    "Apia": ("Pacific/Apia", -13.83, -171.76),
    "Christchurch": ("Pacific/Auckland", -43.53, 172.64),
}


def almanac(place: str, days: Calendar | None = None) -> Almanac:
    zone, latitude, longitude = PLACES[place]
    return Almanac(ZoneInfo(zone), days or Calendar(), (latitude, longitude))


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


# As printed in almanacs for these places, whole minutes; the clock on the wall, summer time included.
@pytest.mark.parametrize(
    ("place", "day", "rise", "set_"),
    [
        ("Foshan", "2026-06-21", "05:42", "19:16"),
        ("Foshan", "2026-12-21", "07:05", "17:45"),
        ("Berlin", "2026-03-28", "05:50", "18:33"),
        ("Berlin", "2026-03-29", "06:48", "19:34"),  # the clocks went forward that night
        ("Berlin", "2026-10-25", "06:51", "16:48"),  # and back
        ("Kashgar", "2026-06-21", "07:30", "22:28"),
        ("Christchurch", "2026-12-21", "05:44", "21:11"),
    ],
)
def test_sunrise_and_sunset(place: str, day: str, rise: str, set_: str) -> None:
    known, on = almanac(place), date.fromisoformat(day)
    for which, want in (("sunrise", rise), ("sunset", set_)):
        hours, minutes = map(int, want.split(":"))
        got = known.sun(which, on)  # type: ignore[arg-type]
        assert abs(got - (hours * 60 + minutes)) <= 2, f"{which} {clock(got)}"


@given(
    st.sampled_from(sorted(PLACES)),
    st.dates(date(2020, 1, 1), date(2035, 12, 31)),
)
@example("Kashgar", date(2020, 4, 28))  # it rises there at midnight in UTC
@example("Tromso", date(2020, 1, 13))  # the polar night ends: the sun hardly rises
def test_the_sun_rises_before_it_sets_and_tomorrow_is_like_today(place: str, day: date) -> None:
    known = almanac(place)
    rise, set_ = known.sun("sunrise", day), known.sun("sunset", day)
    assert rise <= set_ <= rise + 24 * 60
    for which in ("sunrise", "sunset"):
        step = known.sun(which, day + timedelta(days=1)) - known.sun(which, day)
        assert abs(step) < (70 if place != "Tromso" else 200), "an hour of summer time and some minutes"


def open_minutes(window: Mapping[str, object], known: Almanac, day: str) -> list[datetime]:
    """Return the minutes of that local day, and of nothing else, at which the window is open."""
    hours = Hours(Schedule(windows=(Window.model_validate(window),)), known)
    midnight = datetime.fromisoformat(day).replace(tzinfo=known.zone)
    begin, end = (m.astimezone(UTC) for m in (midnight, midnight + timedelta(days=1)))
    minutes = range(int((end - begin).total_seconds()) // 60)
    return [at for n in minutes if hours.applies(at := begin + timedelta(minutes=n))]


@given(st.lists(st.integers(-200, 200), max_size=20))
def test_asked_by_the_minute_it_is_the_same(seconds: list[int]) -> None:
    schedule = Schedule(windows=(Window(begin="18:00", end="sunset"),))
    known, six = almanac("Foshan"), datetime(2026, 6, 21, 10, tzinfo=UTC)
    hours = Hours(schedule, known)
    for moment in (six + timedelta(seconds=s) for s in seconds):
        assert hours.applies(moment) is schedule.applies(moment, known)


@pytest.mark.parametrize(
    ("window", "place", "day", "hours"),
    [
        ({"begin": "sunrise", "end": "sunset"}, "Foshan", "2026-06-21", 13.57),
        ({"begin": "sunset", "end": "sunrise"}, "Foshan", "2026-06-21", 24 - 13.57),
        ({"begin": "sunset+01:00", "end": "sunrise-00:30"}, "Foshan", "2026-06-21", 24 - 13.57 - 1.5),
        ({"begin": "sunset-00:30", "end": "23:00"}, "Berlin", "2026-12-21", 7.6),
        # It sets after 22:00 there: nothing on that day, and not all of the next.
        ({"begin": "sunset", "end": "22:00"}, "Kashgar", "2026-06-21", 0),
        ({"begin": "sunset", "end": "22:00"}, "Kashgar", "2026-12-21", 2.42),
        # An hour past its sunset is the next day.
        ({"begin": "sunrise", "end": "sunset+02:00"}, "Kashgar", "2026-06-21", 16.97),
        # Polar day, polar night.
        ({"begin": "sunrise", "end": "sunset"}, "Tromso", "2026-06-21", 24),
        ({"begin": "sunset", "end": "sunrise"}, "Tromso", "2026-06-21", 0),
        ({"begin": "sunrise", "end": "sunset"}, "Tromso", "2026-12-21", 0),
        ({"begin": "sunset", "end": "sunrise"}, "Tromso", "2026-12-21", 24),
        # The night in which the clocks go forward has an hour less, the one in which they go back one more.
        ({"begin": "sunset", "end": "sunrise"}, "Berlin", "2026-03-29", 10.23),
        ({"begin": "00:00", "end": "sunrise"}, "Berlin", "2026-03-28", 5.83),
        ({"begin": "00:00", "end": "sunrise"}, "Berlin", "2026-03-29", 5.80),
        ({"begin": "00:00", "end": "sunrise"}, "Berlin", "2026-10-25", 7.85),
        ({"begin": "01:00", "end": "sunrise-02:00"}, "Berlin", "2026-03-29", 2.80),
    ],
)
def test_windows_by_the_sun(window: dict[str, object], place: str, day: str, hours: float) -> None:
    assert len(open_minutes(window, almanac(place), day)) / 60 == pytest.approx(hours, abs=0.08)


def test_days_and_nights_take_turns() -> None:
    """Whatever the place and the day, it is either day or night."""
    for place in ("Berlin", "Tromso"):
        for day in ("2026-03-29", "2026-05-18", "2026-10-25", "2026-11-26"):
            light = open_minutes({"begin": "sunrise", "end": "sunset"}, almanac(place), day)
            dark = open_minutes({"begin": "sunset", "end": "sunrise"}, almanac(place), day)
            assert not set(light) & set(dark), f"{place} {day}"
            assert len(light) + len(dark) in (1380, 1440, 1500), f"{place} {day}"


def test_a_night_belongs_to_the_day_on_which_it_begins(tmp_path: Path) -> None:
    known = almanac("Berlin", calendar(tmp_path))
    # The 10th of October 2026 is a Saturday that is worked, the 9th a Friday, the 11th a Sunday.
    night = {"begin": "sunset", "end": "sunrise", "days": ["workday"]}
    saturday = open_minutes({**night, "days": ["sat"]}, known, "2026-10-10")
    assert saturday[0].astimezone(known.zone).hour == 18, "the morning is Friday's night"
    assert len(open_minutes(night, known, "2026-10-11")) / 60 == pytest.approx(7.4, abs=0.1), (
        "only the morning"
    )


@pytest.mark.parametrize(
    ("days", "day", "want"),
    [
        (["school_day"], "2026-10-10", 24),
        (["school_day"], "2026-10-05", 0),
        (["workday"], "2026-10-25", 0),
        (["mon", "day_off"], "2026-10-25", 25),  # a Sunday on which the clocks go back
        (["holiday"], "2026-10-01", 24),
        (["dragon_boats"], "2026-06-19", 24),
        (["dragon_boats"], "2027-06-19", 0),
    ],
)
def test_windows_by_the_calendar(tmp_path: Path, days: list[str], day: str, want: int) -> None:
    opened = open_minutes({"days": days}, almanac("Berlin", calendar(tmp_path)), day)
    assert len(opened) / 60 == want


def test_some_days_of_one_year() -> None:
    window: dict[str, object] = {
        "first": "2026-06-17",
        "last": "2026-06-19",
        "begin": "22:00",
        "end": "02:00",
    }
    days = ("2026-06-16", "2026-06-17", "2026-06-19", "2026-06-20", "2027-06-17")
    assert [len(open_minutes(window, almanac("Foshan"), day)) / 60 for day in days] == [0, 2, 4, 2, 0]


@pytest.mark.parametrize(
    ("key", "at"),
    [
        ("rules.entry.active", r"rules\.entry\.active\.windows"),
        ("rules.entry.speech", r"rules\.entry\.speech\.active\.windows"),
        ("receivers.horn.quiet", r"receivers\.horn\.quiet\.windows"),
    ],
)
def test_the_sun_of_a_point_that_is_nowhere_is_refused(tmp_path: Path, key: str, at: str) -> None:
    by_sun = {"windows": [{"begin": "sunset", "end": "sunrise"}]}
    value = {"text": "请离开", "active": by_sun} if key.endswith("speech") else by_sun
    message = (
        at + r": found sunrise or sunset at camera cam2?; allowed: longitude and latitude for point bank"
    )
    with pytest.raises(ConfigError, match=message):
        loaded(tmp_path, (key, value))
    here = [("points.bank.longitude", 113.1), ("points.bank.latitude", 23.0)]
    assert loaded(tmp_path, (key, value), *here).almanac("cam").position == (23.0, 113.1)


def test_where_nobody_knows_the_place_the_sun_sets_at_six() -> None:
    """No configuration gets here; what a person says at the console might, and must not stop a worker."""
    nowhere = Almanac(ZoneInfo("Asia/Shanghai"), Calendar())
    assert [nowhere.sun(sun, date(2026, 1, 1)) for sun in ("sunrise", "sunset")] == [6 * 60, 18 * 60]
