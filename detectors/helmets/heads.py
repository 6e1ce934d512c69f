"""Where a rider's head is, and the little square picture of it that the classifier looks at.

The proportions were measured on the 113 riders found in every second picture of the training set
(docs/models/helmet.md): the head is .20 of the person's box high (a tenth of them under .16, a tenth over
.27), its middle .42 of its own height below the top and .10 right of the middle of the box, with a spread of
about .25 either way.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

CROP_PX = 64
HEADS_PER_CROP = 2.2  # side of the crop in heights of the head
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
    """Say whether the whole head lies in the picture."""
    half = head.size_px / 2
    across = half <= head.x <= width - half
    # The box of a rider cut off by the upper edge begins at that edge: the head's middle is no sign of it.
    return across and 1 + HEAD_CENTRE * head.size_px <= head.y <= height - half


def views(head: Head) -> tuple[Head, ...]:
    """Return five places for one head, to be averaged: worked out from a body, it lies about a fifth off."""
    step = 0.2 * head.size_px
    return (
        head,
        Head(head.x - step, head.y, head.size_px),
        Head(head.x + step, head.y, head.size_px),
        Head(head.x, head.y, head.size_px * 1.2),
        Head(head.x, head.y + step / 2, head.size_px / 1.2),
    )


def crop(
    image_bgr: NDArray[np.uint8], head: Head, angle_deg: float = 0.0, mirrored: bool = False
) -> NDArray[np.uint8]:
    """Return the square around ``head``, (64, 64, 3) BGR, turned and mirrored.

    Beyond the picture its edges go on.
    """
    scale = CROP_PX / (HEADS_PER_CROP * head.size_px)
    # Only what the square needs, and shrunk by areas first: bilinear alone would skip pixels of large heads.
    reach = int(HEADS_PER_CROP * head.size_px) + 2
    cx, cy = head.x, head.y + LOW * head.size_px
    left, top = max(int(cx) - reach, 0), max(int(cy) - reach, 0)
    part = image_bgr[top : int(cy) + reach + 1, left : int(cx) + reach + 1]
    if not part.size:
        return np.zeros((CROP_PX, CROP_PX, 3), np.uint8)
    cx, cy = cx - left, cy - top
    if scale < 0.5:
        whole = (max(round(part.shape[1] * scale), 1), max(round(part.shape[0] * scale), 1))
        shrunk = cv2.resize(np.ascontiguousarray(part), whole, interpolation=cv2.INTER_AREA)
        cx, cy, scale = cx * whole[0] / part.shape[1], cy * whole[1] / part.shape[0], 1.0
        part = np.asarray(shrunk, np.uint8)
    turn = np.asarray(cv2.getRotationMatrix2D((cx, cy), angle_deg, scale), np.float64)
    turn[0, 2] += CROP_PX / 2 - cx
    turn[1, 2] += CROP_PX / 2 - cy
    if mirrored:
        turn[0] = -turn[0]
        turn[0, 2] += CROP_PX - 1
    square = cv2.warpAffine(
        np.ascontiguousarray(part), turn, (CROP_PX, CROP_PX), borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(square, np.uint8)


def sharpness(square_bgr: NDArray[np.uint8]) -> float:
    """Return how sharp a crop is: the spread of its Laplacian in grey levels, 0 where nothing is to be seen.

    Measured at half the size, so that the enlarging of a small head does not pass for blur.
    """
    grey = cv2.cvtColor(square_bgr, cv2.COLOR_BGR2GRAY)
    half = cv2.resize(grey, (CROP_PX // 2, CROP_PX // 2), interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(half, cv2.CV_32F).std())
