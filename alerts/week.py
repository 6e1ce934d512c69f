"""What holds when on a day, asked minute by minute, as pictures are judged. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY_MINUTES = 24 * 60


def runs(of: Callable[[datetime], str], day: date, zone: ZoneInfo) -> list[tuple[str, int, int]]:
    """Return what something is in which minutes of a day on the clock on the wall: (what, begin, end).

    Minutes are 0-1440; "" is left out. Of an hour that comes twice it is the first.
    """
    found: list[tuple[str, int, int]] = []
    midnight = datetime.combine(day, time(), tzinfo=zone)
    for minute in range(DAY_MINUTES):
        what = of(midnight + timedelta(minutes=minute))  # of one zone: arithmetic is that of the wall
        if found and found[-1][0] == what and found[-1][2] == minute:
            found[-1] = (what, found[-1][1], minute + 1)
        elif what:
            found.append((what, minute, minute + 1))
    return found
