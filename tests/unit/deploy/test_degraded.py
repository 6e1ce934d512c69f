"""Pictures made worse in the way that is said, always the same; what is kept, worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from alerts.incidents.incident import Incident
from deploy.evaluation import degraded, site
from deploy.evaluation.degraded import Loss, Played, compare, evaluate, report
from deploy.evaluation.weather import CHANGES, Picture
from detectors.evaluation.media import sample
from detectors.models.store import verify
from lianfang.errors import ModelError
from lianfang.events import XYXYN, DetectedObject


def seeded(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def scene() -> Picture:
    """Squares of all colours, finely textured."""
    coarse = seeded(1).integers(20, 236, (12, 16, 3)).repeat(20, axis=0).repeat(20, axis=1)
    return np.clip(coarse + seeded(2).normal(0, 10, coarse.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", CHANGES)
def test_the_same_seed_gives_the_same_picture_and_leaves_the_given_one(name: str, scene: Picture) -> None:
    given = scene.copy()
    worse = CHANGES[name](given, seeded(5))
    assert worse.shape == scene.shape
    assert worse.dtype == np.uint8
    assert np.array_equal(given, scene)
    assert np.array_equal(worse, CHANGES[name](given, seeded(5)))
    assert not np.array_equal(worse, scene)
    other = CHANGES[name](given, seeded(6))
    assert np.array_equal(worse, other) is (name not in {"night", "rain"})


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 7, 3), (480, 270, 3)])
@pytest.mark.parametrize("level", [0, 255])
def test_pictures_of_any_size_and_no_light_or_all(name: str, shape: tuple[int, ...], level: int) -> None:
    worse = CHANGES[name](np.full(shape, level, np.uint8), seeded(5))
    assert worse.shape == shape
    assert worse.dtype == np.uint8


def fine(picture: Picture) -> float:
    """Return how much neighbouring pixels differ."""
    return float(np.abs(np.diff(picture.astype(float), axis=1)).mean())


def test_night_is_dark_noisy_and_pale(scene: Picture) -> None:
    grey = np.full_like(scene, 128)
    dark = CHANGES["night"](grey, seeded(5))
    assert 0.4 * 128 < dark.mean() < 0.75 * 128
    assert dark.std() > 4
    colour = CHANGES["night"](scene, seeded(5)).astype(float)
    assert np.ptp(colour.mean(axis=(0, 1))) < np.ptp(scene.mean(axis=(0, 1)))


def test_rain_is_bright_streaks_that_stand_up() -> None:
    ground = np.full((400, 400, 3), 60, np.uint8)
    wet = CHANGES["rain"](ground, seeded(5))[..., 0].astype(float)
    streaks = wet > wet.min() + 30
    assert 0.002 < streaks.mean() < 0.2
    # Down a streak the light goes on; across it, it ends.
    down, across = (streaks[1:] & streaks[:-1]).sum(), (streaks[:, 1:] & streaks[:, :-1]).sum()
    assert down > 1.5 * across


def test_fog_takes_contrast_most_of_all_far_away(scene: Picture) -> None:
    foggy = CHANGES["fog"](scene, seeded(5))
    left = [foggy[rows].std() / scene[rows].std() for rows in (slice(0, 40), slice(200, 240))]
    assert left[0] < left[1] < 0.7


def test_blur_takes_what_is_fine_and_compression_little(scene: Picture) -> None:
    assert fine(CHANGES["blur"](scene, seeded(5))) < 0.5 * fine(scene)
    packed = CHANGES["jpeg30"](scene, seeded(5))
    assert 1 < np.abs(packed.astype(float) - scene).mean() < 20


def incident(place: str, opened_s: float, last_s: float) -> Incident:
    at = [site.START + timedelta(seconds=s) for s in (opened_s, last_s)]
    return Incident(
        id=f"{place} {opened_s}",
        rule="person",
        place=place,
        point="point",
        camera=site.CAMERA,
        zone=place,
        opened_at=at[0],
        last_seen_at=at[1],
        occupied=True,
        people=1,
        members_total=1,
        members=(),
    )


def seen(*boxes: XYXYN, track: str | None = "e:1", label: str = "person") -> tuple[DetectedObject, ...]:
    return tuple(DetectedObject(track_id=track, label=label, confidence=0.8, xyxyn=box) for box in boxes)


BOX, NEAR, FAR = (0.1, 0.1, 0.2, 0.4), (0.12, 0.1, 0.22, 0.4), (0.16, 0.1, 0.26, 0.4)


@pytest.mark.parametrize(
    ("worse", "kept", "extra"),
    [
        ([incident("a", 10, 20)], 1, 0),
        ([], 0, 0),
        ([incident("a", 19, 40)], 1, 0),
        ([incident("a", 22, 40)], 1, 0),  # two seconds later than the last that was seen
        ([incident("a", 22.1, 40)], 0, 1),
        ([incident("a", 1, 7.9)], 0, 1),
        ([incident("b", 10, 20)], 0, 1),  # another place
        ([incident("a", 10, 12), incident("a", 18, 20)], 1, 0),  # in two parts, and still told
    ],
)
def test_what_is_kept_and_what_is_new(worse: list[Incident], kept: int, extra: int) -> None:
    loss = Loss()
    compare("v", Played((incident("a", 10, 20),), ()), Played(tuple(worse), ()), loss)
    assert (loss.incidents, loss.kept, loss.extra) == (1, kept, extra)
    assert loss.lost == ([] if kept else ["v a at 10 s"])


@pytest.mark.parametrize(
    ("before", "after", "people", "found"),
    [
        (seen(BOX), seen(BOX), 1, 1),
        (seen(BOX), seen(NEAR, track=None), 1, 1),  # overlap .67; it need not be confirmed
        (seen(BOX), seen(FAR), 1, 0),  # .25
        (seen(BOX), seen(BOX, label="car"), 1, 0),
        (seen(BOX, track=None), seen(BOX), 0, 0),  # nobody was sure of it in the clean picture
        (seen(BOX, label="car"), seen(), 0, 0),
        (seen(BOX, FAR), seen(BOX), 2, 1),
        (seen(), seen(BOX), 0, 0),
    ],
)
def test_people_that_are_found_again(
    before: Sequence[DetectedObject], after: Sequence[DetectedObject], people: int, found: int
) -> None:
    loss = Loss()
    compare("v", Played((), (tuple(before),)), Played((), (tuple(after),)), loss)
    assert (loss.people, loss.found) == (people, found)


def test_the_figures_of_a_change() -> None:
    lost = Loss(incidents=4, kept=3, extra=2, people=10, found=5, lost=["v a at 3 s"])
    result = report({"fog": lost, "rain": Loss()}, ["v: 4 incidents"])
    assert {name: (figure.value, figure.count) for name, figure in result.figures.items()} == {
        "degraded.kept_fog": (0.75, 4),
        "degraded.extra_fog": (2, 4),
        "degraded.recall_fog": (0.5, 10),
    }
    assert result.notes == ("v: 4 incidents", "lost by fog: v a at 3 s")


def test_without_clips_nothing_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(degraded, "stages_of", lambda *_: pytest.fail("no model is needed to find no clip"))
    assert evaluate(tmp_path, None) is None


def test_a_real_street_as_it_is_and_in_the_dark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not sample().is_file():
        pytest.skip("the sample video is not on this machine")
    try:
        verify("nanodet-g", None)
    except ModelError as error:
        pytest.skip(str(error))
    monkeypatch.setattr(degraded, "clips_of", lambda _: [sample()])
    monkeypatch.setattr(degraded, "SECONDS", 2.0)
    changes = {"none": lambda picture, _: picture, "black": lambda picture, _: np.zeros_like(picture)}
    monkeypatch.setattr(degraded, "CHANGES", changes)
    result = evaluate(tmp_path, None)
    assert result is not None
    values = {name: figure.value for name, figure in result.figures.items()}
    assert values.pop("degraded.kept_none") == values.pop("degraded.recall_none") == 1
    assert set(values.values()) == {0}
    assert result.figures["degraded.kept_black"].count >= 2, "people in more than one part of the picture"
    assert result.figures["degraded.recall_black"].count >= 10
