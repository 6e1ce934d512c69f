"""Left objects and the light: exposure is followed, other light learned anew, shadows are no things."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from structlog.testing import capture_logs

from detectors.garbage.watch import WarmUp
from tests.unit.detectors.garbage import (
    COMES_S,
    FOUND_S,
    HEIGHT,
    WIDTH,
    Image,
    bag_comes,
    camera,
    first,
    ground,
    play,
    times,
)

EXPOSURES: dict[str, Callable[[Image], NDArray[np.floating]]] = {
    "brighter": lambda image: image * 1.25,
    "white": lambda image: image * 2.0,
    "darker": lambda image: image * 0.6,
    "offset": lambda image: image + 40.0,
    "warmer": lambda image: image * np.array([0.8, 1.0, 1.15]),
}


def lit(image: Image, light: Callable[[Image], NDArray[np.floating]]) -> Image:
    return np.asarray(np.clip(light(image), 0, 255), np.uint8)


@pytest.mark.parametrize("light", EXPOSURES.values(), ids=EXPOSURES)
def test_exposure_is_followed_and_a_bag_left_meanwhile_is_reported_in_time(
    light: Callable[[Image], NDArray[np.floating]],
) -> None:
    stage = camera()
    scene = bag_comes(at_s=25, goes_s=40)
    learned = play(stage, times(19.8), scene)
    changed = play(stage, times(34.8, since_s=20), lambda t: lit(scene(t), light))
    assert stage.warming is None
    back = play(stage, times(45, since_s=35), scene)
    assert first({**learned, **changed}) == pytest.approx(30, abs=0.7)
    assert all(len(objects) == 1 for t, objects in back.items() if t < 40)
    assert back[45] == ()


def test_another_light_is_learned_anew_and_says_so() -> None:
    stage = camera()

    def scene(t: float) -> Image:
        # Infra-red: one colour, other contrast.
        return ground(t) if t < 20 else lit(ground(t), lambda i: np.repeat(255 - i[..., 2:] * 0.8, 3, axis=2))

    with capture_logs() as logs:
        found = play(stage, times(20.4), scene)
        assert stage.warming is WarmUp.LIGHT
        found |= play(stage, times(45, since_s=20.6), scene)
    assert first(found) is None
    assert stage.warming is None
    said = [(log["event"], log.get("reason"), log["camera_id"]) for log in logs]
    assert said == [
        ("garbage_warming_up", "start", "cam"),
        ("garbage_watching", None, "cam"),
        ("garbage_warming_up", "light", "cam"),
        ("garbage_watching", None, "cam"),
    ]


def test_a_lorry_that_passes_close_by_is_passed_over() -> None:
    def scene(t: float) -> Image:
        image = bag_comes(goes_s=40)(t)
        if 25 <= t < 27:
            columns = np.random.default_rng(5).integers(0, 255, (1, WIDTH - 40, 3))
            image[10:, :-40] = columns
        return image

    stage = camera()
    found = play(stage, times(26), scene)
    assert stage.warming is WarmUp.LIGHT
    found |= play(stage, times(27.4, since_s=26.2), scene)
    assert stage.warming is None
    found |= play(stage, times(45, since_s=27.6), scene)
    assert {o.track_id for objects in found.values() for o in objects} == {"e:left_object1"}
    assert all(len(objects) == 1 for t, objects in found.items() if FOUND_S + 1 <= t < 40)
    assert found[45] == ()


def test_a_cloud_over_part_of_the_picture_and_a_caption_are_no_things() -> None:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    shade = 34 * np.exp(-(((columns - 80) / 22) ** 2 + ((rows - 60) / 22) ** 2))[..., None]

    def scene(t: float) -> Image:
        image = ground(t)
        if t >= COMES_S:
            image = lit(image, lambda i: i - shade)
            image[100:105, 20:60] = (0, 0, 0)
        return image

    assert first(play(camera(), times(30), scene)) is None


def test_what_is_left_stays_left_in_another_light() -> None:
    def scene(t: float) -> Image:
        image = bag_comes(goes_s=50)(t)
        return image if t < 25 else np.clip(image * 1.2, 0, 255).astype(np.uint8)

    found = play(camera(), times(64), scene)
    assert all(len(objects) == 1 for t, objects in found.items() if FOUND_S + 1 <= t < 50)
    assert found[64] == ()


def test_a_shadow_on_a_pattern_is_no_thing() -> None:
    texture = np.random.default_rng(1).integers(90, 170, (HEIGHT // 3, WIDTH // 4, 1)).repeat(3, axis=2)
    paving = np.kron(texture, np.ones((3, 4, 1))).astype(np.uint8)

    def scene(t: float) -> Image:
        image = paving.copy()
        if t >= COMES_S:
            image[50:80, 60:100] = image[50:80, 60:100] * 0.6
        return image

    assert first(play(camera(), times(30), scene)) is None


def test_nothing_is_reported_while_the_ground_is_learned() -> None:
    stage = camera(warm_up_s=20)
    assert first(play(stage, times(19.8), bag_comes(at_s=8))) is None
    assert stage.warming is WarmUp.START


@pytest.mark.parametrize(("gap_s", "warming"), [(25.0, None), (31.0, WarmUp.GAP)])
def test_after_a_long_gap_the_ground_is_learned_anew(gap_s: float, warming: WarmUp | None) -> None:
    stage = camera()
    play(stage, times(15), bag_comes(at_s=1e9))
    # The thing came while nobody looked, so that it may as well be a new bench.
    found = play(stage, [15 + gap_s], bag_comes())
    assert first(found) is None
    assert stage.warming is warming


def test_pictures_of_another_size_begin_anew() -> None:
    stage = camera()
    play(stage, times(25), bag_comes())
    found = play(stage, [25.2], lambda _t: np.full((90, 120, 3), 90, np.uint8))
    assert stage.warming is WarmUp.SIZE
    assert first(found) is None


def test_what_comes_as_the_learning_ends_belongs_to_the_ground() -> None:
    found = play(camera(), times(40), bag_comes(at_s=9, goes_s=30))
    assert first(found) is None
