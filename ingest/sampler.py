"""Which pictures of a stream are published: ``fps`` a second, evenly, on captured time."""

from __future__ import annotations

from datetime import datetime

SMOOTHING = 1 / 8
"""Weight of a new interval in the estimate of the source's own."""
GAP_PERIODS = 10
"""After this many periods without a picture the schedule starts anew."""


class Sampler:
    """Takes the picture nearest to each due time, and every picture of a source that gives fewer.

    Due times are one period apart and a picture may be early by half the source's interval. A picture that
    is late moves the due times only when it is later than half a period, so that two equal rates never beat
    against each other: 10 of 10 are taken although each comes a little early or late.
    """

    def __init__(self, fps: float) -> None:
        self._period_s = 1 / fps
        self._interval_s = 0.0
        self._due_s = 0.0
        self._last: datetime | None = None

    def aim(self, fps: float) -> None:
        """Take so many a second from now on; the time that has passed since the last one counts."""
        period_s = 1 / fps
        self._due_s += period_s - self._period_s
        self._period_s = period_s

    def takes(self, captured_at: datetime) -> bool:
        """Return whether the picture is to be published. Times must not decrease."""
        elapsed_s = 0.0 if self._last is None else (captured_at - self._last).total_seconds()
        if self._last is None or elapsed_s > GAP_PERIODS * self._period_s:
            self._last, self._due_s, self._interval_s = captured_at, self._period_s, 0.0
            return True
        self._last = captured_at
        self._due_s -= elapsed_s  # from now on: seconds until the next due time, negative when it is past
        self._interval_s += (elapsed_s - self._interval_s) * (SMOOTHING if self._interval_s else 1)
        if self._due_s > min(self._interval_s, self._period_s) / 2:
            return False
        self._due_s = max(self._due_s + self._period_s, 0.0)
        return True
