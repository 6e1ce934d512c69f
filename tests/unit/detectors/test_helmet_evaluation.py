"""How the chain's word on riders is counted against labels, and that a folder is read as it lies."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.engines.base import Detections
from detectors.evaluation.helmet import (
    Chain,
    Judged,
    Label,
    Said,
    evaluate,
    match,
    pedestrians,
    read_labels,
    report,
)
from detectors.helmets.heads import Head
from detectors.helmets.votes import State
from detectors.models.store import verify
from lianfang.errors import ModelError
from tests.unit.detectors import helmets

DATA = Path(__file__).parents[4] / "shared" / "data" / "helmet_cctv"
SCORES = np.array([0.9, 0.6, 0.4, 0.1], np.float32)
BARE = np.array([True, False, True, False])


def said(x: float, state: State = "bare", size_px: float = 20) -> Said:
    return Said(Head(x, 100, size_px), state)


def label(x: float, bare: bool = True) -> Label:
    return Label(Head(x, 100, 20), bare)


def test_labels_and_riders_are_joined_nearest_first() -> None:
    judged, others = match(
        [label(100), label(110, bare=False), label(300)],
        [said(118, "worn"), said(102), said(500, "unknown")],
    )
    assert judged == [Judged(True, "bare"), Judged(False, "worn"), Judged(True, None)]
    assert others == [said(500, "unknown")]


@pytest.mark.parametrize(("x", "found"), [(119.0, "bare"), (121.0, None)])
def test_a_head_further_off_than_its_size_is_another(x: float, found: State | None) -> None:
    assert match([label(100)], [said(x)])[0] == [Judged(True, found)]


def test_one_rider_answers_for_one_label() -> None:
    judged, others = match([label(100), label(105)], [said(101)])
    assert [head.said for head in judged] == ["bare", None]
    assert others == []


def test_the_figures_of_labelled_heads() -> None:
    judged = [
        *[Judged(True, "bare")] * 6,
        *[Judged(False, "bare")] * 2,
        *[Judged(True, None)] * 2,
        *[Judged(True, "unknown")],
        *[Judged(True, "worn")],
        *[Judged(False, "worn")] * 3,
    ]
    made = report(judged, [said(1), said(2, "worn")], SCORES, BARE)
    figures = {name: (figure.value, figure.count) for name, figure in made.figures.items()}
    ap, count = figures.pop("helmet.head_ap")
    assert ap == pytest.approx((1 + 2 / 3) / 2)
    assert count == 4
    assert figures == {
        "helmet.frame_precision": (6 / 8, 8),
        "helmet.frame_recall": (6 / 10, 10),
        "helmet.worn_precision": (3 / 4, 4),
        "helmet.riders_found": (13 / 15, 15),
        "helmet.unmatched_bare_claims": (1 / 9, 9),
        "helmet.strict_precision": (6 / 9, 9),
    }
    assert "at 1 of them the rider was found and left unknown" in made.notes[0]
    assert made.notes[1] == "2 riders found without a labelled head, 1 of them called bare"


def test_what_was_never_said_has_no_precision() -> None:
    made = report([Judged(False, "unknown")], [], SCORES[:1], BARE[1:2])
    assert set(made.figures) == {"helmet.riders_found"}


def test_a_folder_without_helmets_has_no_figures(tmp_path: Path) -> None:
    assert evaluate(tmp_path, tmp_path) is None


def folder(tmp_path: Path, count: int) -> Path:
    """Return a data folder with about ``count`` pictures of the real one, spread over it."""
    if not DATA.is_dir():
        pytest.skip("../shared/data/helmet_cctv is not here")
    test = tmp_path / "helmet_cctv" / "test"
    for name in ("images", "labels"):
        (test / name).mkdir(parents=True)
        for path in sorted((DATA / "test" / name).iterdir())[:: 97 // count]:
            (test / name / path.name).symlink_to(path)
    return tmp_path


def test_real_pictures_are_measured(tmp_path: Path) -> None:
    data = folder(tmp_path, 12)
    try:
        verify("nanodet-g")
    except ModelError as error:
        pytest.skip(str(error))
    made = evaluate(data, None)
    assert made is not None
    labels = sum(
        len(read_labels(path, np.zeros((720, 1280, 3), np.uint8)))
        for path in (data / "helmet_cctv" / "test" / "images").iterdir()
    )
    assert made.figures["helmet.riders_found"].count == labels > 10
    assert made.figures["helmet.riders_found"].value > 0.5
    assert made.figures["helmet.head_ap"].value > 0.6


def test_a_picture_that_is_none_is_an_error(tmp_path: Path) -> None:
    data = folder(tmp_path, 1)
    broken = data / "helmet_cctv" / "test" / "images" / "zz.jpg"
    broken.write_bytes(b"no picture")
    with pytest.raises(ModelError):
        evaluate(data, None)


class Scripted:
    """An engine that finds a person, and in bright pictures a motorcycle under that person."""

    labels = ("person", "motorcycle")
    model_id = "scripted@0"

    def detect(self, image_bgr: NDArray[np.uint8]) -> Detections:
        boxes = np.array([[0.40, 0.30, 0.46, 0.60], [0.39, 0.42, 0.47, 0.66]], np.float32)
        count = 2 if image_bgr.mean() > 127 else 1
        return Detections(boxes[:count], np.full(count, 0.5, np.float32), np.arange(count))


def test_what_the_stage_says_of_each_rider() -> None:
    image = np.full((600, 1000, 3), 250, np.uint8)
    image[::6] = 5
    head = Head(430, 200, 36)
    seen = Chain(Scripted(), helmets.Heads(head), helmets.classifier(gain=16.0))
    assert seen.riders(image) == [Said(head, "bare")]
    image[::2] = 6
    assert seen.riders(image) == [Said(head, "unknown")], "neither bright nor dark"
    (unseen,) = Chain(Scripted(), helmets.Heads(), helmets.classifier()).riders(image)
    assert unseen.state == "unknown", "a rider, but no head is found"


def test_persons_taken_for_riders_where_no_two_wheeler_is(tmp_path: Path) -> None:
    chain = Chain(Scripted(), helmets.Heads(), helmets.classifier())
    assert pedestrians(tmp_path, chain) is None
    for name in ("annotations", "val2017"):
        (tmp_path / "general" / name).mkdir(parents=True)
    for i, level in enumerate((10, 20, 200, 250)):
        path = tmp_path / "general" / "val2017" / f"{i}.png"
        cv2.imwrite(str(path), np.full((60, 100, 3), level, np.uint8))
    told = {
        "images": [{"id": i, "file_name": f"{i}.png"} for i in range(5)],  # the last is not there
        "annotations": [
            {"image_id": 3, "category_id": 4, "bbox": [1, 1, 9, 9]},
            {"image_id": 0, "category_id": 1, "bbox": [1, 1, 9, 9]},
        ],
        "categories": [{"id": 1, "name": "person"}, {"id": 4, "name": "motorcycle"}],
    }
    (tmp_path / "general" / "annotations" / "instances_val2017.json").write_text(json.dumps(told))
    figure = pedestrians(tmp_path, chain)
    assert figure is not None
    assert (figure.value, figure.count) == (1 / 3, 3)
