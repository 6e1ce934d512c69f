"""The figures of bags: from photos with boxes, from pictures without, and beside OpenCV's background."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from detectors.evaluation.bag_head import measure_head, things
from detectors.evaluation.bags import Outcome
from detectors.evaluation.garbage import of_things
from detectors.evaluation.mog2 import Mog2Stage
from detectors.stages.garbage import Config
from tests.unit.detectors import bags
from tests.unit.detectors.garbage import FOUND_S, bag_comes, first, play, times

MIDDLES = ((4, 8), (20, 12))  # cells of 16 pixels, each the middle of a bag of 64


def photos(folder: Path, labelled: tuple[tuple[int, int], ...], shown: tuple[tuple[int, int], ...]) -> None:
    """Write one photo with bright cells where bags are ``shown``, and its labels."""
    image = np.zeros((416, 416, 3), np.uint8)
    for column, row in shown:
        image[16 * row : 16 * row + 16, 16 * column : 16 * column + 16] = 255
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    cv2.imwrite(str(folder / "images" / "a.jpg"), image)
    lines = [f"0 {(16 * c + 8) / 416} {(16 * r + 8) / 416} {64 / 416} {64 / 416}\n" for c, r in labelled]
    (folder / "labels" / "a.txt").write_text("".join(lines))


@pytest.mark.parametrize(
    ("labelled", "shown", "ap50"),
    [
        (MIDDLES, MIDDLES, 1.0),
        (MIDDLES, MIDDLES[:1], 51 / 101),
        (((12, 12),), MIDDLES, 0.0),
    ],
    ids=["all", "one of two", "elsewhere"],
)
def test_precision_is_that_of_the_boxes(
    tmp_path: Path, labelled: tuple[tuple[int, int], ...], shown: tuple[tuple[int, int], ...], ap50: float
) -> None:
    photos(tmp_path / "garbage_bags" / "test", labelled, shown)
    figures = measure_head(tmp_path, bags.finder())
    assert figures["garbage.bag_ap50"].value == pytest.approx(ap50, abs=0.01)
    assert figures["garbage.bag_ap50"].count == len(labelled)
    assert "garbage.bag_false_positive_pictures" not in figures


def test_pictures_with_a_claim_are_counted_once(tmp_path: Path) -> None:
    (tmp_path / "general").mkdir()
    for i, level in enumerate((255, 255, 0, 0, 100)):
        cv2.imwrite(str(tmp_path / "general" / f"{i}.png"), np.full((300, 400, 3), level, np.uint8))
    figure = measure_head(tmp_path, bags.finder())["garbage.bag_false_positive_pictures"]
    assert (figure.value, figure.count) == (0.4, 5)


def test_things_are_cut_out_of_coco_and_people_are_none(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    image = np.random.default_rng(0).integers(0, 255, (200, 300, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    boxes = {1: [10, 20, 70, 80], 2: [100, 0, 90, 90], 3: [5, 5, 20, 90]}
    coco = {
        "categories": [{"id": 1, "name": "chair"}, {"id": 2, "name": "person"}, {"id": 3, "name": "vase"}],
        "images": [{"id": 7, "file_name": "a.png"}, {"id": 8, "file_name": "missing.png"}],
        "annotations": [{"image_id": 7, "category_id": c, "bbox": box} for c, box in boxes.items()]
        + [{"image_id": 8, "category_id": 1, "bbox": boxes[1]}],
    }
    (tmp_path / "annotations" / "i.json").write_text(json.dumps(coco))
    (chair,) = things(tmp_path)
    assert (chair == image[20:100, 10:80]).all()


def test_of_what_is_reported_it_is_counted_what_was_said() -> None:
    said = [Outcome(True, True), Outcome(True, "unknown"), Outcome(False, None), Outcome(False, True)]
    figures = of_things(said, [Outcome(True, False)])
    assert figures["garbage.bags_found"].value == 0.5
    assert (figures["garbage.bags_confirmed"].value, figures["garbage.bags_confirmed"].count) == (2 / 3, 3)
    assert figures["garbage.others_confirmed"].value == 0


def test_opencv_s_background_does_the_same_in_a_drawn_scene() -> None:
    stage = Mog2Stage(Config(kind="garbage", confirm="none"))
    found = play(stage.open("cam", "e"), times(34), bag_comes(goes_s=30))
    assert first(found) == pytest.approx(FOUND_S, abs=1)
    assert found[34] == ()
