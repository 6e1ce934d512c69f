"""Who rides: a person whose lower half sits in the box of a bicycle or motorcycle.

The bounds come from the 113 riders found in every second picture of the training set (docs/models/helmet.md):
of all but the outermost 2 %, the two-wheeler covers .69 of the lower half, ends at most .01 of the person's
height above the person's feet, lies -.13 to .24 of its own width from the person's middle, and is .9 to 2.0
times as wide and .7 to 1.6 times as high as the person. They are wider than that, for other camera angles;
none was set on the test set.
"""

from __future__ import annotations

from collections.abc import Sequence

from lianfang.events import DetectedObject

# The least confidence of the person by what is ridden. On every second training picture, heads from 12 px,
# these keep 143 of 185 riders at labelled heads and 26 of 178 others: most of those stood at parked bicycles.
MIN_CONFIDENCE = {"bicycle": 0.4, "motorcycle": 0.25}
VEHICLES = frozenset(MIN_CONFIDENCE)
MIN_COVERED = 0.5  # of the person's lower half, by the two-wheeler's box
MAX_FEET_BELOW = 0.06  # feet below the wheels, in heights of the person: who stands before it is nearer
MAX_OFF_CENTRE = 0.3  # between the middles, in widths of the two-wheeler
MAX_WIDTH = 4.0  # of the two-wheeler in widths of the person: the model takes a row of parked ones for one
HEIGHTS = (0.45, 2.2)  # height of the two-wheeler in heights of the person


def riders(objects: Sequence[DetectedObject]) -> dict[int, int]:
    """Return the index in ``objects`` of each person who rides, and of the two-wheeler under them.

    Driver and passengers may share one. Of several that fit, it is the one that covers most.
    """
    vehicles = [i for i, thing in enumerate(objects) if thing.label in VEHICLES]
    found = {}
    for i, person in enumerate(objects):
        if person.label != "person":
            continue
        fits = [
            (_fit(person.xyxyn, objects[v].xyxyn), -v)
            for v in vehicles
            if person.confidence >= MIN_CONFIDENCE[objects[v].label]
        ]
        share, vehicle = max(fits, default=(0.0, 0))
        if share > 0:
            found[i] = -vehicle
    return found


def _fit(person: tuple[float, float, float, float], vehicle: tuple[float, float, float, float]) -> float:
    """Return how much of the person's lower half the two-wheeler covers; 0 where the person is not on it."""
    left, top, right, bottom = person
    v_left, v_top, v_right, v_bottom = vehicle
    width, height = right - left, bottom - top
    v_width, v_height = v_right - v_left, v_bottom - v_top
    if min(width, height, v_width, v_height) <= 0:
        return 0.0
    on_it = (
        bottom - v_bottom <= MAX_FEET_BELOW * height
        and abs(left + right - v_left - v_right) / 2 <= MAX_OFF_CENTRE * v_width
        and v_width <= MAX_WIDTH * width
        and HEIGHTS[0] * height <= v_height <= HEIGHTS[1] * height
    )
    across = min(right, v_right) - max(left, v_left)
    down = min(bottom, v_bottom) - max((top + bottom) / 2, v_top)
    covered = max(across, 0.0) * max(down, 0.0) / (width * height / 2)
    return covered if on_it and covered >= MIN_COVERED else 0.0
