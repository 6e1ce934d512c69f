"""Where a rider's head is, and the little square picture of it that the classifier looks at.

The proportions were measured on the 113 riders found in every second picture of the training set
(docs/models/helmet.md): the head is .20 of the person's box high (a tenth of them under .16, a tenth over
.27), its middle .42 of its own height below the top and .10 right of the middle of the box, with a spread of
about .25 either way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.helmets.squares import Square

CROP_PX = 96
HEADS_PER_CROP = 1.7  # side of the crop in heights of the head
LOW = 0.15  # the crop's middle below the head's, in heights of the head: shoulders tell a hood from a helmet
HEAD_HEIGHT = 0.2  # of the person's box
HEAD_CENTRE = 0.42  # below the top of the person's box, in heights of the head


@dataclass(frozen=True)
class Head:
    """A head in pixels of its picture: its middle, and its height ``size_px`` (above 0)."""

    x: float
    y: float
    size_px: float


def of_rider(xyxyn: tuple[float, float, float, float], width: int, height: int) -> Head:
    """Return where the head of a person with the box ``xyxyn`` is, in a picture of that size in pixels."""
    left, top, right, bottom = xyxyn
    size_px = max(HEAD_HEIGHT * (bottom - top) * height, 1.0)
    return Head((left + right) / 2 * width, top * height + HEAD_CENTRE * size_px, size_px)


def is_whole(head: Head, width: int, height: int) -> bool:
    """Say whether the head lies in the picture, but for a tenth of its height."""
    half = 0.4 * head.size_px
    return half <= head.x <= width - half and half <= head.y <= height - half


def pairs(first: Sequence[Head], second: Sequence[Head]) -> dict[int, int]:
    """Return which of ``second`` is which of ``first``, by indices of ``first``: nearest pairs first.

    Two whose middles are further apart than the larger one's height are not the same head.
    """
    near = sorted(
        (distance, i, j)
        for i, one in enumerate(first)
        for j, other in enumerate(second)
        if (distance := hypot(one.x - other.x, one.y - other.y) / max(one.size_px, other.size_px)) <= 1
    )
    found: dict[int, int] = {}
    for _, i, j in near:
        if i not in found and j not in found.values():
            found[i] = j
    return found


def crop(
    image_bgr: NDArray[np.uint8], head: Head, angle_deg: float = 0.0, mirrored: bool = False
) -> NDArray[np.uint8]:
    """Return the square around ``head``, (96, 96, 3) BGR, turned and mirrored.

    Beyond the picture its edges go on.
    """
    side = HEADS_PER_CROP * head.size_px
    return Square(head.x, head.y + LOW * head.size_px, side, angle_deg, mirrored).cut(image_bgr, CROP_PX)


def sharpness(square_bgr: NDArray[np.uint8]) -> float:
    """Return how sharp a crop is: the spread of its Laplacian in grey levels, 0 where nothing is to be seen.

    Measured at half the size, so that the enlarging of a small head does not pass for blur.
    """
    grey = cv2.cvtColor(square_bgr, cv2.COLOR_BGR2GRAY)
    half = cv2.resize(grey, (CROP_PX // 2, CROP_PX // 2), interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(half, cv2.CV_32F).std())
