"""Left objects in drawn scenes: what is reported, when, and what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from structlog.testing import capture_logs

from detectors.garbage.watch import WarmUp
from detectors.stages.garbage import LABEL, CameraGarbage, Config, build
from lianfang.errors import ConfigError
from lianfang.events import DetectedObject
from tests.support.configs import loaded

Image = NDArray[np.uint8]
Objects = tuple[DetectedObject, ...]
START = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
HEIGHT, WIDTH = 120, 160
BAG = (70, 60, 84, 78)  # pixels: x_min, y_min, x_max, y_max
FPS = 5.0
COMES_S, FOUND_S = 15.0, 20.0  # default: five seconds still, three of them without the owner
PASSER_BY = (0.0, 0.3, 0.1, 0.8)


def _grounds() -> list[Image]:
    """Return a scene with structure, each time with a little noise of its own."""
    columns, rows = np.arange(WIDTH)[None, :, None], np.arange(HEIGHT)[:, None, None]
    noise = np.random.default_rng(0).integers(-3, 4, (7, HEIGHT, WIDTH, 3))
    return list(np.asarray(110 + 25 * (columns // 20 % 2) + rows // 4 + noise, np.uint8))


GROUNDS = _grounds()


def ground(t: float = 0) -> Image:
    """Return the scene as it is at ``t``."""
    return GROUNDS[round(t * 100) % len(GROUNDS)].copy()


def with_thing(image: Image, box: Sequence[int] = BAG, colour: Sequence[int] = (40, 40, 45)) -> Image:
    x_min, y_min, x_max, y_max = box
    image[y_min:y_max, x_min:x_max] = colour
    image[y_min + 3 : y_min + 5, x_min + 2 : x_max - 2] = np.add(colour, 30)
    return image


def person(
    box: tuple[float, float, float, float], n: int | None = 1, confidence: float = 0.8
) -> DetectedObject:
    return DetectedObject(
        track_id=None if n is None else f"e:{n}", label="person", confidence=confidence, xyxyn=box
    )


def camera(**settings: object) -> CameraGarbage:
    return build(Config.model_validate({"kind": "garbage", **settings}), None).open("cam", "e")


def times(until_s: float, fps: float = FPS, since_s: float = 0) -> Iterable[float]:
    return (round(i / fps, 4) for i in range(round(since_s * fps), round(until_s * fps) + 1))


def play(
    stage: CameraGarbage,
    at: Iterable[float],
    scene: Callable[[float], Image],
    people: Callable[[float], Objects] = lambda _t: (),
) -> dict[float, Objects]:
    """Return per second of the script what is left in the picture then."""
    found: dict[float, Objects] = {}
    for t in at:
        objects = stage.look(scene(t), START + timedelta(seconds=t), people(t))
        found[t] = tuple(o for o in objects if o.label == LABEL)
    return found


def first(found: dict[float, Objects]) -> float | None:
    return next((t for t, objects in found.items() if objects), None)


def bag_comes(at_s: float = COMES_S, goes_s: float = 1e9) -> Callable[[float], Image]:
    def scene(t: float) -> Image:
        image = ground(t)
        return with_thing(image) if at_s <= t < goes_s else image

    return scene


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


@pytest.mark.parametrize(
    "light",
    [
        lambda image: np.clip(image * 1.25, 0, 255),
        lambda image: np.clip(image * 0.6, 0, 255),
        lambda image: np.clip(image.astype(float) + 40, 0, 255),
        # Infra-red: one colour, other contrast.
        lambda image: np.repeat(255 - image[..., 2:] * 0.8, 3, axis=2),
    ],
    ids=["brighter", "darker", "offset", "infra-red"],
)
def test_a_change_of_light_raises_nothing_and_says_that_the_ground_is_learned(
    light: Callable[[Image], NDArray[np.float64]],
) -> None:
    stage = camera()

    def scene(t: float) -> Image:
        image = ground(t)
        return image if t < 20 else light(image).astype(np.uint8)

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


def test_a_thing_that_stays_long_enough_belongs_to_the_place() -> None:
    found = play(camera(forget_after_s=60), times(90, 2), bag_comes())
    assert found[70]
    assert found[90] == ()


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (2, 4000)])
def test_pictures_of_any_shape_are_borne(size: tuple[int, int]) -> None:
    found = play(camera(), times(20, 1), lambda t: np.full((*size, 3), 100 if t < 14 else 130, np.uint8))
    assert first(found) is None


def test_what_others_found_is_passed_on_and_nothing_is_said_of_models() -> None:
    stage = build(Config(kind="garbage"), None)
    assert stage.models == ()
    somebody = person(PASSER_BY)
    assert stage.open("cam", "e").look(ground(), START, (somebody,)) == (somebody,)


@pytest.mark.parametrize(
    ("stages", "people", "faults"),
    [
        (["objects", "litter"], ["person"], []),
        (["litter", "objects"], ["person"], ["detectors.litter.people"]),
        (["litter"], ["person"], ["detectors.litter.people"]),
        (["objects", "litter"], ["dog"], ["detectors.litter.people"]),
        # A stage that no camera names is no fault.
        (["objects"], ["dog"], []),
    ],
)
def test_a_camera_that_finds_no_people_first_is_a_fault(
    tmp_path: Path, stages: list[str], people: list[str], faults: list[str]
) -> None:
    changes = (
        ("detectors.litter", {"kind": "garbage", "people": people}),
        ("cameras.cam.detectors", stages),
        ("rules.entry.cameras", ["cam2"]),
    )
    assert [key for key in keys_at_fault(tmp_path, *changes) if "litter" in key] == faults


@pytest.mark.parametrize(("label", "faults"), [(LABEL, 0), ("bag", 1)])
def test_rules_can_ask_for_its_label(tmp_path: Path, label: str, faults: int) -> None:
    changes = (
        ("detectors.litter", {"kind": "garbage"}),
        ("cameras.cam.detectors", ["objects", "litter"]),
        ("rules.entry.cameras", ["cam"]),
        ("rules.entry.labels", [label]),
    )
    assert len([key for key in keys_at_fault(tmp_path, *changes) if "labels" in key]) == faults


def keys_at_fault(folder: Path, *changes: tuple[str, Any]) -> list[str]:
    try:
        loaded(folder, *changes)
    except ConfigError as error:
        return [problem.key for problem in error.problems]
    return []
