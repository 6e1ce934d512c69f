"""How well numbers stay with their objects, whatever tracker gives them.

Switches and fragments are those of CLEAR MOT (Bernardin and Stiefelhagen 2008), IDF1 is that of Ristani et
al. 2016 (arXiv 1609.01775). Trackers are given the boxes and give numbers to them, so that whose a box is
needs no matching. What the model did not find is left out: no tracker can do anything about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import lap
import numpy as np

from detectors.engines.base import Detections
from detectors.evaluation.scenes import Seen

Follow = Callable[[Detections, float], Mapping[int, int]]
"""A tracker at work: (boxes, seconds) → the number of each box, by its index; none for those without."""


@dataclass
class Tally:
    """What became of the numbers over any count of scenes.

    ``switches``: an object's number is another than it was; ``fragments``: an object that had a number is
    found and has none, once for each such stretch; ``right`` of ``named`` boxes and of ``owned`` ones go with
    the one pairing of objects and numbers that suits most.
    """

    switches: int = 0
    fragments: int = 0
    right: int = 0
    named: int = 0
    owned: int = 0

    @property
    def idf1(self) -> float:
        """Return the share of boxes under the right name, 0-1; ValueError where there are none."""
        if not self.named + self.owned:
            raise ValueError("nothing was seen")
        return 2 * self.right / (self.named + self.owned)

    def add(self, scene: Iterable[Seen], follow: Follow) -> None:
        """Count one scene in, with a tracker that knows nothing yet."""
        one = _Scene(follow)
        for seen in scene:
            one.look(seen)
        self.switches += one.switches
        self.fragments += one.fragments
        self.right += one.right()
        self.named += one.named
        self.owned += one.owned


@dataclass
class _Scene:
    follow: Follow
    switches: int = 0
    fragments: int = 0
    named: int = 0
    owned: int = 0
    number: dict[int, int] = field(default_factory=dict)  # the last of each object
    nameless: set[int] = field(default_factory=set)  # objects that had one, and were found without it
    together: Counter[tuple[int, int]] = field(default_factory=Counter)

    def look(self, seen: Seen) -> None:
        numbers = self.follow(seen.found, seen.at_s)
        self.named += len(numbers)
        for index, owner in enumerate(seen.owner.tolist()):
            if owner < 0:
                continue
            self.owned += 1
            number = numbers.get(index)
            if number is not None:
                self.switches += self.number.get(owner, number) != number
                self.number[owner] = number
                self.nameless.discard(owner)
                self.together[owner, number] += 1
            elif owner in self.number and owner not in self.nameless:
                self.fragments += 1
                self.nameless.add(owner)

    def right(self) -> int:
        """Return how many boxes agree under the best one-to-one pairing of objects and numbers."""
        if not self.together:
            return 0
        owners = sorted({owner for owner, _ in self.together})
        numbers = sorted({number for _, number in self.together})
        count = np.zeros((len(owners), len(numbers)))
        for (owner, number), times in self.together.items():
            count[owners.index(owner), numbers.index(number)] = times
        _, columns, _ = lap.lapjv(-count, extend_cost=True)
        return int(sum(count[row, column] for row, column in enumerate(columns) if column >= 0))
