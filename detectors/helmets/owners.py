"""Whose head it is: of the person whose box has it at the top, else of somebody on the two-wheeler below it.

The object model often finds a two-wheeler and not who rides it, or one box for driver and passenger: then the
two-wheeler answers for the head. The head of a person who stands or walks there is nobody's who rides. The
bounds hold all but the outermost 2 % of the labelled heads of the training set and the persons at them
(docs/models/helmet.md), with some room.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detectors.helmets.heads import Head, of_rider
from detectors.helmets.locator import Located
from detectors.helmets.riders import MAX_FEET_BELOW, riders
from lianfang.events import DetectedObject

ABOVE, BELOW = 0.35, 0.35  # a head's middle above and below the top of its person's box, in its heights
ASIDE = 0.4  # from the middle of that box, in the same
SIZES = (0.1, 0.5)  # of the head, in the same
ACROSS = 0.5  # least share of the width of who rides that the two-wheeler's box covers


def owners(
    located: Sequence[Located], objects: Sequence[DetectedObject], width: int, height: int
) -> dict[int, Located]:
    """Return the index in ``objects`` of the person or two-wheeler that each head belongs to, with the head.

    Nearest pairs first, and no more than one head each. A head where that of a person is who stands or walks
    there is left out. So is one low in the box of a rider: that is a helmet on the arm or on the bar.
    """
    near = sorted(
        (_off(one.head, thing, width, height), n, i)
        for n, one in enumerate(located)
        for i, thing in enumerate(objects)
        if thing.label == "person" and _at_top(one.head, thing, width, height)
    )
    found: dict[int, Located] = {}
    left = dict(enumerate(located))
    for _, n, i in near:
        if n in left and i not in found and _is_on(objects[i], objects[left[n].vehicle]):
            found[i] = left.pop(n)
    for off, n, i in near:
        if n in left and i not in found and off <= 1 and _is_beside(objects[i], objects[left[n].vehicle]):
            del left[n]
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


def _is_on(person: DetectedObject, vehicle: DetectedObject) -> bool:
    (_, top, _, bottom), (_, v_top, _, v_bottom) = person.xyxyn, vehicle.xyxyn
    return top < v_bottom and v_top < bottom and not _is_beside(person, vehicle)


def _is_beside(person: DetectedObject, vehicle: DetectedObject) -> bool:
    """Say whether the person has the feet below its wheels, as who is nearer, or is not over it."""
    (left, top, right, bottom), (v_left, _, v_right, v_bottom) = person.xyxyn, vehicle.xyxyn
    over = min(right, v_right) - max(left, v_left)
    return bottom - v_bottom > MAX_FEET_BELOW * (bottom - top) or over < ACROSS * (right - left)
