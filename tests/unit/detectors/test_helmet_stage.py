"""The stage on pictures made so that the classifier's answers can be foreseen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.helmets.heads import Head, of_rider
from detectors.helmets.weights import RECEIPT
from detectors.stages.helmet import CameraHelmet, Config, Helmet, build
from lianfang.config import Config as Root
from lianfang.errors import ConfigError
from lianfang.events import XYXYN, DetectedObject
from tests.support.configs import loaded
from tests.unit.detectors import helmets

T0 = datetime(2026, 1, 2, 8, tzinfo=UTC)
WIDTH, HEIGHT = 1000, 600
RIDER: XYXYN = (0.40, 0.30, 0.46, 0.60)
BIKE: XYXYN = (0.39, 0.42, 0.47, 0.66)
WALKER: XYXYN = (0.70, 0.30, 0.76, 0.60)
CUT_OFF = Head(430, 8, 36)


def person(xyxyn: XYXYN, track: str | None = "e:1", **attributes: object) -> DetectedObject:
    return DetectedObject(
        track_id=track, label="person", confidence=0.5, xyxyn=xyxyn, attributes=dict(attributes)
    )


BIKE_OBJECT = DetectedObject(track_id="e:9", label="motorcycle", confidence=0.4, xyxyn=BIKE)


def picture(level: int, *persons: XYXYN, stripes: bool = True) -> NDArray[np.uint8]:
    """Return a picture with heads of that level of grey, streaked, so that they have detail."""
    image = np.full((HEIGHT, WIDTH, 3), level, np.uint8)
    if stripes:
        image[::6] = 255 - image[::6]
    for xyxyn in persons:
        head: Head = of_rider(xyxyn, WIDTH, HEIGHT)
        assert head.size_px >= 12
    return image


def opened(**keys: object) -> CameraHelmet:
    config = Config.model_validate({"kind": "helmet", **keys})
    heads = [of_rider(xyxyn, WIDTH, HEIGHT) for xyxyn in (RIDER, WALKER)]
    return Helmet(config, helmets.Heads(*heads, CUT_OFF), helmets.classifier(gain=16.0)).open("cam", "e")


def said(thing: DetectedObject) -> object:
    return thing.attributes.get("helmet")


def looks(
    camera: CameraHelmet, image: NDArray[np.uint8], count: int, *objects: DetectedObject, start: int = 0
) -> DetectedObject:
    """Show a picture several times, a quarter of a second apart; return the first object at the end."""
    for i in range(start, start + count):
        told = camera.look(image, T0 + timedelta(seconds=i / 4), objects)
    assert [(one.label, one.xyxyn, one.track_id) for one in told] == [
        (one.label, one.xyxyn, one.track_id) for one in objects
    ]
    return told[0]


@pytest.mark.parametrize(("level", "state"), [(250, "bare"), (5, "worn")])
def test_a_rider_is_told_after_enough_looks(level: int, state: str) -> None:
    camera, image = opened(), picture(level, RIDER)
    assert said(looks(camera, image, 2, person(RIDER), BIKE_OBJECT)) == "unknown"
    told = looks(camera, image, 1, person(RIDER, crowd=3), BIKE_OBJECT, start=2)
    assert said(told) == state
    assert told.attributes["crowd"] == 3, "what other stages said stays"
    assert 0.8 < told.attributes["helmet_confidence"] <= 1


def test_a_head_that_could_be_either_stays_unknown() -> None:
    assert said(looks(opened(), picture(128, RIDER), 9, person(RIDER), BIKE_OBJECT)) == "unknown"


def test_pedestrians_and_two_wheelers_get_nothing() -> None:
    camera, image = opened(), picture(250, RIDER)
    at = T0
    for _ in range(5):
        at += timedelta(seconds=1)
        told = camera.look(image, at, (person(WALKER, "e:2"), BIKE_OBJECT, person(RIDER)))
    assert [one.attributes for one in told[:2]] == [{}, {}]
    assert said(told[2]) == "bare"


@pytest.mark.parametrize(
    ("keys", "image"),
    [
        ({"min_head_px": 40}, picture(250, RIDER)),
        ({}, picture(250, RIDER, stripes=False)),  # without any detail: fog, or a covered lens
        ({"min_votes": 20}, picture(250, RIDER)),
    ],
    ids=["small", "blurred", "few looks"],
)
def test_what_cannot_be_judged_is_unknown(keys: dict[str, object], image: NDArray[np.uint8]) -> None:
    assert said(looks(opened(**keys), image, 10, person(RIDER), BIKE_OBJECT)) == "unknown"


def test_a_head_cut_off_by_the_edge_is_unknown() -> None:
    cut: XYXYN = (0.40, 0.0, 0.46, 0.30)
    bike = DetectedObject(track_id="e:9", label="motorcycle", confidence=0.4, xyxyn=(0.39, 0.12, 0.47, 0.36))
    assert said(looks(opened(), picture(250, RIDER), 10, person(cut), bike)) == "unknown"


def test_a_two_wheeler_answers_for_a_rider_who_is_not_found_as_a_person() -> None:
    camera, image = opened(), picture(250, RIDER)
    assert said(looks(camera, image, 3, BIKE_OBJECT)) == "bare"
    assert said(looks(camera, image, 1, BIKE_OBJECT, person(RIDER), start=3)) == "bare"
    assert said(looks(camera, image, 1, person(RIDER), BIKE_OBJECT, start=4)) == "unknown", "two looks so far"


def test_a_parked_two_wheeler_gets_nothing_and_who_stands_at_it_neither() -> None:
    parked = DetectedObject(track_id="e:9", label="motorcycle", confidence=0.4, xyxyn=(0.1, 0.42, 0.18, 0.66))
    beside = person((0.17, 0.30, 0.23, 0.70))
    camera, image = opened(), picture(250)
    assert said(looks(camera, image, 5, parked, beside)) is None
    assert said(looks(camera, image, 5, beside, parked, start=5)) is None


def test_a_rider_without_a_number_is_unknown() -> None:
    assert (
        said(looks(opened(min_votes=1), picture(250, RIDER), 5, person(RIDER, None), BIKE_OBJECT))
        == "unknown"
    )


def test_tracks_do_not_vote_for_each_other() -> None:
    camera = opened()
    looks(camera, picture(250, RIDER), 5, person(RIDER, "e:1"), BIKE_OBJECT)
    assert said(looks(camera, picture(5, RIDER), 5, person(RIDER, "e:2"), BIKE_OBJECT, start=5)) == "worn"


def test_a_two_wheeler_missed_for_a_moment_is_still_ridden_but_not_for_longer() -> None:
    camera, image = opened(), picture(250, RIDER)
    looks(camera, image, 4, person(RIDER), BIKE_OBJECT)
    last = T0 + timedelta(seconds=3 / 4)
    (soon,) = camera.look(image, last + timedelta(seconds=1), (person(RIDER),))
    (late,) = camera.look(image, last + timedelta(seconds=1.5), (person(RIDER),))
    assert (said(soon), said(late)) == ("bare", None)


def test_votes_of_a_ride_long_over_are_forgotten() -> None:
    camera, image = opened(), picture(250, RIDER)
    looks(camera, image, 4, person(RIDER), BIKE_OBJECT)
    (told, _) = camera.look(image, T0 + timedelta(seconds=60), (person(WALKER), BIKE_OBJECT))
    assert said(told) is None
    (told, _) = camera.look(image, T0 + timedelta(seconds=61), (person(RIDER), BIKE_OBJECT))
    assert said(told) == "unknown"


def configured(folder: Path, *changes: tuple[str, object]) -> Root:
    return loaded(
        folder,
        ("detectors.objects.labels", ["person", "bicycle", "motorcycle"]),
        ("detectors.helmets", {"kind": "helmet"}),
        ("cameras.cam.detectors", ["objects", "helmets"]),
        *changes,
    )


def test_the_package_s_stage_is_configured_and_built(tmp_path: Path) -> None:
    config = configured(tmp_path)
    stanza = config.detectors["helmets"]
    assert isinstance(stanza, Config)
    assert [model.split("@")[0] for model in build(stanza, tmp_path).models] == [
        "helmet-locator",
        "helmet-head",
    ]


@pytest.mark.parametrize(
    "change",
    [
        ("detectors.objects.labels", ["person", "bicycle"]),
        ("cameras.cam.detectors", ["helmets", "objects"]),
        ("cameras.cam.detectors", ["helmets"]),
    ],
)
def test_without_riders_before_it_it_is_refused(tmp_path: Path, change: tuple[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"'helmet' at camera cam without .*motorcycle"):
        configured(tmp_path, change)


def test_altered_weights_are_a_problem_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / RECEIPT).write_text("{}")
    with pytest.raises(ConfigError, match="no receipt"):
        configured(tmp_path, ("models_dir", str(tmp_path / "models")))
