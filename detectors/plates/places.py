"""Where plates and vehicles are to each other."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor

import numpy as np

from detectors.plates.reading import Reading
from detectors.plates.search import Window
from lianfang.events import XYXYN, DetectedObject

Size = tuple[int, int]
"""Of a picture: width and height in pixels."""

_AROUND = 0.08  # of a vehicle's size: its box may end above the bumper
_STILL = 0.04  # of its size: boxes of what stands still tremble so much


def carrier(reading: Reading, vehicles: Sequence[DetectedObject], size: Size) -> int | None:
    """Return the vehicle that the plate is on: the smallest around its centre, None where there is none.

    The car before a bus is within the bus' box too, and the bus' own plate is hidden behind the car.
    """
    x, y = reading.corners.mean(axis=0) / size
    around: list[tuple[float, int]] = []
    for i, vehicle in enumerate(vehicles):
        x_min, y_min, x_max, y_max = vehicle.xyxyn
        if x_min <= x <= x_max and y_min <= y <= y_max:
            around.append(((x_max - x_min) * (y_max - y_min), i))
    return min(around)[1] if around else None


def window(xyxyn: XYXYN, size: Size) -> Window:
    """Return the part of a picture of ``size`` in which a vehicle's plate may be."""
    x_min, y_min, x_max, y_max = xyxyn
    x, y = _AROUND * (x_max - x_min), _AROUND * (y_max - y_min)
    low = (max(0, floor((x_min - x) * size[0])), max(0, floor((y_min - y) * size[1])))
    high = (min(size[0], ceil((x_max + x) * size[0])), min(size[1], ceil((y_max + y) * size[1])))
    return (*low, *high)


def moved(before: XYXYN, after: XYXYN) -> bool:
    """Return whether a vehicle has moved from one box to the other, by more than its box trembles."""
    x_min, y_min, x_max, y_max = (abs(a - b) for a, b in zip(before, after, strict=True))
    width, height = after[2] - after[0], after[3] - after[1]
    return max(x_min, x_max) > _STILL * width or max(y_min, y_max) > _STILL * height


def holds(window: Window, xyxyn: XYXYN, size: Size) -> bool:
    """Return whether the middle of a box is in a window of a picture of ``size``."""
    x, y = (xyxyn[0] + xyxyn[2]) / 2 * size[0], (xyxyn[1] + xyxyn[3]) / 2 * size[1]
    return window[0] <= x < window[2] and window[1] <= y < window[3]


def box(reading: Reading, size: Size) -> XYXYN:
    """Return the box around a plate in a picture of ``size``."""
    low, high = (
        np.clip(edge / size, 0, 1) for edge in (reading.corners.min(axis=0), reading.corners.max(axis=0))
    )
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])
