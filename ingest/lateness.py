"""For how long this process did not get its turns: what it missed then, it must not blame on a camera."""

from __future__ import annotations

import time
from collections.abc import Callable

_SLACK_S = 0.1
"""A turn that comes so much later than it was due is none that was missed."""


class Lateness:
    """Adds up by how much turns that were due came too late. One thread takes them; any may ask."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._due_s: float | None = None
        self._late_s = 0.0

    @property
    def late_s(self) -> float:
        """All the seconds missed until now, those of a turn that is due just now included."""
        return self._late_s + self._overdue_s()

    def turn(self, next_in_s: float) -> None:
        """Take a turn; the next one is due in ``next_in_s``."""
        self._late_s += self._overdue_s()
        self._due_s = self._monotonic() + next_in_s

    def _overdue_s(self) -> float:
        late_s = 0.0 if self._due_s is None else self._monotonic() - self._due_s
        return late_s if late_s > _SLACK_S else 0.0


OF_THIS_PROCESS = Lateness()
"""The worker takes its turns. In a process without one nothing is ever late."""
