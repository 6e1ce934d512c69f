"""A thing that was left: what it looks like, and whether it is still there."""

from __future__ import annotations

import math

import numpy as np

from detectors.garbage.background import Background
from detectors.garbage.exposure import Change
from detectors.garbage.pictures import Mask, Memory, Picture
from detectors.garbage.shapes import Region, outline

_LIKE = 30.0  # levels within which a pixel still looks like the thing
_LOOK_S = 10.0  # time constant at which its look follows the light
_BACK_S = 1.0  # the ground seen in its place for so long: it was taken away
_OTHER_S = 10.0  # something else settled in its place for so long: the same
_PLACE_KNOWN = 0.9  # of a thing's pixels that must have been seen clear: the closed region has some others
_STILL_EDGED = 0.5  # of its border's strength that must be left after a change of light


class LeftThing:
    """Something that stands where there was ground, without its owner.

    ``since_s`` is when it came to rest; ``before_s`` is when its place was last seen clear, None where
    it never was; ``contrast`` is the median of levels by which it stands out.
    """

    def __init__(self, n: int, region: Region, since_s: float, background: Background, at_s: float) -> None:
        self.n, self.region, self.since_s = n, region, since_s
        clear = region.of(background.clear_s)
        seen = ~np.isnan(clear)
        self.before_s = float(clear[seen].min()) if seen.mean() >= _PLACE_KNOWN else None
        self.contrast = float(np.median(region.of(background.look_off_ground())))
        self._look: Memory = background.look[region.window].copy()
        self._edges = outline(background.look, region)
        self._at_s = self._seen_s = at_s

    def is_there(self, picture: Picture, held: Mask, background: Background, at_s: float) -> bool:
        """Say whether it still stands in ``picture``; where it is hidden, it does."""
        elapsed, self._at_s = at_s - self._at_s, at_s
        window = self.region.window
        now, free = picture[window], self.region.mask & ~held[window]
        if free.sum() < self.region.mask.sum() / 2:
            return True
        like = free & (np.abs(now - np.clip(self._look, 0, 255)).max(axis=2) <= _LIKE)
        if like.sum() >= free.sum() / 2:
            share = -math.expm1(-elapsed / _LOOK_S)
            self._look[like] += share * (now[like] - self._look[like])
            return True
        settled_s = float(np.median(background.still_s[window][free]))
        off = float(np.median(background.off_ground(picture)[window][free]))
        return settled_s < (_BACK_S if off <= _LIKE else _OTHER_S)

    def follow(self, change: Change) -> None:
        """Carry its look over to another exposure."""
        self._look = change.of(self._look)

    def recognise(self, background: Background) -> bool:
        """Say whether it is still there in a new light, and take its look anew."""
        edged = outline(background.look, self.region) >= _STILL_EDGED * self._edges
        self._look = background.look[self.region.window].copy()
        return edged
