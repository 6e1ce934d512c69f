"""How high a grown-up would be anywhere on a picture, from two upright heights drawn on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lianfang.config import ReferenceHeight

ADULT_M = 1.7


@dataclass(frozen=True)
class Scale:
    """A metre upright on the ground takes up ``at + slope * (y - y0)`` of the picture's height at a foot's y.

    That is exact for a level camera over level ground (upright heights grow in proportion to the distance
    below the horizon, where they are nothing), and good for one that looks down a little.
    """

    y0: float
    at: float
    slope: float

    @classmethod
    def of(cls, references: Sequence[ReferenceHeight]) -> Scale | None:
        """Return the scale through two heights at different y, None where none are drawn."""
        if not references:
            return None
        first, second = references
        slope = (second.per_metre - first.per_metre) / (second.foot[1] - first.foot[1])
        return cls(first.foot[1], first.per_metre, slope)

    def adult(self, foot_y: float) -> float | None:
        """Return the height of a grown-up who stands at ``foot_y``, both 0-1 of the picture's height.

        None at the horizon and above it, where nobody can stand.
        """
        per_metre = self.at + self.slope * (foot_y - self.y0)
        return ADULT_M * per_metre if per_metre > 0 else None
