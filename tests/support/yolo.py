"""A tiny model of ultralytics, trained on the spot from nothing, and what its tests share.

It needs the package, with torch some 6 GB: `tests/ultralytics.sh` installs it apart and runs its tests there.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from detectors.engines import ultralytics as engine
from detectors.engines.base import Detections, Engine

MARKS = [
    pytest.mark.skipif(
        find_spec("ultralytics") is None and "LIANFANG_NEEDS_ULTRALYTICS" not in os.environ,
        reason="the package ultralytics is not installed; tests/ultralytics.sh does it",
    ),
    pytest.mark.slow,
    pytest.mark.timeout(600),
    # What torch and its exporters say to each other.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:Converting a tensor to a Python"),
]
"""The ``pytestmark`` of a module whose tests need the package."""

SIDE = 96
LABELS = ("smoke", "fire")  # no picture shows smoke: two classes take much longer to be told apart
Image = NDArray[np.uint8]


def picture(seed: int, shift: float = 0) -> tuple[Image, NDArray[np.float32]]:
    """Return a noisy picture, 128 x 96, of two red blocks side by side, and their boxes in 0-1.

    ``shift`` moves both to the right, in pixels.
    """
    rng = np.random.default_rng(seed)
    image = rng.integers(60, 80, (96, 128, 3), dtype=np.uint8)
    boxes = []
    for left in (4, 66):
        x, y = rng.integers(left, left + 20) + int(shift), rng.integers(2, 50)
        width, height = rng.integers(24, 36, 2)
        image[y : y + height, x : x + width] = (0, 0, 255)
        boxes.append((x / 128, y / 96, (x + width) / 128, (y + height) / 96))
    return image, np.array(boxes, np.float32)


@dataclass(frozen=True)
class Models:
    """Files of the same model, and the package itself to compare with."""

    package: Any
    pt: Path
    onnx: Path
    torchscript: Path


def trained(folder: Path) -> Models:
    """Train YOLO11n from nothing for a few seconds, and export it."""
    package = engine._package()
    model = package.YOLO("yolo11n.yaml")

    def learn_quickly(trainer: Any) -> None:  # noqa: ANN401
        for module in trainer.model.modules():
            if type(module).__name__ == "BatchNorm2d":
                module.momentum = 0.2  # 30 steps are too few for the 0.03 of real trainings

    model.add_callback("on_train_start", learn_quickly)
    off = dict.fromkeys(("mosaic", "scale", "translate", "fliplr", "hsv_h", "hsv_s", "hsv_v", "erasing"), 0)
    model.train(
        **off,
        data=str(_data(folder)),
        epochs=3,
        imgsz=SIDE,
        batch=16,
        nbs=16,
        optimizer="AdamW",
        lr0=0.004,
        warmup_epochs=0,
        seed=0,
        workers=0,
        device="cpu",
        amp=False,  # its check would fetch a model
        plots=False,
        val=False,
        pretrained=False,
        verbose=False,
        project=str(folder / "runs"),
    )
    pt = folder / "site.pt"
    shutil.copy(model.trainer.last, pt)
    onnx = package.YOLO(str(pt)).export(format="onnx", imgsz=SIDE, simplify=False, device="cpu")
    script = package.YOLO(str(pt)).export(format="torchscript", imgsz=SIDE, device="cpu")
    return Models(package, pt, Path(onnx), Path(script))


def _data(folder: Path) -> Path:
    for split, seeds in (("train", range(160)), ("val", range(160, 164))):
        (folder / split / "images").mkdir(parents=True)
        (folder / split / "labels").mkdir()
        for seed in seeds:
            image, boxes = picture(seed)
            cv2.imwrite(str(folder / split / "images" / f"{seed}.png"), image)
            lines = [
                f"1 {(box[0] + box[2]) / 2} {(box[1] + box[3]) / 2} {box[2] - box[0]} {box[3] - box[1]}\n"
                for box in boxes
            ]
            (folder / split / "labels" / f"{seed}.txt").write_text("".join(lines))
    file = folder / "data.yaml"
    names = dict(enumerate(LABELS))
    content = {"path": str(folder), "train": "train/images", "val": "val/images", "names": names}
    file.write_text(yaml.safe_dump(content))
    return file


def built(weights: Path, **keys: object) -> Engine:
    stanza = {"kind": "ultralytics", "weights": weights, "trusted": weights.suffix != ".onnx", **keys}
    return engine.build(engine.Config.model_validate(stanza))


def assert_same(found: Detections, wanted: Detections, tolerance: float) -> None:
    assert found.class_id.tolist() == wanted.class_id.tolist()
    np.testing.assert_allclose(found.confidence, wanted.confidence, rtol=0, atol=tolerance)
    np.testing.assert_allclose(found.xyxyn, wanted.xyxyn, rtol=0, atol=tolerance)


def said_by_ultralytics(package: Any, weights: Path, image: Image, **keys: object) -> Detections:  # noqa: ANN401
    boxes = package.YOLO(str(weights)).predict(image, verbose=False, device="cpu", **keys)[0].boxes
    xyxyn, confidence, class_id = (part.numpy() for part in (boxes.xyxyn, boxes.conf, boxes.cls))
    return Detections(xyxyn, confidence, class_id.astype(np.int64))
