"""Left objects in drawn scenes: what is reported, when, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pytest

from detectors.stages.garbage import Config, build
from lianfang.events import DetectedObject
from tests.unit.detectors.garbage import (
    BAG,
    COMES_S,
    FOUND_S,
    HEIGHT,
    PASSER_BY,
    START,
    WIDTH,
    Image,
    Objects,
    bag_comes,
    camera,
    first,
    ground,
    person,
    play,
    times,
    with_thing,
)


def test_a_thing_that_is_left_is_reported_and_vanishes_when_it_is_picked_up() -> None:
    found = play(camera(), times(40), bag_comes(goes_s=30))
    assert first(found) == pytest.approx(FOUND_S, abs=0.5)
    reported = {t: objects for t, objects in found.items() if objects}
    assert max(reported) == pytest.approx(31, abs=0.5)
    assert {o.track_id for objects in reported.values() for o in objects} == {"e:left_object1"}
    (thing,) = found[25]
    assert thing.xyxyn == pytest.approx(np.divide(BAG, (WIDTH, HEIGHT, WIDTH, HEIGHT)), abs=0.03)
    assert 0.5 <= thing.confidence <= 1
    assert datetime.fromisoformat(thing.attributes["since"]) == START + timedelta(seconds=COMES_S)
    before = datetime.fromisoformat(thing.attributes["before"])
    assert timedelta(0) < START + timedelta(seconds=COMES_S) - before <= timedelta(seconds=1)


@pytest.mark.parametrize("fps", [1.0, 2.0, 10.0])
def test_only_time_counts_and_not_the_number_of_pictures(fps: float) -> None:
    assert first(play(camera(), times(25, fps), bag_comes())) == pytest.approx(FOUND_S, abs=1 / fps + 0.5)


def test_a_stream_whose_rate_changes_is_the_same_again() -> None:
    uneven = [*times(12, 10), *times(22, 1, since_s=13), *times(25, 10, since_s=23)]
    assert first(play(camera(), uneven, bag_comes())) == pytest.approx(FOUND_S, abs=1)


def test_a_replay_says_the_same() -> None:
    script = list(times(25)), bag_comes()
    assert play(camera(), *script) == play(camera(), *script)


BESIDE = (0.52, 0.2, 0.62, 0.68)
ABOVE = (0.42, 0.2, 0.53, 0.66)


@pytest.mark.parametrize(
    ("people", "found_s"),
    [
        # The owner stays beside it: it is not left.
        (lambda t: (person(BESIDE),) if t >= 14 else (), None),
        # The owner goes at 25 s: 3 s later it is.
        (lambda t: (person(BESIDE),) if 14 <= t < 25 else (), 28),
        # The owner goes on, in the picture: the same.
        (lambda t: (person(BESIDE if t < 25 else (0.9, 0.2, 1.0, 0.7)),) if t >= 14 else (), 28),
        # The owner's track ends and another begins in its place: it is the owner.
        (lambda t: (person(BESIDE, 1 if t < 20 else 2),) if t >= 14 else (), None),
        # The owner goes; somebody else, who was seen elsewhere before, walks up to it and waits.
        (
            lambda t: (
                person(PASSER_BY if t < 21 else BESIDE, 7),
                *((person(BESIDE),) if 14 <= t < 20 else ()),
            ),
            23,
        ),
        # Somebody far away is no owner.
        (lambda _t: (person(PASSER_BY),), FOUND_S),
        # A weak box without a track, such as the bag itself taken for a person, hides nothing.
        (lambda _t: (person(ABOVE, None, 0.25),), FOUND_S),
    ],
    ids=["stays", "goes", "goes on", "handover", "passer-by comes", "far away", "weak box"],
)
def test_a_thing_is_left_when_its_owner_is_gone(
    people: Callable[[float], Objects], found_s: float | None
) -> None:
    found = first(play(camera(), times(32), bag_comes(), people))
    assert found == (None if found_s is None else pytest.approx(found_s, abs=0.7))


def test_people_and_vehicles_that_stand_are_not_left() -> None:
    box = (0.4, 0.4, 0.56, 0.7)
    car = DetectedObject(track_id="e:3", label="car", confidence=0.7, xyxyn=box)
    assert first(play(camera(), times(30), bag_comes(), lambda t: (car,) if t >= COMES_S else ())) is None
    standing = (person(box),)
    assert first(play(camera(), times(30), bag_comes(), lambda t: standing if t >= COMES_S else ())) is None


def test_it_stays_reported_behind_somebody_who_stands_in_front() -> None:
    hidden = lambda t: (person(ABOVE, 9),) if 24 <= t < 34 else ()  # noqa: E731

    def scene(t: float) -> Image:
        image = bag_comes()(t)
        if 24 <= t < 34:
            with_thing(image, (66, 24, 86, 80), (200, 180, 60))
        return image

    found = play(camera(), times(40), scene, hidden)
    assert all(len(objects) == 1 for t, objects in found.items() if t >= FOUND_S + 1)


def test_what_was_there_from_the_start_is_the_ground_and_leaves_no_ghost() -> None:
    found = play(camera(), times(40), bag_comes(at_s=0, goes_s=20))
    assert first(found) is None


def test_a_thing_that_stays_long_enough_belongs_to_the_place() -> None:
    found = play(camera(forget_after_s=60), times(90, 2), bag_comes())
    assert found[70]
    assert found[90] == ()


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (2, 4000)])
def test_pictures_of_any_shape_are_borne(size: tuple[int, int]) -> None:
    found = play(camera(), times(20, 1), lambda t: np.full((*size, 3), 100 if t < 14 else 130, np.uint8))
    assert first(found) is None


def test_what_others_found_is_forwarded_and_nothing_is_said_of_models() -> None:
    stage = build(Config(kind="garbage", confirm="none"), None)
    assert stage.models == ()
    somebody = person(PASSER_BY)
    assert stage.open("cam", "e").look(ground(), START, (somebody,)) == (somebody,)
