"""Asks of each thing that was left whether it is a rubbish bag: a few looks at it, close up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detectors.engines.base import Detections
from detectors.garbage.bags import BagFinder
from detectors.garbage.left import LeftThing
from detectors.garbage.pictures import Mask
from detectors.models.boxes import iou

LOOKS = 3  # at each thing; the mean counts
_APART_S = 1.0  # between two looks at a thing: somebody who passes must not spoil them all
_HIDDEN = 0.2  # of a thing behind somebody: more, and it is looked at later
_CONTEXT = 2.2  # side of the square looked at, in longer sides of the thing: best for bags in training
SAME = 0.25  # overlap from which a bag that was found is the thing: its outline is rough
_LEAST = 0.02  # confidence below which nothing need be told apart

Box = tuple[float, float, float, float]


@dataclass
class _Looks:
    confidences: list[float] = field(default_factory=list)
    last_s: float = -_APART_S


class Confirmation:
    """What has been seen of the things of one camera."""

    def __init__(self, finder: BagFinder) -> None:
        self._finder = finder
        self._looks: dict[int, _Looks] = {}

    def look(
        self, image_bgr: NDArray[np.uint8], things: Iterable[LeftThing], held: Mask, at_s: float
    ) -> None:
        """Look at one of ``things`` that needs it, in ``image_bgr``; ``held`` (H, W): where somebody stands.

        Only one a picture, so that a picture never costs much.
        """
        self._looks = {thing.n: self._looks.get(thing.n, _Looks()) for thing in things}
        for thing in things:
            looks = self._looks[thing.n]
            due = len(looks.confidences) < LOOKS and at_s - looks.last_s >= _APART_S
            if due and held[thing.region.window].mean() <= _HIDDEN:
                box = xyxyn(thing, held)
                looks.confidences.append(bag_confidence(self._finder, image_bgr, box))
                looks.last_s = at_s
                return

    def of(self, thing: LeftThing) -> dict[str, bool | str | float | None]:
        """Return what ``thing`` is: bag (true, false, "unknown") and bag_confidence, None before a look."""
        confidences = self._looks[thing.n].confidences
        if not confidences:
            return {"bag": "unknown", "bag_confidence": None}
        mean = float(np.mean(confidences))
        return {"bag": self._finder.thresholds.say(mean), "bag_confidence": round(mean, 3)}


def xyxyn(thing: LeftThing, held: Mask) -> Box:
    """Return the box of ``thing`` as 0-1 of the picture, which is as large as ``held`` at work."""
    height, width = held.shape
    x_min, y_min, x_max, y_max = thing.region.box
    return x_min / width, y_min / height, x_max / width, y_max / height


def bag_confidence(finder: BagFinder, image_bgr: NDArray[np.uint8], box: Box) -> float:
    """Return how surely the thing in ``box`` (0-1 of ``image_bgr``) is a bag, 0-1; 0 where none is found."""
    left, top, side = square_around(image_bgr, box)
    height, width = image_bgr.shape[:2]
    found: Detections = finder.find(image_bgr[top : top + side, left : left + side], _LEAST)
    scale = np.array([width, height, width, height], np.float32)
    shape = np.array([min(side, width - left), min(side, height - top)] * 2, np.float32)
    offset = np.array([left, top, left, top], np.float32)
    overlap = iou(found.xyxyn * shape + offset, (np.array([box], np.float32) * scale))
    same = overlap[:, 0] >= SAME
    return float(found.confidence[same].max(initial=0.0))


def square_around(image_bgr: NDArray[np.uint8], box: Box) -> tuple[int, int, int]:
    """Return left, top and side in pixels of the square around ``box``, moved into the picture if it fits."""
    height, width = image_bgr.shape[:2]
    x_min, y_min, x_max, y_max = np.multiply(box, (width, height, width, height))
    side = max(1, round(_CONTEXT * max(x_max - x_min, y_max - y_min)))
    left, top = (
        int(np.clip(round((low + high - side) / 2), 0, max(0, size - side)))
        for low, high, size in ((x_min, x_max, width), (y_min, y_max, height))
    )
    return left, top, side
