"""What the engine finds, in every format: what ultralytics itself finds, from any number of threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from detectors.engines import ultralytics as engine
from detectors.models import weights as files
from detectors.models.boxes import iou
from tests.support.yolo import LABELS, MARKS, SIDE, Models, assert_same, built, picture, said_by_ultralytics

pytestmark = MARKS


@pytest.mark.parametrize("form", ["pt", "onnx", "torchscript"])
def test_it_finds_what_it_was_trained_on(models: Models, form: str) -> None:
    weights: Path = getattr(models, form)
    found_by = built(weights)
    assert found_by.labels == LABELS
    assert found_by.model_id == f"site@{files.digest(weights)[:12]}"
    hits = []
    for seed in range(200, 212):
        image, boxes = picture(seed)
        found = found_by.detect(image)
        flames = found.xyxyn[(found.class_id == 1) & (found.confidence > 0.3)]
        hits += [bool((iou(box[None], flames) > 0.5).any()) for box in boxes]
    assert np.mean(hits) > 0.8


@pytest.mark.parametrize("form", ["pt", "onnx"])
@pytest.mark.parametrize("shape", [(96, 128), (480, 270)])
def test_it_says_what_ultralytics_says(models: Models, form: str, shape: tuple[int, int]) -> None:
    image = np.asarray(cv2.resize(picture(300)[0], shape[::-1]), np.uint8)
    found = built(getattr(models, form), min_confidence=0.01, nms_iou=0.5).detect(image)
    assert len(found) >= 2
    wanted = said_by_ultralytics(models.package, getattr(models, form), image, conf=0.01, iou=0.5)
    assert_same(found, wanted, tolerance=1e-6)


def test_formats_agree(models: Models) -> None:
    """At a square picture: .pt is run on the smallest rectangle, what is exported on its fixed square."""
    image = np.ascontiguousarray(picture(301)[0][:, :96])
    found = built(models.pt).detect(image)
    assert len(found)
    assert_same(built(models.onnx).detect(image), found, tolerance=1e-3)
    assert_same(built(models.torchscript).detect(image), found, tolerance=1e-3)


@pytest.mark.parametrize("end_to_end", [False, True])
def test_the_newest_family_says_what_ultralytics_says(
    models: Models, tmp_path: Path, end_to_end: bool
) -> None:
    """YOLO26 with random weights sees much once its biases let it; its export needs no suppression."""
    model = models.package.YOLO("yolo26n.yaml")
    head = model.model.model[-1]
    for sides, scores in zip((*head.cv2, *head.one2one_cv2), (*head.cv3, *head.one2one_cv3), strict=True):
        sides[-1].bias.data[:] = 2  # cells from the middle of the box to its sides
        scores[-1].bias.data[:] = 0
    weights = tmp_path / "random.pt"
    model.save(weights)
    if end_to_end:
        export = models.package.YOLO(str(weights)).export
        weights = Path(export(format="onnx", imgsz=SIDE, simplify=False, device="cpu", nms=False))
    image = picture(302)[0]
    found = built(weights, input_size=SIDE, min_confidence=0.4).detect(image)
    assert len(found) > 10
    assert (np.diff(found.confidence) <= 0).all()
    wanted = said_by_ultralytics(models.package, weights, image, imgsz=SIDE, conf=0.4)
    assert_same(found, wanted, tolerance=1e-6)


@pytest.mark.parametrize("form", ["pt", "onnx"])
def test_threads_share_one_engine(models: Models, form: str) -> None:
    shared = built(getattr(models, form), min_confidence=0.01)
    # Of several shapes, so that two at once would disturb each other's anchors.
    images = [np.ascontiguousarray(picture(seed)[0][: 40 + 14 * (seed % 5)]) for seed in range(400, 440)]
    alone = [shared.detect(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(shared.detect, images))
    for found, wanted in zip(together, alone, strict=True):
        assert_same(found, wanted, tolerance=1e-6)
    assert isinstance(shared, engine._UltralyticsEngine)
    assert len(shared._free) <= 4  # they are used again


@pytest.mark.parametrize("form", ["pt", "onnx"])
def test_pictures_of_any_shape_are_looked_at(models: Models, form: str) -> None:
    shared = built(getattr(models, form), min_confidence=0.01)
    rng = np.random.default_rng(0)
    for shape in [(1, 1), (2, 3), (1, 2000), (2000, 1), (96, 96), (541, 959)]:
        image = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
        for view in (image, image[::-1, ::-1]):
            found = shared.detect(view)
            assert ((found.xyxyn >= 0) & (found.xyxyn <= 1)).all()
            assert (found.xyxyn[:, :2] < found.xyxyn[:, 2:]).all()
    images: list[Any] = [np.zeros((9, 9)), np.zeros((0, 9, 3), np.uint8), np.zeros((9, 9, 3), np.float32)]
    for wrong in images:
        with pytest.raises(ValueError, match="want a uint8 image"):
            shared.detect(wrong)


@pytest.mark.parametrize(("input_size", "imgsz"), [(128, 128), ([128, 96], [96, 128])])
def test_sizes_may_be_chosen(models: Models, input_size: object, imgsz: object) -> None:
    image = np.asarray(cv2.resize(picture(303)[0], (500, 375)), np.uint8)
    found = built(models.pt, input_size=input_size, min_confidence=0.01).detect(image)
    assert len(found) >= 2
    wanted = said_by_ultralytics(models.package, models.pt, image, conf=0.01, imgsz=imgsz)
    assert_same(found, wanted, tolerance=1e-6)
