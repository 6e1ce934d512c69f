"""How long to wait before the same thing is tried again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with full jitter: anything from 0 to the step, so that retries never march in step.

    The steps are ``base_s``, twice that, … up to ``cap_s``. ``random`` returns a number from 0 to 1. Source:
    "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 (full jitter did least work of its kinds).
    """

    base_s: float
    cap_s: float
    random: Callable[[], float]

    def delay_s(self, attempts: int) -> float:
        """Return the seconds to wait after ``attempts`` (1 or more) failed in a row."""
        exponent = min(attempts - 1, 63)  # a float holds it, whatever the base
        return self.random() * min(self.cap_s, self.base_s * 2.0**exponent)
