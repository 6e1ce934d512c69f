"""Who was in the water and is to be seen no more, and who only seems so."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from detectors.stages.river import LABEL, CameraRiver
from lianfang.events import DetectedObject
from tests.unit.detectors.river import PICTURE, START, WATER, Scene, always, opened, person, play

GONE_S = 6.0
SWIMMER = person(0.5, 0.5, 0.3, square=1.0)
NOBODY = always()


def until_gone(*others: DetectedObject, gone_s: float = GONE_S) -> Scene:
    """Return a scene in which a swimmer is seen up to ``gone_s`` among others, who stay."""
    return lambda t: [SWIMMER, *others] if t <= gone_s else others


def vanished(told: dict[float, tuple[DetectedObject, ...]]) -> dict[float, DetectedObject]:
    """Return the first alarm at each time at which there is one."""
    alarms = {t: [o for o in objects if o.label == LABEL] for t, objects in told.items()}
    return {t: found[0] for t, found in alarms.items() if found}


@pytest.mark.parametrize("fps", [1.0, 5.0])
@pytest.mark.parametrize("calibrated", [True, False])
def test_who_goes_under_is_said_after_a_while_ever_less_surely_and_not_for_ever(
    fps: float, calibrated: bool
) -> None:
    alarms = vanished(play(opened(calibrated=calibrated), until_gone(), 90, fps=fps))
    assert min(alarms) == pytest.approx(GONE_S + 8, abs=1 / fps)
    assert max(alarms) == pytest.approx(GONE_S + 8 + 60, abs=2 / fps)
    first = alarms[min(alarms)]
    assert first.track_id == f"e:{LABEL}1"
    assert first.xyxyn == pytest.approx(SWIMMER.xyxyn)
    assert first.attributes["track"] == SWIMMER.track_id
    assert datetime.fromisoformat(first.attributes["since"]) == START + timedelta(seconds=GONE_S)
    assert first.confidence > 0.9
    confidences = [alarm.confidence for alarm in alarms.values()]
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[-1] < 0.05


def test_how_long_it_takes_is_configured() -> None:
    alarms = vanished(play(opened(vanish_s=3, vanished_for_s=5), until_gone(), 30))
    assert min(alarms) == pytest.approx(GONE_S + 3, abs=0.2)
    assert max(alarms) == pytest.approx(GONE_S + 8, abs=0.4)


def walk(t: float, *, from_y: float, to_y: float, ends_s: float) -> Iterable[DetectedObject]:
    """Walk straight towards the camera for ``ends_s``, then be seen no more."""
    return [person(0.5, from_y + (to_y - from_y) * t / ends_s)] if t <= ends_s else []


def swim_out(t: float) -> Iterable[DetectedObject]:
    # A third of a height each second to the right; the last box does not touch the edge of the picture.
    return [person(0.75 + 0.04 * t, 0.5, 0.3, square=1.0)] if t <= 5.8 else []


@pytest.mark.parametrize(
    "scene",
    [
        lambda t: walk(t, from_y=0.5, to_y=0.9, ends_s=10),
        # The last box is still in the water, on its way out.
        lambda t: walk(t, from_y=0.55, to_y=0.68, ends_s=5),
        swim_out,
        lambda t: [person(0.5, 0.9)] if t <= GONE_S else [],
        lambda t: [person(0.04, 0.5)] if t <= 0.4 else [],
        # Three boxes: a wave.
        lambda t: [SWIMMER] if t <= 0.4 else [],
        # Cut off by the edge of the picture.
        lambda t: [person(0.0, 0.5, 0.3, square=1.0)] if t <= GONE_S else [],
        # Without a number nothing is known of it.
        lambda t: [person(0.5, 0.5, track=None)] if t <= GONE_S else [],
        lambda t: [person(0.5, 0.5, label="boat")] if t <= GONE_S else [],
    ],
    ids=["bank", "leaving", "swimming out", "on the bank", "at the edge", "wave", "cut off", "new", "boat"],
)
def test_what_is_no_vanishing(scene: Scene) -> None:
    assert vanished(play(opened(), scene, 60)) == {}


def test_who_walks_into_the_water_and_goes_under_at_once_has_vanished() -> None:
    def child(t: float) -> Iterable[DetectedObject]:
        return [person(0.5, 0.8 - 0.03 * t, 0.6)] if t <= 5 else []

    alarms = vanished(play(opened(), child, 20))
    assert min(alarms) == pytest.approx(13, abs=0.2)


def test_who_is_behind_somebody_has_not_vanished_and_comes_out_under_another_number() -> None:
    def passing(t: float) -> Iterable[DetectedObject]:
        before = person(0.5 if t <= 26 else 0.7, 0.56, track="e:2")
        if t <= 4:
            return [SWIMMER, before]
        return [before, person(0.52, 0.5, 0.3, square=1.0, track="e:3")] if t > 26 else [before]

    assert vanished(play(opened(), passing, 60)) == {}


def test_who_stays_behind_somebody_is_missed_only_once_the_place_is_clear() -> None:
    def hidden(t: float) -> Iterable[DetectedObject]:
        before = person(0.52 if t <= 20 else 0.8, 0.56, track="e:2", square=0.3)
        return [SWIMMER, before] if t <= 4 else [before]

    told = play(opened(), hidden, 60)
    alarms = vanished(told)
    assert min(alarms) == pytest.approx(28, abs=0.4)
    first = alarms[min(alarms)]
    assert first.attributes["track"] == "e:1"
    assert first.confidence < 0.7, "it may have gone along behind the other"


@pytest.mark.parametrize("label", ["boat", "person"])
def test_nobody_is_missed_behind_what_stays_there(label: str) -> None:
    before = person(0.5, 0.56, track="e:2", label=label)

    def scene(t: float) -> Iterable[DetectedObject]:
        return [SWIMMER] if t <= GONE_S else [before]

    assert vanished(play(opened(), scene, 90)) == {}


@pytest.mark.parametrize("back_s", [10.0, 20.0])
@pytest.mark.parametrize("number", ["e:1", "e:5"])
def test_who_comes_up_again_nearby_has_not_vanished(back_s: float, number: str) -> None:
    back = person(0.55, 0.52, 0.3, square=1.0, track=number)

    def scene(t: float) -> Iterable[DetectedObject]:
        return [SWIMMER] if t <= GONE_S else [back] if t >= back_s else []

    alarms = vanished(play(opened(), scene, 60))
    assert bool(alarms) is (back_s > 14)
    assert all(t < back_s for t in alarms)


def test_who_comes_up_far_away_or_was_there_all_the_time_is_somebody_else() -> None:
    far = person(0.9, 0.5, 0.3, square=1.0, track="e:5")
    assert vanished(play(opened(), lambda t: [SWIMMER] if t <= GONE_S else [far], 30))

    def rescuer(t: float) -> Iterable[DetectedObject]:
        beside = person(max(0.56, 0.9 - 0.02 * t), 0.5, track="e:2")
        return [SWIMMER, beside] if t <= GONE_S else [beside]

    assert min(vanished(play(opened(), rescuer, 30))) == pytest.approx(14, abs=0.2)


def test_an_unconfirmed_box_nearby_stops_the_clock_and_no_more() -> None:
    ghost = person(0.55, 0.5, 0.3, track=None)

    def scene(t: float) -> Iterable[DetectedObject]:
        return [SWIMMER] if t <= GONE_S else [ghost] if t <= 10 else []

    assert min(vanished(play(opened(), scene, 30))) == pytest.approx(18, abs=0.4)


def test_of_two_who_vanish_one_who_comes_up_stands_for_the_nearer() -> None:
    other = person(0.56, 0.5, 0.3, square=1.0, track="e:2")
    back = person(0.57, 0.5, 0.3, square=1.0, track="e:3")

    def scene(t: float) -> Iterable[DetectedObject]:
        return [SWIMMER, other] if t <= GONE_S else [back] if t >= 16 else []

    told = play(opened(), scene, 20)
    alarms = {t: {o.attributes["track"] for o in objects if o.label == LABEL} for t, objects in told.items()}
    assert alarms[15.0] == {"e:1", "e:2"}
    assert alarms[16.0] == alarms[20.0] == {"e:1"}


def test_two_people_who_stay_are_not_missed_when_their_numbers_change() -> None:
    def scene(t: float) -> Iterable[DetectedObject]:
        epoch = int(t // 4)
        return [person(x, 0.5, 0.3, square=1.0, track=f"e:{2 * epoch + i}") for i, x in enumerate((0.4, 0.6))]

    assert vanished(play(opened(), scene, 60)) == {}


def test_time_without_pictures_is_no_reason_to_miss_anybody() -> None:
    camera = opened()
    play(camera, always(SWIMMER), GONE_S)
    assert vanished(play(camera, NOBODY, 60, from_s=GONE_S + 12)) == {}


def test_a_connection_that_was_lost_meanwhile_ends_the_search() -> None:
    camera = opened()
    assert vanished(play(camera, until_gone(), 20))
    assert vanished(play(camera, NOBODY, 60, from_s=40)) == {}


def test_a_new_epoch_knows_nobody() -> None:
    play(opened(), until_gone(), 10)
    assert vanished(play(opened(epoch="f"), NOBODY, 60, from_s=10.2)) == {}


def test_pictures_of_another_shape_begin_anew() -> None:
    camera = opened()
    play(camera, always(SWIMMER), GONE_S)
    square = PICTURE[:, :90]
    told = {}
    for i in range(100):
        at = START + timedelta(seconds=GONE_S + (i + 1) / 5)
        told[float(i)] = camera.look(square, at, ())
    assert vanished(told) == {}


def test_a_flickering_box_is_less_sure_than_a_steady_one() -> None:
    def confidence(scene: Scene) -> float:
        alarms = vanished(play(opened(), scene, 20))
        return alarms[min(alarms)].confidence

    steady = confidence(until_gone())
    flickering = confidence(lambda t: [SWIMMER] if t <= GONE_S and round(t * 5) % 2 == 0 else [])
    assert flickering < 0.6
    assert steady > 0.9


def test_what_is_kept_alive_by_weak_boxes_is_hardly_anybody() -> None:
    def cone(t: float) -> Iterable[DetectedObject]:
        sure = 0.5 if round(t * 5) % 5 == 0 else 0.25
        return [person(0.5, 0.5, 0.3, square=1.0, confidence=sure)] if t <= GONE_S else []

    alarms = vanished(play(opened(), cone, 20))
    assert alarms[min(alarms)].confidence == pytest.approx(0.2, abs=0.05)


def numbers(camera: CameraRiver, scenes: Iterable[tuple[Scene, float, float]]) -> set[Any]:
    return {o.track_id for scene, a, b in scenes for o in vanished(play(camera, scene, b, from_s=a)).values()}


def test_each_has_a_number_of_its_own() -> None:
    other = person(0.2, 0.5, 0.3, square=1.0, track="e:9")

    def later(t: float) -> Iterable[DetectedObject]:
        return [other] if t <= 86 else []

    assert numbers(opened(), [(until_gone(), 0, 80), (later, 80.2, 110)]) == {f"e:{LABEL}1", f"e:{LABEL}9"}


def test_a_pool_that_fills_the_picture_has_no_bank_to_leave_by() -> None:
    pool: dict[str, object] = {"pool": {**WATER, "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}}
    assert vanished(play(opened(pool), until_gone(), 20))
    assert vanished(play(opened(pool), swim_out, 30)) == {}
