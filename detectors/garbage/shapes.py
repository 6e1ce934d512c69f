"""Connected regions of a mask, and whether one is a thing: pure functions on pictures at work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.garbage.pictures import Mask, Memory

_GHOST = (
    1.25  # edges so much stronger in the ground than now: something was taken away, nothing was put there
)
_TEXTURE = 5.0  # levels of standard deviation from which a region has a pattern that can be recognised
_SAME_PATTERN = 0.8  # correlation from which the pattern of the ground shines through: light, or a shadow
_AROUND = 6  # pixels around a thing where the ground must be as it was
_LONGEST = 4.0  # of a thing's sides to the other: more is a caption in the picture, or a stripe of light
_SMALL, _CLOSE = np.ones((3, 3), np.uint8), np.ones((5, 5), np.uint8)

_Number = TypeVar("_Number", bound=np.number)


@dataclass(frozen=True)
class Region:
    """A connected region: box (x_min, y_min, x_max, y_max) in pixels at work, and its mask within the box."""

    box: tuple[int, int, int, int]
    mask: Mask

    @property
    def window(self) -> tuple[slice, slice]:
        """Return the slices that cut the box out of an (H, W) array."""
        x_min, y_min, x_max, y_max = self.box
        return slice(y_min, y_max), slice(x_min, x_max)

    def of(self, array: NDArray[_Number]) -> NDArray[_Number]:
        """Return the values (N,) or (N, 3) that ``array`` (H, W) or (H, W, 3) has in the region."""
        values: NDArray[_Number] = array[self.window][self.mask]
        return values

    def full(self, shape: tuple[int, int]) -> Mask:
        """Return the region as a mask of the whole picture (H, W)."""
        whole = np.zeros(shape, bool)
        whole[self.window] = self.mask
        return whole

    def touches(self, other: Region) -> bool:
        """Say whether the boxes overlap."""
        a, b = self.box, other.box
        return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def regions(mask: Mask, min_side: int, max_side: int) -> list[Region]:
    """Return the regions of ``mask`` (H, W) whose longer side is ``min_side`` to ``max_side`` pixels."""
    cleaned = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, _SMALL)
    cleaned = cv2.morphologyEx(cleaned, cv2.MORPH_CLOSE, _CLOSE)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(cleaned, connectivity=8)
    found: list[Region] = []
    for i in range(1, count):
        x, y, width, height, area = (int(v) for v in stats[i])
        longer, shorter = max(width, height), min(width, height)
        # A line is no thing: the edge of what has moved by a pixel.
        if not min_side <= longer <= max_side or shorter < 3 or area < min_side**2 / 2:
            continue
        found.append(Region((x, y, x + width, y + height), labels[y : y + height, x : x + width] == i))
    return found


def is_long(region: Region) -> bool:
    """Say whether ``region`` is no thing by its shape."""
    x_min, y_min, x_max, y_max = region.box
    width, height = x_max - x_min, y_max - y_min
    return max(width, height) > _LONGEST * min(width, height)


def overlap(a: Region, b: Region) -> float:
    """Return the intersection of the boxes over their union."""
    width = min(a.box[2], b.box[2]) - max(a.box[0], b.box[0])
    height = min(a.box[3], b.box[3]) - max(a.box[1], b.box[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(x.box[2] - x.box[0]) * (x.box[3] - x.box[1]) for x in (a, b)]
    return width * height / (sum(areas) - width * height)


def outline(picture: Memory, region: Region) -> float:
    """Return the mean strength of edges (levels per pixel) of ``picture`` along the border of ``region``."""
    whole = region.full(picture.shape[:2]).astype(np.uint8)
    ring = cv2.dilate(whole, _SMALL) > cv2.erode(whole, _SMALL)
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    dx, dy = (cv2.Sobel(grey, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1)))
    return float(np.hypot(dx, dy)[ring].mean())


def was_taken_away(look: Memory, ground: Memory, region: Region) -> bool:
    """Say whether the border of ``region`` is in the ``ground`` rather than in the ``look`` of now."""
    return outline(ground, region) > _GHOST * outline(look, region)


def stands_out(look: Memory, ground: Memory, region: Region) -> float:
    """Return by how many levels ``region`` differs from the ground more than what lies around it does.

    A thing leaves the ground around it as it was; a cloud does not, nor light that is not even.
    """
    y_min, x_min = (max(0, s.start - _AROUND) for s in region.window)
    rows, columns = slice(y_min, region.box[3] + _AROUND), slice(x_min, region.box[2] + _AROUND)
    changed = look[rows, columns] - ground[rows, columns]
    whole = region.full(look.shape[:2])[rows, columns].astype(np.uint8)
    near, far = (cv2.dilate(whole, _SMALL, iterations=n) > 0 for n in (2, _AROUND))
    inside = np.median(changed[whole > 0], axis=0)
    around = np.median(changed[far & ~near], axis=0) if (far & ~near).any() else 0.0
    return float(np.abs(inside - around).max())


def is_light(look: Memory, ground: Memory, region: Region) -> bool:
    """Say whether ``region`` shows the pattern of the ``ground``, only lighter or darker."""
    rows, columns = region.window
    now, before = (
        cv2.cvtColor(np.ascontiguousarray(p[rows, columns]), cv2.COLOR_BGR2GRAY)[region.mask]
        for p in (look, ground)
    )
    if now.std() < _TEXTURE or before.std() < _TEXTURE:
        return False
    return float(np.corrcoef(now, before)[0, 1]) > _SAME_PATTERN
