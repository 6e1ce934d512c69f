"""What a place looks like now, and what it usually looks like: two memories per pixel, on camera time.

The quick memory is the appearance that a pixel settles on, with the seconds for which it has held it; the
slow one is the ground. A thing that stands still is where the quick memory has settled on something else than
the ground. Both follow time and not frames, so that 2 and 10 pictures a second give the same.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.garbage.exposure import Change
from detectors.garbage.pictures import Mask, Memory, Picture, shown, strongest

SETTLE_S = 2.0  # a pixel that holds an appearance so long has settled on it
_STEADY = 18.0  # levels of 255 that a settled pixel may flicker by: noise and JPEG, after the blur
_LOOK_S, _GROUND_S = 2.0, 20.0  # time constants of the two memories
_KERNEL = np.ones((3, 3), np.uint8)


class Background:
    """The two memories of one camera's picture. ``contrast`` is what separates a thing from the ground."""

    def __init__(self, first: Picture, at_s: float, contrast: float) -> None:
        height, width = first.shape[:2]
        self._contrast = contrast
        self._at_s = at_s
        self.look: Memory = first.astype(np.float32)
        """(H, W, 3), what each pixel holds now."""
        self.still_s: NDArray[np.float32] = np.zeros((height, width), np.float32)
        """(H, W), seconds for which it has held it."""
        self.ground: Memory = first.astype(np.float32)
        """(H, W, 3), what it usually is; means nothing where not ``known``."""
        self.known: Mask = np.zeros((height, width), bool)
        """(H, W), whether there is a ground."""
        self.clear_s: NDArray[np.float64] = np.full((height, width), np.nan)
        """(H, W), when it was last seen to be the ground."""
        self._support_s = np.zeros((height, width), np.float32)
        self._low: Picture = first
        self._high: Picture = first

    def off_ground(self, picture: Picture) -> NDArray[np.uint8]:
        """Return (H, W): by how many levels ``picture`` leaves the range of the ground around each pixel.

        The range of 3 × 3 pixels forgives a mast that sways by one.
        """
        outside = cv2.max(cv2.subtract(picture, self._high), cv2.subtract(self._low, picture))
        return strongest(outside.astype(np.uint8, copy=False))

    def look_off_ground(self) -> NDArray[np.uint8]:
        """Return (H, W): by how many levels what each pixel holds leaves the range of the ground."""
        return self.off_ground(shown(self.look))

    def follow(self, change: Change) -> None:
        """Carry the memories over to another exposure."""
        self.look = np.clip(change.of(self.look), 0, 255)
        self.ground = change.of(self.ground)
        self._span()

    def pass_over(self, at_s: float) -> None:
        """Let the time until ``at_s`` count for nothing: in it, nobody saw whether anything stood still."""
        self._at_s = at_s

    def update(self, picture: Picture, held: Mask, at_s: float, *, learning: bool) -> None:
        """Take in ``picture``; pixels ``held``, where somebody stands, are as if there had been no picture.

        While ``learning``, the ground becomes what was seen for the longest.
        """
        elapsed = max(0.0, at_s - self._at_s)
        self._at_s = at_s
        free = ~held
        moved = free & (strongest(cv2.absdiff(picture, shown(self.look)).astype(np.uint8)) > _STEADY)
        kept = free & ~moved
        _blend(self.look, picture, kept, _share(elapsed, _LOOK_S))
        np.copyto(self.look, picture, where=moved[..., None])
        self.still_s[kept] += elapsed
        self.still_s[moved] = 0
        self._follow(kept, elapsed, learning=learning)
        self.clear_s[free & self.known & (self.off_ground(picture) <= self._contrast)] = at_s

    def _follow(self, kept: Mask, elapsed: float, *, learning: bool) -> None:
        settled = kept & (self.still_s >= SETTLE_S)
        near = settled & self.known & (self.look_off_ground() <= self._contrast)
        _blend(self.ground, self.look, near, _share(elapsed, _GROUND_S))
        self._support_s[near] += elapsed
        fresh = settled & ~self.known
        if learning:
            fresh |= settled & ~near & (self.still_s > self._support_s)
        self.adopt(fresh)

    def adopt(self, where: Mask) -> None:
        """Let what is seen ``where`` now be the ground."""
        cv2.copyTo(self.look, _bytes(where), self.ground)
        self.known |= where
        self._support_s[where] = self.still_s[where]
        self._span()

    def _span(self) -> None:
        """Work out the range of the ground."""
        ground = shown(self.ground)
        self._low = cv2.erode(ground, _KERNEL).astype(np.uint8, copy=False)
        self._high = cv2.dilate(ground, _KERNEL).astype(np.uint8, copy=False)

    def static(self) -> Mask:
        """Return (H, W): where something has settled that is not the ground."""
        return self.known & (self.still_s >= SETTLE_S) & (self.look_off_ground() > self._contrast)


def _share(elapsed_s: float, constant_s: float) -> float:
    """Return how much of a step is taken in ``elapsed_s`` by a memory of that time constant."""
    return -math.expm1(-elapsed_s / constant_s)


def _blend(memory: Memory, seen: Memory | Picture, where: Mask, share: float) -> None:
    """Move ``memory`` towards what is ``seen`` by ``share`` of the way, in place."""
    cv2.accumulateWeighted(seen, memory, share, _bytes(where))


def _bytes(mask: Mask) -> NDArray[np.uint8]:
    return mask.view(np.uint8)
