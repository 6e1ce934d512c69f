"""Covered, turned and frozen cameras: what is reported, when, and what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.evaluation.media import pictures, sample
from detectors.evaluation.tamper import TRICKS, alarms, evaluate, notices
from detectors.stages.tamper import WHOLE, CameraTamper, Config, build
from detectors.tamper.view import view
from lianfang.events import DetectedObject

Image = NDArray[np.uint8]
STREET = sample()
START = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
FROM_S, TO_S, END_S = 15.0, 40.0, 44.0


def drawn_scene(seed: int = 0) -> Image:
    """Return houses, poles and a road as rectangles and lines."""
    random = np.random.default_rng(seed)
    image = np.full((120, 160, 3), 120, np.uint8)
    for _ in range(25):
        x, y, width, height = (int(v) for v in random.integers((0, 0, 8, 8), (150, 110, 40, 40)))
        colour = [int(v) for v in random.integers(40, 220, 3)]
        cv2.rectangle(image, (x, y), (x + width, y + height), colour, -1)
    return image


SCENE, OTHER = drawn_scene(), drawn_scene(1)


NOISE = np.random.default_rng(0).normal(0, 3, (7, *SCENE.shape)).astype(np.float32)


def noisy(image: Image, t: float) -> Image:
    levels = image + NOISE[round(t * 10) % len(NOISE)]
    return np.asarray(np.clip(levels, 0, 255), np.uint8)


def camera(**settings: object) -> CameraTamper:
    return build(Config.model_validate({"kind": "tamper", **settings}), None).open("cam", "e")


def times(fps: float = 2.0, end_s: float = END_S) -> list[float]:
    return [i / fps for i in range(round(end_s * fps) + 1)]


def play(
    stage: CameraTamper, scene: Callable[[float], Image], at: Iterable[float]
) -> dict[float, tuple[DetectedObject, ...]]:
    return {t: stage.look(scene(t), START + timedelta(seconds=t), ()) for t in at}


def changed(change: Callable[[Image], Image]) -> Callable[[float], Image]:
    return lambda t: noisy(change(SCENE) if FROM_S <= t < TO_S else SCENE, t)


def frozen(t: float) -> Image:
    return noisy(SCENE, FROM_S if FROM_S <= t < TO_S else t)


@pytest.mark.parametrize("fps", [0.5, 2.0])
@pytest.mark.parametrize(
    ("label", "scene"),
    [
        ("camera_covered", changed(lambda image: np.full_like(image, 30))),
        ("camera_covered", changed(lambda image: np.full_like(image, 220))),
        ("camera_turned", changed(lambda _image: OTHER)),
        ("camera_turned", changed(lambda image: np.roll(image, 40, axis=1))),
        ("camera_frozen", frozen),
    ],
    ids=["dark", "white", "other scene", "panned", "frozen"],
)
def test_what_is_wrong_is_said_after_a_while_and_until_it_is_over(
    label: str, scene: Callable[[float], Image], fps: float
) -> None:
    said = {t: found for t, found in play(camera(), scene, times(fps)).items() if found}
    assert min(said) == pytest.approx(FROM_S + 10, abs=1 / fps)
    assert max(said) == pytest.approx(TO_S, abs=1 / fps)
    assert {o.label for found in said.values() for o in found} == {label}
    assert {o.track_id for found in said.values() for o in found} == {f"e:{label}1"}
    (last,) = said[max(said)]
    assert last.xyxyn == WHOLE
    assert 0.5 <= last.confidence <= 1
    since = datetime.fromisoformat(last.attributes["since"]) - START
    assert since.total_seconds() == pytest.approx(FROM_S, abs=1 / fps)


@pytest.mark.parametrize(
    "change",
    [
        lambda image: (image * 0.5).astype(np.uint8),
        lambda image: (image * 0.6 + 90).astype(np.uint8),
        # Infra-red: one colour, what was light may be dark.
        lambda image: np.repeat(255 - image[..., 1:2], 3, axis=2),
        # The mast sways by a hundredth of the picture.
        lambda image: np.roll(image, 2, axis=1),
        # A lorry stands in a third of it.
        lambda image: np.concatenate([np.full_like(image[:, :53], 200), image[:, 53:]], axis=1),
    ],
    ids=["dusk", "haze", "infra-red", "swaying", "lorry"],
)
def test_what_happens_before_a_camera_is_not_tampering(change: Callable[[Image], Image]) -> None:
    assert not any(play(camera(), changed(change), times()).values())


def test_shorter_than_asked_for_is_nothing() -> None:
    for scene in (changed(lambda image: np.full_like(image, 30)), changed(lambda _image: OTHER), frozen):
        stage = camera(covered_s=30, turned_s=30, frozen_s=30)
        assert not any(play(stage, scene, times(1)).values())


def test_a_camera_that_is_covered_when_it_starts_is_covered() -> None:
    found = play(camera(), lambda t: noisy(np.full_like(SCENE, 30), t), times(end_s=12))
    assert [o.label for o in found[12]] == ["camera_covered"]


def test_a_new_view_is_adopted_in_the_end_and_a_second_turn_has_a_number_of_its_own() -> None:
    def scene(t: float) -> Image:
        return noisy(OTHER if 15 <= t < 120 else SCENE, t)

    found = play(camera(adopt_s=60), scene, times(1, 140))
    assert found[70]
    assert found[80] == () == found[119]
    assert [o.track_id for o in found[135]] == ["e:camera_turned2"]


def test_a_camera_that_comes_back_turned_is_noticed_and_time_without_pictures_does_not_count() -> None:
    stage = camera()
    play(stage, lambda t: noisy(SCENE, t), times(end_s=20))
    found = play(stage, lambda t: noisy(OTHER, t), [100.0, 105.0, 109.0, 110.0])
    assert [bool(f) for f in found.values()] == [False, False, False, True]
    still = noisy(SCENE, 0)
    found = play(stage, lambda _t: still, [200.0, 231.0, 232.0])
    assert not any(o.label == "camera_frozen" for objects in found.values() for o in objects)


def test_an_empty_scene_is_never_called_turned() -> None:
    def scene(t: float) -> Image:
        image = np.full_like(SCENE, 120)
        x = 20 if t < FROM_S else 90
        image[40:70, x : x + 30] = 200
        return noisy(image, t)

    assert 0 < view(scene(0)).detail < 0.2
    assert not any(play(camera(), scene, times()).values())


def test_what_others_found_is_forwarded_and_it_has_no_model() -> None:
    stage = build(Config(kind="tamper"), None)
    assert stage.models == ()
    other = DetectedObject(track_id="e:1", label="person", confidence=0.9, xyxyn=(0, 0, 0.1, 0.1))
    assert stage.open("cam", "e").look(SCENE, START, (other,)) == (other,)
    assert Config(kind="tamper").labels == ("camera_covered", "camera_turned", "camera_frozen")


@pytest.fixture(scope="module")
def street() -> list[tuple[float, Image]]:
    """Thirty-four seconds of a real surveillance camera, half as large, so that it is quick."""
    if not STREET.exists():
        pytest.skip(f"{STREET.name} is not on this machine")
    shown: list[tuple[float, Image]] = []
    for i, (at_s, image) in enumerate(pictures(STREET)):
        if at_s >= 34:
            break
        if i % 4 == 0:
            half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            shown.append((at_s, half.astype(np.uint8)))
    return shown


def test_a_real_street_raises_nothing(street: list[tuple[float, Image]]) -> None:
    assert alarms(street) == set()


@pytest.mark.parametrize("name", TRICKS)
def test_tricks_on_a_real_street_are_noticed(street: list[tuple[float, Image]], name: str) -> None:
    assert notices(street, name)


def test_a_trick_that_changes_nothing_is_not_noticed(
    street: list[tuple[float, Image]], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, _ = TRICKS["hand"]
    monkeypatch.setattr("detectors.evaluation.tamper.TRICKS", {"hand": (kind, lambda image: image)})
    assert not notices(street, "hand")


def test_a_folder_without_clips_gives_no_figure(tmp_path: Path) -> None:
    assert evaluate(tmp_path, None) is None
