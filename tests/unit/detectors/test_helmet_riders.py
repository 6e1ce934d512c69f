from __future__ import annotations

import pytest

from detectors.helmets.riders import riders
from lianfang.events import XYXYN, DetectedObject

RIDER: XYXYN = (0.40, 0.30, 0.46, 0.60)
BIKE: XYXYN = (0.39, 0.42, 0.47, 0.66)


def thing(label: str, xyxyn: XYXYN, confidence: float = 0.5) -> DetectedObject:
    return DetectedObject(track_id=None, label=label, confidence=confidence, xyxyn=xyxyn)


@pytest.mark.parametrize(
    ("person", "label", "vehicle", "rides"),
    [
        (RIDER, "motorcycle", BIKE, True),
        (RIDER, "bicycle", BIKE, True),
        (RIDER, "car", BIKE, False),
        # Beside it, and walking past in front of it: the feet are nearer than the wheels.
        ((0.50, 0.30, 0.56, 0.60), "motorcycle", BIKE, False),
        ((0.40, 0.35, 0.46, 0.72), "motorcycle", BIKE, False),
        # Before a row of parked ones that the model takes for one, off its middle.
        ((0.10, 0.30, 0.16, 0.60), "bicycle", (0.05, 0.42, 0.55, 0.66), False),
        # Far behind a bike that is near, and far in front of one that is far.
        (RIDER, "motorcycle", (0.30, 0.30, 0.56, 0.99), False),
        (RIDER, "bicycle", (0.41, 0.52, 0.45, 0.60), False),
        # A hand on it, no more.
        ((0.33, 0.30, 0.40, 0.60), "motorcycle", BIKE, False),
        # A box without an area.
        ((0.40, 0.30, 0.40, 0.60), "motorcycle", BIKE, False),
        (RIDER, "motorcycle", (0.4, 0.5, 0.5, 0.5), False),
    ],
)
def test_who_rides(person: XYXYN, label: str, vehicle: XYXYN, rides: bool) -> None:
    assert riders([thing(label, vehicle), thing("person", person)]) == ({1: 0} if rides else {})


def test_driver_and_passenger_share_one() -> None:
    passenger: XYXYN = (0.41, 0.28, 0.47, 0.58)
    assert riders([thing("person", RIDER), thing("motorcycle", BIKE), thing("person", passenger)]) == {
        0: 1,
        2: 1,
    }


def test_of_two_that_fit_the_one_that_covers_more() -> None:
    less: XYXYN = (0.41, 0.48, 0.46, 0.64)
    assert riders([thing("bicycle", less), thing("person", RIDER), thing("motorcycle", BIKE)]) == {1: 2}


def test_nobody() -> None:
    assert riders([]) == {}
    assert riders([thing("motorcycle", BIKE)]) == {}
    assert riders([thing("person", RIDER)]) == {}


@pytest.mark.parametrize(
    ("label", "confidence", "rides"),
    [
        ("motorcycle", 0.25, True),
        ("motorcycle", 0.2, False),
        ("bicycle", 0.4, True),
        ("bicycle", 0.39, False),
    ],
)
def test_a_doubtful_person_rides_nothing(label: str, confidence: float, rides: bool) -> None:
    found = riders([thing("person", RIDER, confidence), thing(label, BIKE, 0.2)])
    assert found == ({0: 1} if rides else {})
