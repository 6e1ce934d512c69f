"""Finds plates in two looks: a coarse one over the picture, and a near one wherever there may be a plate.

The detector is surest of plates 100 to 300 pixels wide. To see a whole picture that large takes twice the
time of everything else, and nearly all of it goes into what is no plate even from far away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from detectors.plates.detector import Found
from detectors.plates.rectify import sides

Image = NDArray[np.uint8]
Window = tuple[int, int, int, int]
"""A part of a picture: x_min, y_min, x_max, y_max in pixels, the last two not within it."""
Look = Callable[[Image, float, float], list[Found]]
"""One look of the detector: a picture, the scale at which it is seen, and the least confidence."""

_LARGEST = 2.0  # scale of a coarse look
_DOUBT = 0.02  # 19 of 20 plates 64 pixels wide get this, 14 get .2: docs/models/plates.md
_CLEAR, _CLEAR_PX = 0.5, 160.0  # a find so sure and so wide in the coarse look needs no other
_NEAR_PX, _NEAREST = 160.0, 3.0  # how wide a plate is in the near look, and the largest scale of one
_AROUND = (1.6, 1.1)  # how many times its width is seen there, across and down
_SEEN = 3.0  # a doubt within this part of what was seen already is settled
_MOST = 12  # near looks: bounds the time that a wall of signs takes


def search(look: Look, image_bgr: Image, long_side: int, min_confidence: float) -> list[Found]:
    """Return the plates in ``image_bgr``, (height, width, 3), strongest first, none below ``min_confidence``.

    In the coarse look its longer side has ``long_side`` pixels, up to twice its own size.
    """
    scale = min(_LARGEST, long_side / max(image_bgr.shape[:2]))
    found: list[Found] = []
    settled: list[NDArray[np.float32]] = []
    for doubt in look(image_bgr, scale, _DOUBT):
        middle, width = doubt.corners.mean(axis=0), sides(doubt.corners)[0]
        if len(settled) == _MOST or any(_within(middle, one) for one in (*_corners(found), *settled)):
            continue
        if doubt.confidence >= _CLEAR and width * scale >= _CLEAR_PX:
            found.append(doubt)
            continue
        across, down = np.ptp(doubt.corners, axis=0)
        half = max(across, 2 * down) * np.array(_AROUND, np.float32) / 2
        settled.append(np.array([middle - half / _SEEN, middle + half / _SEEN]))
        window = _window(image_bgr, middle - half, middle + half)
        nearest = min(_NEAREST, _NEAR_PX / max(width, 1))
        near = partial(_look, look=look, scale=nearest, min_confidence=min_confidence)
        found += unknown(within(image_bgr, window, near), found)
    return sorted(found, key=lambda plate: -plate.confidence)


def within(image_bgr: Image, window: Window, find: Callable[[Image], list[Found]]) -> list[Found]:
    """Return what ``find`` finds in a part of the picture, with its corners in the whole one."""
    x_min, y_min, x_max, y_max = window
    if x_min >= x_max or y_min >= y_max:
        return []
    corner = np.array((x_min, y_min), np.float32)
    return [Found(f.corners + corner, f.confidence) for f in find(image_bgr[y_min:y_max, x_min:x_max])]


def unknown(new: Sequence[Found], known: Sequence[Found]) -> list[Found]:
    """Return those of ``new`` whose middle is on no plate of ``known``."""
    return [one for one in new if not any(_within(one.corners.mean(axis=0), c) for c in _corners(known))]


def _look(image_bgr: Image, look: Look, scale: float, min_confidence: float) -> list[Found]:
    return look(image_bgr, scale, min_confidence)


def _corners(found: Sequence[Found]) -> list[NDArray[np.float32]]:
    return [plate.corners for plate in found]


def _within(point: NDArray[np.float32], corners: NDArray[np.float32]) -> bool:
    """Return whether a point is in the box around ``corners``, (N, 2)."""
    return bool(np.all(point >= corners.min(axis=0)) and np.all(point <= corners.max(axis=0)))


def _window(image_bgr: Image, low: NDArray[np.float32], high: NDArray[np.float32]) -> Window:
    """Return the part of the picture between two points, as far as they are in it."""
    height, width = image_bgr.shape[:2]
    x_min, y_min = (int(v) for v in np.maximum(np.floor(low), 0))
    x_max, y_max = (int(v) for v in np.minimum(np.ceil(high), (width, height)))
    return x_min, y_min, x_max, y_max
