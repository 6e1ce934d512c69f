"""When something applies: windows of the week, of the calendar, of the sun; some days of the year. Pure.

A window is what the clock on the wall says. Where daylight saving time skips an hour, a window in that hour
does not come; where it repeats one, the window comes twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Self, cast

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from lianfang.almanac import NOMINAL, Almanac, Sun
from lianfang.calendar import WEEKDAYS, BadCalendar
from lianfang.config.stanza import Id, Problem, Stanza

if TYPE_CHECKING:
    from lianfang.config.model import Config

_DAY = timedelta(days=1)
_MINUTES = 24 * 60
_OFFSET = re.compile(r"(sunrise|sunset)(?:([+-])(\d\d):(\d\d))?")


def _of_a_leap_year(value: str) -> str:
    month, day = map(int, value.split("-"))
    try:
        date(2000, month, day)
    except ValueError:
        raise ValueError("a day of the year as month-day, such as 05-31") from None
    return value


Moment = Annotated[
    str,
    StringConstraints(
        pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00|(sunrise|sunset)([+-](0\d|1[0-2]):[0-5]\d)?)$"
    ),
]
DayOfYear = Annotated[str, StringConstraints(pattern=r"^\d\d-\d\d$"), AfterValidator(_of_a_leap_year)]


class Window(Stanza):
    """Hours of some days. From 22:00 until 07:00 is a night, and belongs to the day on which it begins."""

    begin: Moment = "00:00"
    """Time of day in the community's time zone, HH:MM, or sunrise or sunset there, such as sunset-00:30."""
    end: Moment = "24:00"
    """From then on it is over; on the next day where it is before ``begin``, sunrise taken for 06:00."""
    days: Annotated[tuple[Id, ...], Field(min_length=1)] = WEEKDAYS
    """mon … sun, workday, day_off, and kinds of the calendars such as holiday, school_day; any will do."""
    first: date | DayOfYear | None = None
    """First day, as month-day of every year or with the year; always where not given."""
    last: date | DayOfYear | None = None
    """Last day, as ``first``; a month-day before ``first`` is one of the next year."""

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if self.begin == self.end:
            raise ValueError("an 'end' that is not its 'begin'; a whole day is from 00:00 until 24:00")
        if self.begin == "24:00":
            raise ValueError("a 'begin' before 24:00, which is 00:00 of the next day")
        if (self.first is None) != (self.last is None):
            raise ValueError("both 'first' and 'last', or neither")
        if isinstance(self.first, date) != isinstance(self.last, date):
            raise ValueError("'first' and 'last' both with the year, or both without")
        if isinstance(self.first, date) and isinstance(self.last, date) and self.first > self.last:
            raise ValueError("a 'last' that is not before 'first'")
        return self

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield days that no calendar knows; of a calendar that cannot be read, the community says so."""
        try:
            known = config.community.calendar.known
        except BadCalendar:
            return
        for i, kind in enumerate(self.days):
            if kind not in known:
                yield Problem(("days", i), repr(kind), f"one of {', '.join(known)}, or another calendar")

    @property
    def needs_position(self) -> bool:
        """Whether it begins or ends by the sun."""
        return not (self.begin[0].isdigit() and self.end[0].isdigit())

    def covers(self, local: datetime, almanac: Almanac) -> bool:
        """Say whether the window is open at the wall clock's ``local``."""
        now, today = local.hour * 60 + local.minute, local.date()
        for back in (0, 1, -1) if self.needs_position else (0, 1):
            day = today - back * _DAY
            begin, end = self._span(day, almanac)
            if begin <= now + back * _MINUTES < end and self._on(day, almanac):
                return True
        return False

    def _span(self, day: date, almanac: Almanac) -> tuple[int, int]:
        """Return begin and end of the window of ``day``, in minutes from its midnight."""
        begin = _minutes(self.begin, day, almanac)
        if _nominal(self.end) > _nominal(self.begin):
            return begin, _minutes(self.end, day, almanac)
        return begin, _minutes(self.end, day + _DAY, almanac) + _MINUTES

    def _on(self, day: date, almanac: Almanac) -> bool:
        if self.days != WEEKDAYS and almanac.calendar.kinds(day).isdisjoint(self.days):
            return False
        if self.first is None or self.last is None:
            return True
        if isinstance(self.first, date):
            return self.first <= day <= cast("date", self.last)
        of_year, last = f"{day:%m-%d}", str(self.last)
        if self.first <= last:
            return self.first <= of_year <= last
        return of_year >= self.first or of_year <= last


class Schedule(Stanza):
    """Times at which something applies."""

    windows: Annotated[tuple[Window, ...], Field(min_length=1)]
    """When it applies; any of them will do."""
    outside: bool = False
    """True turns it round: it applies whenever no window is open."""

    @property
    def needs_position(self) -> bool:
        """Whether it goes by the sun."""
        return any(window.needs_position for window in self.windows)

    def applies(self, at: datetime, almanac: Almanac) -> bool:
        """Say whether it applies at ``at``."""
        local = at.astimezone(almanac.zone)
        return any(window.covers(local, almanac) for window in self.windows) != self.outside

    def sunless(self, config: Config, sources: Iterable[str]) -> Iterator[Problem]:
        """Yield, where it goes by the sun, those cameras and sensors of which nobody knows where they are."""
        if not self.needs_position:
            return
        for source in sources:
            if config.has(source) and config.almanac(source).position is None:
                kind = "camera" if source in config.cameras else "sensor"
                allowed = f"longitude and latitude for point {config.point_of(source)}, or a time of day"
                yield Problem(("windows",), f"sunrise or sunset at {kind} {source}", allowed)


class Hours:
    """A schedule that is asked again and again: what it says holds for a minute of the clock."""

    def __init__(self, schedule: Schedule, almanac: Almanac) -> None:
        self._schedule, self._almanac = schedule, almanac
        self._minute, self._applies = -1, False

    def applies(self, at: datetime) -> bool:
        """Say whether the schedule applies at ``at``."""
        minute = int(at.timestamp()) // 60
        if minute != self._minute:
            self._applies = self._schedule.applies(at, self._almanac)
            self._minute = minute
        return self._applies


def _minutes(moment: str, day: date, almanac: Almanac) -> int:
    if moment[0].isdigit():
        return _nominal(moment)
    sun: Sun = "sunset" if moment.startswith("sunset") else "sunrise"
    return almanac.sun(sun, day) + _nominal(moment) - NOMINAL[sun]


def _nominal(moment: str) -> int:
    """Return the minutes from midnight, with sunrise at 06:00 and sunset at 18:00."""
    if moment[0].isdigit():
        hours, minutes = moment.split(":")
        return int(hours) * 60 + int(minutes)
    found = _OFFSET.fullmatch(moment)
    assert found is not None  # noqa: S101 - the pattern of the key says so
    sun, sign, hours, minutes = found.groups(default="0")
    offset = int(hours) * 60 + int(minutes)
    return NOMINAL[sun] + (-offset if sign == "-" else offset)
