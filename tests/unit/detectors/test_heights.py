"""People found by their height: an engine of which is known what it finds, on pictures drawn for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.engines import onnx
from detectors.engines.base import Detections
from detectors.evaluation.heights import (
    FRAME,
    Piece,
    empty_scenes,
    evaluate,
    hits,
    pieces,
    placed,
    thinned,
    whole,
)
from detectors.evaluation.objects import Picture, read

Box = tuple[int, int, int, int]  # left, top, width, height, as COCO has it
SEES_PX = 16.0  # at an input 640 wide


class Blobs:
    """Finds white things from `SEES_PX` up, as high as they would be in an input 640 wide."""

    labels = ("dog", "person")
    model_id = "blobs@0"

    def detect(self, image_bgr: NDArray[np.uint8]) -> Detections:
        height, width = image_bgr.shape[:2]
        _, _, stats, _ = cv2.connectedComponentsWithStats((image_bgr[..., 0] > 200).astype(np.uint8))
        found = [s[:4] for s in stats[1:] if s[3] * 640 / width >= SEES_PX]
        boxes = np.array([(x, y, x + w, y + h) for x, y, w, h in found], np.float32).reshape(-1, 4)
        sure = np.full(len(boxes), 0.9, np.float32)
        size = np.array([width, height, width, height], np.float32)
        return Detections(boxes / size, sure, np.ones(len(boxes), np.int64))


def folder(
    path: Path,
    people: Sequence[Sequence[Box]],
    *,
    crowd: Sequence[Box] = (),
    others: Sequence[Box] = (),
    size: tuple[int, int] = (640, 480),
) -> Path:
    """Write ``general/`` with a picture for each of ``people``, who are white, as others are."""
    place = path / "general"
    (place / "annotations").mkdir(parents=True)
    images, annotations = [], []
    for n, those in enumerate(people):
        image = np.full((size[1], size[0], 3), 60, np.uint8)
        for x, y, width, height in (*those, *others):
            image[y : y + height, x : x + width] = 255
        cv2.imwrite(str(place / f"{n}.png"), image)
        images.append({"id": n, "file_name": f"{n}.png"})
        annotations += [{"image_id": n, "category_id": 1, "bbox": list(box), "iscrowd": 0} for box in those]
        annotations += [{"image_id": n, "category_id": 1, "bbox": list(box), "iscrowd": 1} for box in crowd]
    coco = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]}
    (place / "annotations" / "a.json").write_text(json.dumps(coco), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _known_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "build", lambda _config, _models_dir: Blobs())


def pictures(path: Path) -> list[Picture]:
    return read(path / "general")[0]


def test_recall_is_by_height_in_the_frame_and_at_the_input_and_tiles_see_smaller_people(
    tmp_path: Path,
) -> None:
    people = [[(50 + 10 * i, 60, 60, 150 + 25 * i), (400, 80, 50, 130)] for i in range(4)]
    report = evaluate(folder(tmp_path, [*people, []]), None)
    assert report is not None
    figures = {name.removeprefix("heights."): figure for name, figure in report.figures.items()}
    # A frame of 1280 is halved, so that 32 px are 16; a tile of it, 712 wide, is not: 18 px are.
    assert figures["recall_15_20"].value == figures["recall_20_30"].value == 0
    assert 0.6 < figures["recall_30_40"].value < 1
    assert figures["recall_40_60"].value == 1
    assert 0 < figures["tiled_recall_15_20"].value < 0.6
    assert figures["tiled_recall_20_30"].value > 0.9
    assert 0.5 < figures["input_recall_15_20"].value < 1
    assert figures["input_recall_20_30"].value == figures["input_recall_40_60"].value == 1
    assert figures["scene_input_recall_15_20"] == figures["input_recall_15_20"]
    assert figures["recall_15_20"].count == figures["tiled_recall_40_60"].count == 8
    for figure in figures.values():
        assert figure.interval is not None
        assert figure.interval[0] - 1e-9 <= figure.value <= figure.interval[1] + 1e-9
    assert figures["false_per_picture"].value == figures["tiled_false_per_picture"].value == 0


def test_false_boxes_are_those_that_are_nobody_and_in_no_crowd(tmp_path: Path) -> None:
    mast, flags = (300, 60, 20, 200), (500, 60, 20, 200)
    people = [[(50, 60, 60, 150)], [(90, 60, 60, 150)]]
    data = folder(tmp_path, people, others=[mast, flags], crowd=[(480, 40, 100, 300)])
    report = evaluate(data, None)
    assert report is not None
    assert report.figures["heights.false_per_picture"].value == 1
    assert report.figures["heights.false_per_picture"].count == 2


@pytest.mark.parametrize(
    ("box", "counts"),
    [
        ((50, 60, 60, 150), True),
        ((2, 2, 60, 150), True),
        ((1, 60, 60, 150), False),
        ((50, 0, 60, 150), False),
        ((579, 60, 60, 150), False),
        ((50, 329, 60, 150), False),
        ((50, 60, 150, 150), False),
    ],
)
def test_who_counts_is_whole_and_upright(tmp_path: Path, box: Box, counts: bool) -> None:
    (picture,) = pictures(folder(tmp_path, [[box]], crowd=[(200, 100, 50, 200)]))
    assert whole(picture) == ([0] if counts else [])


def test_people_are_scaled_down_into_the_band_and_never_up(tmp_path: Path) -> None:
    high, low = (50, 60, 60, 300), (400, 80, 20, 35)
    chosen = [(p, i) for p in pictures(folder(tmp_path, [[high, low]] * 9)) for i in whole(p)]
    assert len(chosen) == 18
    for band, count in (((20, 30), 18), ((30, 40), 9)):
        found = list(pieces(chosen, band))
        assert len(found) == count
        sizes = [float(p.people[p.counts, 3] - p.people[p.counts, 1]) for p in found]
        assert min(sizes) >= band[0] * 0.97
        assert max(sizes) <= band[1] * 1.03
        assert max(sizes) - min(sizes) > 0.6 * (band[1] - band[0]), "spread over the band"


def test_a_picture_larger_than_a_frame_is_cut_around_the_person(tmp_path: Path) -> None:
    size = (4000, 3000)
    (picture,) = pictures(folder(tmp_path, [[(3800, 2700, 40, 100)]], size=size))
    (piece,) = pieces([(picture, 0)], (60, 80))
    assert piece.size == FRAME
    left, top, right, bottom = piece.people[0].round().astype(int).tolist()
    assert piece.image[top + 2 : bottom - 2, left + 2 : right - 2].min() > 200
    assert piece.image[: top - 2].max() < 200


def test_a_picture_is_laid_in_where_its_people_are_and_everywhere_in_turn() -> None:
    image = np.full((60, 90, 3), 7, np.uint8)
    image[20:50, 10:30] = 200
    piece = Piece(image, np.array([(0, 0, 5, 5), (10, 20, 30, 50)], np.float32), 1)
    background = np.full((FRAME[1], FRAME[0], 3), 9, np.uint8)
    corners = []
    for n in range(40):
        shown, people = placed(piece, n, background)
        left, top, right, bottom = people[1].astype(int).tolist()
        assert np.unique(shown[top:bottom, left:right]).tolist() == [200]
        assert (shown == 200).sum() == 20 * 30 * 3
        assert (shown == 7).sum() == (60 * 90 - 20 * 30) * 3
        corners.append((left, top))
    assert background.max() == 9
    for axis, side in enumerate(FRAME):
        halves = [corner[axis] < side / 2 for corner in corners]
        assert 12 <= sum(halves) <= 28


def test_scenes_are_photographs_without_people_as_large_as_a_frame(tmp_path: Path) -> None:
    data = folder(tmp_path / "a", [[(50, 60, 60, 150)], [], []], size=(300, 500))
    assert [scene.shape for scene in empty_scenes(pictures(data))] == [(FRAME[1], FRAME[0], 3)] * 2
    assert empty_scenes(pictures(folder(tmp_path / "b", [[]], crowd=[(5, 5, 50, 90)]))) == []


def detections(*boxes: tuple[float, float, float, float], sure: Sequence[float]) -> Detections:
    xyxyn: NDArray[np.float32] = np.array(boxes, np.float32).reshape(-1, 4)
    xyxyn /= np.array(FRAME * 2, np.float32)
    return Detections(xyxyn, np.array(sure, np.float32), np.ones(len(boxes), np.int64))


def test_a_box_finds_one_person_and_a_person_is_found_once() -> None:
    people = np.array([(0, 0, 20, 40), (6, 0, 26, 40), (200, 0, 220, 40)], np.float32)
    between = (3.0, 0.0, 23.0, 40.0)
    assert hits(detections(sure=[]), people) == set()
    assert hits(detections(between, sure=[0.9]), people) == {0}
    assert hits(detections(between, between, between, sure=[0.9, 0.8, 0.7]), people) == {0, 1}
    # The surest box is first: it takes the one that it fits best.
    assert hits(detections(between, (6, 0, 26, 40), sure=[0.5, 0.9]), people) == {0, 1}
    assert hits(detections((200, 0, 220, 19), sure=[0.9]), people) == set(), "overlaps by less than half"


def test_many_are_thinned_evenly() -> None:
    assert thinned([1, 2, 3], 3) == [1, 2, 3]
    assert thinned(list(range(101)), 3) == [0, 50, 100]


def test_a_folder_without_people_gives_no_figure(tmp_path: Path) -> None:
    assert evaluate(tmp_path, None) is None
    assert evaluate(folder(tmp_path, [[]]), None) is None
