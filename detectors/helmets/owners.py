"""Whose head it is: of the person whose box has it at the top, else of somebody on the two-wheeler below it.

The object model often finds a two-wheeler and not who rides it, or one box for driver and passenger: then the
two-wheeler answers for the head. The bounds hold all but the outermost 2 % of the labelled heads of the
training set and the persons at them (docs/models/helmet.md), with some room.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detectors.helmets.heads import Head, of_rider
from detectors.helmets.locator import Located
from detectors.helmets.riders import riders
from lianfang.events import DetectedObject

ABOVE, BELOW = 0.35, 0.35  # a head's middle above and below the top of its person's box, in its heights
ASIDE = 0.4  # from the middle of that box, in the same
SIZES = (0.1, 0.5)  # of the head, in the same


def owners(
    located: Sequence[Located], objects: Sequence[DetectedObject], width: int, height: int
) -> dict[int, Located]:
    """Return the index in ``objects`` of the person or two-wheeler that each head belongs to, with the head.

    Nearest pairs first, and no more than one head each. A head low in the box of a rider is none: that is a
    helmet on the arm or on the bar.
    """
    persons = [i for i, thing in enumerate(objects) if thing.label == "person"]
    near = sorted(
        (_off(one.head, objects[i], width, height), n, i)
        for n, one in enumerate(located)
        for i in persons
        if _meet(objects[i], objects[one.vehicle]) and _at_top(one.head, objects[i], width, height)
    )
    found: dict[int, Located] = {}
    left = dict(enumerate(located))
    for _, n, i in near:
        if n in left and i not in found:
            found[i] = left.pop(n)
    on_wheels = found.keys() | riders(objects).keys()
    for one in left.values():
        carried = any(_is_low(one.head, objects[i], width, height) for i in on_wheels)
        if not carried and one.vehicle not in found:
            found[one.vehicle] = one
    return found


def _box(thing: DetectedObject, width: int, height: int) -> tuple[float, float, float, float]:
    left, top, right, bottom = thing.xyxyn
    return left * width, top * height, right * width, bottom * height


def _off(head: Head, person: DetectedObject, width: int, height: int) -> float:
    """Return how far ``head`` is from where the head of ``person`` is to be expected, in their heads."""
    expected = of_rider(person.xyxyn, width, height)
    return float(np.hypot(head.x - expected.x, head.y - expected.y)) / expected.size_px


def _at_top(head: Head, person: DetectedObject, width: int, height: int) -> bool:
    left, top, right, bottom = _box(person, width, height)
    tall = max(bottom - top, 1.0)
    return (
        -ABOVE <= (head.y - top) / tall <= BELOW
        and abs(head.x - (left + right) / 2) <= ASIDE * tall
        and SIZES[0] <= head.size_px / tall <= SIZES[1]
    )


def _is_low(head: Head, person: DetectedObject, width: int, height: int) -> bool:
    left, top, right, bottom = _box(person, width, height)
    return left <= head.x <= right and top + BELOW * (bottom - top) < head.y <= bottom


def _meet(person: DetectedObject, vehicle: DetectedObject) -> bool:
    (left, top, right, bottom), (v_left, v_top, v_right, v_bottom) = person.xyxyn, vehicle.xyxyn
    return left < v_right and v_left < right and top < v_bottom and v_top < bottom
