"""The tracker's numbers on 60 s of real video against people followed by hand: one number for each visit.

A box is somebody's where exactly one person is inside the zone, as counted by hand, and the middle of the
box's lower side is inside too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable

import pytest
from shapely.geometry import Point, Polygon

from detectors.engines.base import Detections
from detectors.evaluation import followers
from detectors.evaluation.identities import Follow
from tests.truth.labels import Truth, Visit, load
from tests.truth.test_incidents import FPS, footage


def numbers(truth: Truth, follow: Follow) -> dict[Visit, Counter[int]]:
    """Return how often each number was given to the one person of each visit who was ever alone inside."""
    reel, zone = footage(), Polygon(truth.zone.polygon)
    person = reel.engine.labels.index("person")
    given: dict[Visit, Counter[int]] = defaultdict(Counter)
    for i, found in enumerate(reel.engine.answers):
        people = found.class_id == person
        boxes = Detections(found.xyxyn[people], found.confidence[people], found.class_id[people])
        named = follow(boxes, i / FPS)
        inside = [visit for visit in truth.visits if visit.enter_s <= i / FPS < visit.leave_s]
        if len(inside) != 1 or truth.near_change(i / FPS):
            continue
        for index, number in named.items():
            left, _, right, bottom = boxes.xyxyn[index].tolist()
            if zone.contains(Point((left + right) / 2, bottom)):
                given[inside[0]][number] += 1
    return given


def switches(given: dict[Visit, Counter[int]]) -> int:
    return sum(len(counts) - 1 for counts in given.values())


def test_one_number_for_each_visit() -> None:
    truth = load()
    given = numbers(truth, followers.ours())
    assert len(given) == 8  # of 9: one is never alone
    assert switches(given) == 0
    whose = {number: visit.person for visit, counts in given.items() for number in counts}
    assert all(whose[number] == visit.person for visit, counts in given.items() for number in counts)


@pytest.mark.skipif(not followers.is_installed(), reason="the package trackers is not installed (extra eval)")
def test_no_more_than_the_reference_gives() -> None:
    truth = load()
    begin: Callable[[], Follow] = lambda: followers.reference("ByteTrackTracker", FPS)  # noqa: E731
    assert switches(numbers(truth, followers.ours())) <= switches(numbers(truth, begin()))
