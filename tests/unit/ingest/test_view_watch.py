"""Covered, turned and frozen cameras: what is reported, when, and what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from deploy.evaluation.tamper import TRICKS, alarms, evaluate, notices
from detectors.evaluation.media import pictures, sample
from ingest.health.view import likeness, view
from ingest.health.watch import ViewWatch
from lianfang.config.health import Health

Image = NDArray[np.uint8]
STREET = sample()
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


def watch(**settings: object) -> ViewWatch:
    return ViewWatch(Health.model_validate({"frozen_s": 10, **settings}))


def times(fps: float = 1.0, end_s: float = END_S) -> list[float]:
    return [i / fps for i in range(round(end_s * fps) + 1)]


def play(watched: ViewWatch, scene: Callable[[float], Image], at: Iterable[float]) -> dict[float, set[str]]:
    """Return the faults at each time, as ``look`` says that they change."""
    said, now = dict[float, set[str]](), set[str]()
    for t in at:
        if watched.look(cv2.cvtColor(scene(t), cv2.COLOR_BGR2GRAY).astype(np.uint8), t):
            now = set(watched.faults)
        said[t] = now
    return said


def changed(change: Callable[[Image], Image]) -> Callable[[float], Image]:
    return lambda t: noisy(change(SCENE) if FROM_S <= t < TO_S else SCENE, t)


def frozen(t: float) -> Image:
    return noisy(SCENE, FROM_S if FROM_S <= t < TO_S else t)


@pytest.mark.parametrize("fps", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(
    ("fault", "scene"),
    [
        ("covered", changed(lambda image: np.full_like(image, 30))),
        ("covered", changed(lambda image: np.full_like(image, 220))),
        ("turned", changed(lambda _image: OTHER)),
        ("turned", changed(lambda image: np.roll(image, 40, axis=1))),
        ("frozen", frozen),
    ],
    ids=["dark", "white", "other scene", "panned", "frozen"],
)
def test_what_is_wrong_is_said_after_a_while_and_until_it_is_over(
    fault: str, scene: Callable[[float], Image], fps: float
) -> None:
    said = {t: found for t, found in play(watch(), scene, times(fps)).items() if found}
    step_s = max(1.0, 1 / fps)
    assert min(said) == pytest.approx(FROM_S + 10, abs=step_s)
    assert max(said) == pytest.approx(TO_S, abs=step_s)
    assert set().union(*said.values()) == {fault}


def test_what_is_not_watched_for_is_never_said_and_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    covered = changed(lambda image: np.full_like(image, 30))
    assert not any(play(watch(watch=["turned", "frozen"]), covered, times()).values())
    monkeypatch.setattr("ingest.health.watch.view", pytest.fail)
    assert not any(play(watch(watch=[]), covered, times()).values())


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
    assert not any(play(watch(), changed(change), times()).values())


def test_shorter_than_asked_for_is_nothing() -> None:
    for scene in (changed(lambda image: np.full_like(image, 30)), changed(lambda _image: OTHER), frozen):
        long = watch(covered_s=30, turned_s=30, frozen_s=30)
        assert not any(play(long, scene, times(1)).values())


def test_a_camera_that_is_covered_when_it_starts_is_covered() -> None:
    found = play(watch(), lambda t: noisy(np.full_like(SCENE, 30), t), times(end_s=12))
    assert found[12] == {"covered"}


def test_a_new_view_is_adopted_in_the_end() -> None:
    def scene(t: float) -> Image:
        return noisy(OTHER if 15 <= t < 120 else SCENE, t)

    found = play(watch(adopt_s=60), scene, times(1, 140))
    assert [t for t, faults in found.items() if faults] == [*times(1, 140)[25:75], *times(1, 140)[130:]]


def test_time_without_pictures_does_not_count_and_ends_no_fault() -> None:
    watched = watch()
    play(watched, lambda t: noisy(SCENE, t), times(1, 40))
    found = play(watched, lambda t: noisy(OTHER, t), [100.0, 105.0, 109.0, 110.0])
    assert list(found.values()) == [set(), set(), set(), {"turned"}]
    found = play(watched, lambda t: noisy(OTHER, t), [200.0, 201.0])
    assert list(found.values()) == [set(), set()], "nothing has changed: it is turned still"
    assert watched.faults == {"turned"}
    still = noisy(SCENE, 0)
    play(watched, lambda _t: still, [300.0, 331.0, 332.0])
    assert watched.faults == set()


def test_an_empty_scene_is_never_called_turned() -> None:
    def scene(t: float) -> Image:
        image = np.full_like(SCENE, 120)
        x = 20 if t < FROM_S else 90
        image[40:70, x : x + 30] = 200
        return noisy(image, t)

    assert 0 < view(cv2.cvtColor(scene(0), cv2.COLOR_BGR2GRAY).astype(np.uint8)).detail < 0.2
    assert not any(play(watch(), scene, times()).values())


@pytest.mark.parametrize("shape", [(48, 64), (119, 161), (576, 768), (720, 1280), (2, 2)])
def test_any_size_of_picture_has_a_view(shape: tuple[int, int]) -> None:
    seen = view(np.random.default_rng(0).integers(0, 255, shape, np.uint8))
    assert 0 <= seen.detail <= 1
    assert seen.edges.shape == (2, 120, 160)
    assert likeness(seen.edges, seen.edges) == pytest.approx(1)


def test_the_filters_are_those_of_opencv(street: list[tuple[float, Image]]) -> None:
    luma = cv2.cvtColor(cv2.resize(street[0][1], (160, 120)), cv2.COLOR_BGR2GRAY).astype(np.uint8)
    grey = cv2.GaussianBlur(luma.astype(np.float32), (5, 5), 0)
    dx, dy = (cv2.Sobel(grey, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1)))
    strength = np.hypot(dx, dy)
    scale = np.where(strength >= 1, np.maximum(strength, 1) ** -1.5, 0)
    theirs = np.stack([(dx * dx - dy * dy) * scale, 2 * dx * dy * scale])
    assert likeness(view(luma).edges, theirs.astype(np.float32)) == pytest.approx(1, abs=1e-4)


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
    monkeypatch.setattr("deploy.evaluation.tamper.TRICKS", {"hand": (kind, lambda image: image)})
    assert not notices(street, "hand")


def test_a_folder_without_clips_gives_no_figure(tmp_path: Path) -> None:
    assert evaluate(tmp_path, None) is None
