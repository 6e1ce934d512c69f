"""When a picture was taken: host time, spaced as the camera spaced it, never going back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

from lianfang.clock import Clock

MIN_STEP = timedelta(milliseconds=1)
"""Least distance of two pictures: still different where a reader keeps milliseconds."""
MAX_LATE_S = 2.0
"""A picture this much later than its time stamp says has a wrong time stamp: beyond it the stamps are laid on
the host's clock anew. As long as the default read time-out, so that a stall that is no loss is below it."""
WINDOW_S = 5.0
"""The quickest picture of the last one or two windows counts as not delayed at all."""
SLEW = 0.05
"""How much slower than real time captured_at passes while it waits for a host clock that was set back."""


class Timing(Protocol):
    """Says when the pictures of one connection were taken, as far as it knows."""

    def taken_at(self, pts_s: float | None) -> datetime:
        """Return the time of the picture that has just come; ``pts_s`` is its time stamp in seconds."""
        ...

    def now(self) -> datetime:
        """Return the present on the same clock."""
        ...


class HostTime:
    """The host's wall clock that never goes back and never stands still.

    A clock that is set forward is followed at once. One that is set back is not: time passes a little slower
    until the clock has caught up, because a camera whose time stood still would be blind.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen_s = clock.monotonic()
        self._offset_s = clock.now().timestamp() - self._seen_s

    def monotonic(self) -> float:
        """Return the present in seconds of the monotonic clock."""
        return self._clock.monotonic()

    def now(self) -> datetime:
        """Return the present."""
        return self.at(self._clock.monotonic())

    def at(self, monotonic_s: float) -> datetime:
        """Return the wall time of a moment of the monotonic clock."""
        now_s = self._clock.monotonic()
        offset_s = self._clock.now().timestamp() - now_s
        slewed_s = self._offset_s - SLEW * (now_s - self._seen_s)
        self._offset_s, self._seen_s = max(offset_s, slewed_s), now_s
        return datetime.fromtimestamp(self._offset_s + monotonic_s, UTC)


class ArrivalTiming:
    """For pictures that come as they are taken.

    A picture is taken at its time stamp plus a constant; the least (arrival − time stamp) of the last
    seconds is that constant. Jitter then leaves the spacing alone, while a camera whose clock runs slower
    or faster than the host's is off by no more than it drifts within two windows.
    """

    def __init__(self, host: HostTime) -> None:
        self._host = host
        self._window_end_s = 0.0
        self._floors: tuple[float, float] | None = None  # least of the window before, and of this one

    def taken_at(self, pts_s: float | None) -> datetime:
        """Return it; the arrival itself without a time stamp. Never later than the arrival."""
        arrival_s = self._host.monotonic()
        taken_s = arrival_s if pts_s is None else pts_s + self._least_transit(arrival_s, pts_s)
        return self._host.at(taken_s)

    def now(self) -> datetime:
        """Return the host's time."""
        return self._host.now()

    def _least_transit(self, arrival_s: float, pts_s: float) -> float:
        transit_s = arrival_s - pts_s
        if self._floors is None or transit_s - min(self._floors) > MAX_LATE_S:
            self._floors = (transit_s, transit_s)
            self._window_end_s = arrival_s + WINDOW_S
        elif arrival_s >= self._window_end_s:
            self._floors = (self._floors[1], transit_s)
            self._window_end_s = arrival_s + WINDOW_S
        else:
            self._floors = (self._floors[0], min(self._floors[1], transit_s))
        return min(self._floors)


class StreamTiming:
    """For pictures that come faster than they were taken: the time stamps alone say when."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._first_s: float | None = None
        self._last = start

    def taken_at(self, pts_s: float | None) -> datetime:
        """Return the start plus the time in the stream; without a time stamp, that of the picture before."""
        if pts_s is not None:
            self._first_s = pts_s if self._first_s is None else self._first_s
            self._last = self._start + timedelta(seconds=pts_s - self._first_s)
        return self._last

    def now(self) -> datetime:
        """Return the time of the last picture: the stream is its own clock."""
        return self._last


class CaptureTimes:
    """The times of one camera over all its connections: strictly increasing.

    ``after`` is the last one that was published before, by another process perhaps.
    """

    def __init__(self, after: datetime | None = None) -> None:
        self._last = after

    @property
    def last(self) -> datetime | None:
        """The time given last."""
        return self._last

    def next(self, wanted: datetime) -> datetime:
        """Return ``wanted``, or the first moment after the last one where that is later."""
        if self._last is not None:
            wanted = max(wanted, self._last + MIN_STEP)
        self._last = wanted
        return wanted
