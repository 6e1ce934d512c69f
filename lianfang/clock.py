"""Time, injected. Wall time is aware UTC; intervals are measured on the monotonic clock only."""

from __future__ import annotations

import time
from datetime import UTC, datetime, tzinfo
from typing import Protocol


class Clock(Protocol):
    """What services ask for the time."""

    def now(self) -> datetime:
        """Return the current time, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never steps; only differences mean anything."""
        ...


class SystemClock:
    """The host's clocks."""

    def now(self) -> datetime:
        """Return the current time, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return ``time.monotonic()``."""
        return time.monotonic()


class ManualClock:
    """A clock that moves only when told: for tests and replays."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)
        self._monotonic = 0.0

    def now(self) -> datetime:
        """Return the time set last."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds advanced since construction."""
        return self._monotonic

    def advance_to(self, moment: datetime) -> None:
        """Move to ``moment``, which must not lie in the past of this clock."""
        step = (moment - self._now).total_seconds()
        if step < 0:
            raise ValueError(f"clock would go back by {-step} s")
        self._now = moment.astimezone(UTC)
        self._monotonic += step


def read_time(text: str, zone: tzinfo) -> datetime:
    """Return the ISO 8601 time ``text``, in ``zone`` where it has no offset. Raises ValueError."""
    time_read = datetime.fromisoformat(text)
    return time_read if time_read.tzinfo else time_read.replace(tzinfo=zone)
