"""A plate cut out of a picture and laid flat, one row of characters at a time."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

ROW_PX = (264, 96)  # width and height of one row laid flat: twice what the larger recogniser wants
WIDEN = 0.04  # the corners found lie on the frame; a little more keeps the first and the last stroke
# Of a plate of two rows (GA 36-2018, 440 × 220 mm): the upper one ends at 75 mm, the lower begins at 90.
_UPPER_ENDS, _LOWER_BEGINS = 0.39, 0.37


def clockwise(corners: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return corners (4, 2) in any order as top left, top right, bottom right, bottom left of a plate.

    The top left is the corner that is nearest to the picture's: right for plates turned by less than 45°.
    """
    middle = corners.mean(axis=0)
    angle = np.arctan2(corners[:, 1] - middle[1], corners[:, 0] - middle[0])
    ring = corners[np.argsort(angle)]
    return np.roll(ring, -int(ring.sum(axis=1).argmin()), axis=0).astype(np.float32)


def sides(corners: NDArray[np.float32]) -> tuple[float, float]:
    """Return the mean lengths of the horizontal and of the vertical sides of corners (4, 2), in pixels."""
    across = np.linalg.norm(corners[[1, 2]] - corners[[0, 3]], axis=1).mean()
    down = np.linalg.norm(corners[[3, 2]] - corners[[0, 1]], axis=1).mean()
    return float(across), float(down)


def flatten(image_bgr: Image, corners: NDArray[np.float32], rows: int = 1, widen: float = WIDEN) -> Image:
    """Return the plate at ``corners`` (4, 2) laid flat: one or two times the height of a row, BGR."""
    width, height = ROW_PX[0], ROW_PX[1] * rows
    middle = corners.mean(axis=0)
    source = (middle + (corners - middle) * (1 + widen)).astype(np.float32)
    target = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    return np.asarray(
        cv2.warpPerspective(image_bgr, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def in_one_row(plate_bgr: Image) -> Image:
    """Return a flat plate of two rows with the upper row set before the lower one."""
    height, width = plate_bgr.shape[:2]
    lower = plate_bgr[round(height * _LOWER_BEGINS) :]
    upper = plate_bgr[: round(height * _UPPER_ENDS), round(width * 0.17) : round(width * 0.83)]
    # The characters of both rows in one height, as they would stand on a plate of one row.
    upper = np.asarray(cv2.resize(upper, (round(width * 2 / 5), len(lower))), np.uint8)
    return np.asarray(cv2.resize(np.hstack([upper, lower]), ROW_PX, interpolation=cv2.INTER_AREA), np.uint8)
