"""What the pictures of one person's track add up to: still, alone, of a child's size."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from detectors.river.people import Person

KEPT_S = 5.0  # of the way that somebody took
MOVED = 0.3  # of the longer side of the box: boxes of somebody who keeps still jump about by less
UPRIGHT = 0.6  # width by height: whoever is wider sits, bends down, or is half hidden
HEIGHTS = 60  # the latest ones of a track
MIN_HEIGHTS = 5
QUANTILE = 0.8  # of the heights: people bend down, and are hidden below, more often than boxes are too high
CHILD_SPREAD = 0.15  # of a grown-up's height: so far from the bound a size is sure


class Sighting(NamedTuple):
    """A person in a picture at ``at_s``, and how likely they were in the water, 0-1."""

    at_s: float
    person: Person
    wet: float


@dataclass
class Life:
    """One track. ``first_s`` is when it was seen first, ``way`` its sightings of the last `KEPT_S`.

    ``company_s`` is when somebody was last near, ``spot`` the place that it has not left since ``spot_s``.
    """

    first_s: float
    company_s: float
    spot_s: float
    spot: tuple[float, float] = (math.inf, math.inf)
    way: deque[Sighting] = field(default_factory=deque)
    heights: deque[float] = field(default_factory=lambda: deque(maxlen=HEIGHTS))

    @property
    def last(self) -> Sighting:
        """The latest sighting; there is always one after the first `see`."""
        return self.way[-1]

    def see(self, sighting: Sighting, *, company: bool) -> None:
        """Add a sighting; ``company`` where somebody else is near."""
        at_s, person, wet = sighting
        self.way.append(sighting)
        while at_s - self.way[0].at_s > KEPT_S:
            self.way.popleft()
        if company:
            self.company_s = at_s
        moved = math.dist(person.middle, self.spot) > MOVED * max(person.width, person.height)
        if moved or wet < 0.5:
            self.spot, self.spot_s = person.middle, at_s
        whole = wet < 0.5 and not person.at_edge and person.width <= UPRIGHT * person.height
        if person.adult is not None and whole:
            self.heights.append(person.height / person.adult)

    def begin_again(self, at_s: float) -> None:
        """Count no time before ``at_s``: there were no pictures."""
        self.company_s = self.spot_s = at_s
        self.way.clear()

    def still(self, still_s: float) -> float:
        """Return how surely it is still in the water, 0-1: half after ``still_s``, one after twice that."""
        return min(1.0, (self.last.at_s - self.spot_s) / (2 * still_s))

    def alone(self, alone_s: float) -> float:
        """Return how surely it is alone, 0-1: half after ``alone_s``, one after twice that."""
        return min(1.0, (self.last.at_s - self.company_s) / (2 * alone_s))

    def child(self, below: float) -> float | None:
        """Return how surely it is smaller than ``below`` of a grown-up, 0-1; None where that is unknown."""
        if len(self.heights) < MIN_HEIGHTS:
            return None
        size = float(np.quantile(self.heights, QUANTILE))
        return min(max(0.5 + 0.5 * (below - size) / CHILD_SPREAD, 0.0), 1.0)
