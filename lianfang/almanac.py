"""What a schedule goes by: the community's clock, its calendar, and when the sun rises at a place. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from astral import Observer
from astral.sun import elevation, noon, sunrise, sunset

from lianfang.calendar import Calendar

Sun = Literal["sunrise", "sunset"]
NOMINAL: Mapping[str, int] = {"sunrise": 6 * 60, "sunset": 18 * 60}
"""Minutes from midnight, where nobody knows better."""
_HALF_A_DAY = timedelta(hours=12)
_NEIGHBOURS = (timedelta(days=-1), timedelta(0), timedelta(days=1))
_HORIZON = -0.833  # degrees: the upper rim of the sun, with the air's refraction


@dataclass(frozen=True)
class Almanac:
    """Time zone, calendar, and a position (degrees north, degrees east), None where that is not known."""

    zone: ZoneInfo
    calendar: Calendar
    position: tuple[float, float] | None = None

    def sun(self, which: Sun, day: date) -> int:
        """Return the minutes from midnight to sunrise or sunset of ``day``, on the clock on the wall.

        They may lie in a neighbouring day (below 0, above 1440) far from the zone's meridian. Where the sun
        does not set it is the midnights beside noon, where it does not rise it is noon. Without a position it
        is 06:00 and 18:00. The datum does not matter: GCJ-02, which is up to 700 m off, is two seconds.
        """
        if self.position is None:
            return NOMINAL[which]
        latitude, longitude = self.position
        # A kilometre is four seconds: cameras that are near each other share what is worked out.
        rise, set_ = _minutes(day, round(latitude, 2), round(longitude, 2), self.zone)
        return rise if which == "sunrise" else set_


@lru_cache(maxsize=4096)
def _minutes(day: date, latitude: float, longitude: float, zone: tzinfo) -> tuple[int, int]:
    observer = Observer(latitude, longitude)
    top = _noon(observer, day, zone)
    rises = [_of(sunrise, observer, top.date() + n) for n in _NEIGHBOURS]
    sets = [_of(sunset, observer, top.date() + n) for n in _NEIGHBOURS]
    before = _between(top - _HALF_A_DAY, rises, top)
    after = _between(top, sets, top + _HALF_A_DAY)
    if elevation(observer, top) <= _HORIZON:
        before, after = [top], [top]
    elif elevation(observer, top - _HALF_A_DAY) <= _HORIZON:
        before, after = before or [top], after or [top]  # it hardly rises: no hour of it is found
    rise = max(before, default=top - _HALF_A_DAY)
    set_ = min(after, default=top + _HALF_A_DAY)
    return _on_the_wall(rise, day, zone), _on_the_wall(set_, day, zone)


def _noon(observer: Observer, day: date, zone: tzinfo) -> datetime:
    """Return, in UTC, when the sun is highest on a day of the zone."""
    middle = datetime(day.year, day.month, day.day, 12, tzinfo=zone)
    tops = [noon(observer, middle.astimezone(UTC).date() + n) for n in _NEIGHBOURS]
    return min(tops, key=lambda top: abs(top - middle))


def _between(begin: datetime, found: Sequence[datetime | None], end: datetime) -> list[datetime]:
    """Return those of three days' events that lie in half a day."""
    there = [at for at in found if at is not None and begin <= at <= end]
    middle = found[len(found) // 2]
    if not there and middle is not None:
        # One at midnight in UTC is sometimes given the date of a neighbouring day, and none is left for ours.
        there = [at for n in _NEIGHBOURS if begin <= (at := middle + n) <= end]
    return there


def _of(event: object, observer: Observer, day: date) -> datetime | None:
    try:
        at: datetime = event(observer, day)  # type: ignore[operator]
    except ValueError:  # the sun does not cross the horizon on that day
        return None
    return at


def _on_the_wall(at: datetime, day: date, zone: tzinfo) -> int:
    local = at.astimezone(zone)
    return (local.date() - day).days * 24 * 60 + local.hour * 60 + local.minute
