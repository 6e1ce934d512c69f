"""Who is in one picture, and where.

Lengths and positions are in heights of the picture, from the top left, in both directions: 0.1 across is as
far as 0.1 down. A box is (x_min, y_min, x_max, y_max).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Box = tuple[float, float, float, float]

EDGE = 0.01  # of the picture's height: a box that ends this near to an edge is cut off there


@dataclass(frozen=True)
class Person:
    """Somebody in one picture; ``track_id`` is None while unconfirmed.

    ``adult`` is the height of a grown-up at this place, None where the camera is not calibrated. ``aspect``
    is the width of the picture in its heights. ``confidence``, 0-1, is the object model's.
    """

    track_id: str | None
    box: Box
    adult: float | None
    aspect: float
    confidence: float

    @property
    def foot(self) -> tuple[float, float]:
        """Where they stand, or where the water begins to hide them."""
        return (self.box[0] + self.box[2]) / 2, self.box[3]

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of the box."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2

    @property
    def width(self) -> float:
        """Of the box."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        """Of the box: what is to be seen of them."""
        return self.box[3] - self.box[1]

    @property
    def body(self) -> float:
        """How high they would be upright: a grown-up's height, else a guess that holds for shoulders too."""
        return self.adult or max(self.height, 2 * self.width, 1e-6)

    @property
    def at_edge(self) -> bool:
        """True where an edge of the picture cuts the box off."""
        left, top, right, bottom = self.box
        return min(left, top, self.aspect - right, 1 - bottom) < EDGE

    def distance(self, other: Person) -> float:
        """Return how far apart they stand on the picture; one behind the other is farther than it looks."""
        return math.dist(self.foot, other.foot)


def covered(box: Box, by: Box) -> float:
    """Return the share of ``box``, 0-1, that lies within ``by``."""
    across = min(box[2], by[2]) - max(box[0], by[0])
    down = min(box[3], by[3]) - max(box[1], by[1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    return max(across, 0.0) * max(down, 0.0) / area if area > 0 else 0.0
