"""A circuit breaker: an endpoint that is down is asked now and then, not by everything that is owed to it."""

from __future__ import annotations

from alerts.delivery.backoff import Backoff


class Breaker:
    """Opens after ``threshold`` transient failures in a row; then one probe at a time, ever more rarely.

    Times are seconds of one monotonic clock. Not thread-safe: one event loop owns it.
    """

    def __init__(self, threshold: int, backoff: Backoff) -> None:
        self._threshold, self._backoff = threshold, backoff
        self._failures = 0
        self._open_until_s = 0.0
        self._held_until_s = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the endpoint counts as down."""
        return self._failures >= self._threshold

    def permits(self, now_s: float, limit: int) -> int:
        """Return how many attempts may be under way now: ``limit``, one probe, or none."""
        if now_s < max(self._open_until_s, self._held_until_s):
            return 0
        return min(limit, 1) if self.is_open else limit

    def failed(self, now_s: float) -> None:
        """Take note of a transient failure."""
        if self.is_open and now_s < self._open_until_s:
            return  # began before the breaker opened: it says nothing new
        self._failures += 1
        if self.is_open:
            step = self._failures - self._threshold + 1
            self._open_until_s = now_s + self._backoff.delay_s(step)

    def succeeded(self) -> bool:
        """Take note that the endpoint answered; return whether that closed the breaker."""
        was_open = self.is_open
        self._failures, self._open_until_s = 0, 0.0
        return was_open

    def hold(self, until_s: float) -> None:
        """Permit nothing before ``until_s``: the endpoint asked for it (HTTP Retry-After)."""
        self._held_until_s = max(self._held_until_s, until_s)
