"""Where riders' heads can be: the square above and around each two-wheeler that the object model found.

The bounds come from the labelled heads of the training set and the boxes of two-wheelers at them
(docs/models/helmet.md). The model's boxes hold the rider or leave them out: of all but the outermost 2 %, the
head's middle lies from .87 of the box's height above its top to .17 below it and up to .5 of its height to
either side of its middle, and is .15 to .37 of the box high.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detectors.helmets.squares import Square
from detectors.models.boxes import iou
from lianfang.events import DetectedObject

VEHICLES = frozenset({"bicycle", "motorcycle"})
MIN_CONFIDENCE = 0.2  # of a two-wheeler: 234 of 236 heads of the training set are above one, 233 at 640 x 384
SIDE = 1.5  # of the square, in heights of the two-wheeler's box
RAISED = 0.25  # the square's middle above the top of that box, in the same
HIGHEST_HEAD = 0.37  # in the same
SAME = 0.5  # overlap from which two boxes are one two-wheeler: the model calls many both kinds
MAX_REGIONS = 16  # of a picture, the surest: a rack of parked ones must not hold up the camera


@dataclass(frozen=True)
class Region:
    """A square where a head may be, and the index of its two-wheeler."""

    square: Square
    vehicle: int


def regions(objects: Sequence[DetectedObject], width: int, height: int, min_head_px: float) -> list[Region]:
    """Return the squares of a picture of that size in pixels, of the surest two-wheeler first.

    Those too small for a head ``min_head_px`` high are left out.
    """
    order = sorted(
        (i for i, thing in enumerate(objects) if thing.label in VEHICLES),
        key=lambda i: -objects[i].confidence,
    )
    boxes = np.array([objects[i].xyxyn for i in order], np.float32).reshape(-1, 4) * (
        np.array([width, height, width, height], np.float32)
    )
    overlap = iou(boxes, boxes)
    kept: list[int] = []
    for rank, i in enumerate(order):
        tall = boxes[rank, 3] - boxes[rank, 1]
        if objects[i].confidence < MIN_CONFIDENCE or tall * HIGHEST_HEAD < min_head_px:
            continue
        if not (overlap[rank, kept] >= SAME).any():
            kept.append(rank)
    return [Region(above(boxes[rank]), order[rank]) for rank in kept[:MAX_REGIONS]]


def above(box: Sequence[float] | np.ndarray[tuple[int], np.dtype[np.float32]]) -> Square:
    """Return the square of a two-wheeler's box (x_min, y_min, x_max, y_max) in pixels."""
    left, top, right, bottom = (float(side) for side in box)
    tall = max(bottom - top, 1.0)
    return Square((left + right) / 2, top - RAISED * tall, SIDE * tall)
