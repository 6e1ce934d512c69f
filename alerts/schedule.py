"""When a rule applies: weekly windows in the community's own time, some days of the year. Pure.

A window is what the clock on the wall says. Where daylight saving time skips an hour, a window in that hour
does not come; where it repeats one, the window comes twice.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from lianfang.config import Stanza

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)


def _of_a_leap_year(value: str) -> str:
    month, day = map(int, value.split("-"))
    try:
        date(2000, month, day)
    except ValueError:
        raise ValueError("a day of the year as month-day, such as 05-31") from None
    return value


Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]
DayOfYear = Annotated[str, StringConstraints(pattern=r"^\d\d-\d\d$"), AfterValidator(_of_a_leap_year)]


class Window(Stanza):
    """Hours of some days. From 22:00 until 07:00 is a night, and belongs to the day on which it begins."""

    begin: Clock = "00:00"
    """Time of day in the community's time zone, HH:MM."""
    end: Clock = "24:00"
    """Time of day from which on it is over; on the next day where it is before ``begin``."""
    days: Annotated[tuple[Day, ...], Field(min_length=1)] = DAYS
    """Days of the week."""
    first: DayOfYear | None = None
    """First day of the year, month-day; all year where not given."""
    last: DayOfYear | None = None
    """Last day of the year, month-day; before ``first`` it is one of the next year."""

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if self.begin == self.end:
            raise ValueError("an 'end' that is not its 'begin'; a whole day is from 00:00 until 24:00")
        if self.begin == "24:00":
            raise ValueError("a 'begin' before 24:00, which is 00:00 of the next day")
        if (self.first is None) != (self.last is None):
            raise ValueError("both 'first' and 'last', or neither")
        return self

    def covers(self, local: datetime) -> bool:
        """Say whether the window is open at the wall clock's ``local``."""
        begin, end, now = _minutes(self.begin), _minutes(self.end), local.hour * 60 + local.minute
        today = local.date()
        if begin < end:
            return begin <= now < end and self._on(today)
        return (now >= begin and self._on(today)) or (now < end and self._on(today - _DAY))

    def _on(self, day: date) -> bool:
        if DAYS[day.weekday()] not in self.days:
            return False
        if self.first is None or self.last is None:
            return True
        of_year = f"{day:%m-%d}"
        if self.first <= self.last:
            return self.first <= of_year <= self.last
        return of_year >= self.first or of_year <= self.last


class Schedule(Stanza):
    """Times at which something applies."""

    windows: Annotated[tuple[Window, ...], Field(min_length=1)]
    """When it applies; any of them will do."""
    outside: bool = False
    """True turns it round: it applies whenever no window is open."""

    def applies(self, at: datetime, zone: ZoneInfo) -> bool:
        """Say whether it applies at ``at``, in the community's time zone."""
        local = at.astimezone(zone)
        return any(window.covers(local) for window in self.windows) != self.outside


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
