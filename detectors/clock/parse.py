"""Dates and times as cameras burn them in, from text in which signs and spaces may have been lost."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from typing import Literal

Order = Literal["auto", "mdy", "dmy"]
"""How a date that ends with its year begins; ``auto``: as is nearer to the host's date."""

_DATE = r"(?P<a>\d{1,4})[-/.年](?P<b>\d{1,2})[-/.月](?P<c>20\d{2}|\d{1,2})"
# A space is also read as a point, a dash, a colon or a nought.
_BETWEEN = r"(?P<between>日?[ :.\-]*(?:(?:星期|周)[一二三四五六日天])?[ :.\-]*0?)"
_HALF = r"(?P<half>[AP]M|上午|下午)?"
_CLOCK = r"(?P<h>\d{1,2})[:.]?(?P<m>\d{2})[:.]?(?P<s>\d{2})"
_END = r"(?P<after>AM|PM)?[ .\-]*(?:星期[一二三四五六日天])?[ .\-]*$"
_WHOLE = re.compile(rf"{_DATE}{_BETWEEN}{_HALF}\s*{_CLOCK}\s*{_END}")
_FIRST_YEAR, _LAST_YEAR = 2000, 2099


def parse(text: str, near: datetime, order: Order = "auto") -> datetime | None:
    """Return the time that ``text`` says, in the time zone of ``near``; None where it says none.

    ``near`` is the host's time; it decides nothing but an order that is not given.
    """
    found = _WHOLE.search(text)
    if found is None or _is_ambiguous(found):
        return None
    hour, half = int(found["h"]), found["half"] or found["after"]
    if half is not None and not 1 <= hour <= 12:
        return None
    if half is not None:
        hour = hour % 12 + (12 if half in ("PM", "下午") else 0)
    clock = (hour, int(found["m"]), int(found["s"]))
    dates = _dates(int(found["a"]), int(found["b"]), int(found["c"]), order)
    times = [time for date in dates if (time := _time(date, clock, near.tzinfo)) is not None]
    return min(times, key=lambda time: abs(time - near), default=None)


def _is_ambiguous(found: re.Match[str]) -> bool:
    """Say whether day and hour run together: "-118:00:05" may be the 11th at 8 or the 1st at 18."""
    run_together = not found["between"] and not found["half"]
    return run_together and len(found["c"]) < 4 and len(found["c"] + found["h"]) == 3


def _dates(a: int, b: int, c: int, order: Order) -> list[tuple[int, int, int]]:
    """Return the (year, month, day) that three numbers may be."""
    if a >= _FIRST_YEAR:
        return [(a, b, c)]
    if c < _FIRST_YEAR:
        return []  # two digits of a year: nobody can tell them from a day
    both = {"mdy": (c, a, b), "dmy": (c, b, a)}
    return [both[order]] if order != "auto" else list(both.values())


def _time(date: tuple[int, int, int], clock: tuple[int, int, int], zone: tzinfo | None) -> datetime | None:
    try:
        return datetime(*date, *clock, tzinfo=zone) if date[0] <= _LAST_YEAR else None
    except ValueError:
        return None
