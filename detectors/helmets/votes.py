"""What the looks at one rider add up to: worn, bare, or unknown."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

State = Literal["worn", "bare", "unknown"]
_FULL_WEIGHT_PX = 40.0  # heads of that height and more say all that the 64 px crop can hold
_KEPT = 40  # the latest votes: what was long ago may have been another rider under the same number


@dataclass(frozen=True)
class Thresholds:
    """Of the probability that a head is bare, 0-1: ``bare`` from there on, ``worn`` up to there."""

    bare_from: float
    worn_to: float

    def __post_init__(self) -> None:
        if not 0 < self.worn_to < self.bare_from < 1:
            raise ValueError(f"want 0 < worn_to < bare_from < 1, got {self.worn_to} and {self.bare_from}")


@dataclass(frozen=True)
class Verdict:
    """What a rider wears, and the probability of it, 0-1; for ``unknown`` that of the likelier state."""

    state: State
    confidence: float


UNSEEN = Verdict("unknown", 0.5)


def verdict(bare: float, thresholds: Thresholds) -> Verdict:
    """Return what a probability of being bare, 0-1, comes to."""
    if bare >= thresholds.bare_from:
        return Verdict("bare", bare)
    if bare <= thresholds.worn_to:
        return Verdict("worn", 1 - bare)
    return Verdict("unknown", max(bare, 1 - bare))


@dataclass
class Votes:
    """The looks at one track, the latest 40, each with its weight."""

    _cast: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def cast(self, bare: float, head_px: float) -> None:
        """Add a look at a head ``head_px`` high that is bare with a probability of ``bare``, 0-1."""
        self._cast.append((bare, min(head_px, _FULL_WEIGHT_PX)))

    def verdict(self, thresholds: Thresholds, min_votes: int) -> Verdict:
        """Return what the votes come to: their mean by weight; unknown while they are fewer than that.

        Pictures of one pass resemble each other, so more votes do not make the probability more extreme.
        """
        if not self._cast:
            return UNSEEN
        weight = sum(w for _, w in self._cast)
        mean = verdict(sum(bare * w for bare, w in self._cast) / weight, thresholds)
        return mean if len(self._cast) >= min_votes else Verdict("unknown", mean.confidence)
