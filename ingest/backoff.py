"""How long to wait before the next attempt."""

from __future__ import annotations

import random

FIRST_S = 0.5
CAP_S = 4.0
"""A camera that is back is read again within 10 s, a connection and its first key frame included."""


class Backoff:
    """Capped exponential backoff with full jitter: between 0 and FIRST_S · 2ⁿ, at most CAP_S.

    Full jitter (AWS Architecture Blog, "Exponential Backoff and Jitter") keeps the cameras behind one switch
    from all coming back at the same moment.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._ceiling_s = FIRST_S

    def next_s(self) -> float:
        """Return the wait before the next attempt, in seconds."""
        wait_s = self._rng.uniform(0, self._ceiling_s)
        self._ceiling_s = min(CAP_S, self._ceiling_s * 2)
        return wait_s

    def reset(self) -> None:
        """Begin anew after a success."""
        self._ceiling_s = FIRST_S
