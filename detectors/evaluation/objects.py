"""The object model on ``general/`` (COCO: annotations/*.json and pictures), beside a reference model.

Average precision at an overlap of .5 and the share missed at the confidence that services work with, for what
rules are about. The model has its default settings, but for the least confidence: an average precision needs
the weak boxes too. Other input sizes, and ``weights/yolox_nano.onnx`` where it is there, are run beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.engines import onnx
from detectors.engines.base import Detections, Engine
from detectors.evaluation.ap import Matched, average_precision, match, miss_rate
from detectors.evaluation.base import Figure, Report
from detectors.evaluation.yolox import Yolox
from detectors.models import tiles

LABELS = ("person", "bicycle", "motorcycle", "car", "bus", "truck", "boat")
WORKING_CONFIDENCE = 0.4
LEAST_CONFIDENCE = 0.01
SIZES = {"at_416": (416, 416), "at_640": (640, 640)}
REFERENCE = Path("weights") / "yolox_nano.onnx"

Boxes = NDArray[np.float32]


@dataclass(frozen=True)
class Tiled:
    """An engine that looks part by part, as the objects stage does with ``tiles``."""

    engine: Engine
    columns_rows: tuple[int, int]

    @property
    def labels(self) -> tuple[str, ...]:
        """Return those of the engine."""
        return self.engine.labels

    @property
    def model_id(self) -> str:
        """Return that of the engine."""
        return self.engine.model_id

    def detect(self, image_bgr: NDArray[np.uint8]) -> Detections:
        """Return what is found in the parts and the whole."""
        return tiles.look(self.engine, image_bgr, self.columns_rows)


@dataclass(frozen=True)
class Picture:
    """A picture and what is in it: boxes (N, 4) in pixels by label, and its crowds."""

    path: Path
    truth: Mapping[str, Boxes]
    crowds: Mapping[str, Boxes]


def evaluate(data: Path, models_dir: Path | None) -> Report | None:
    """Return the figures on ``data``/general; None without it, ModelError without the model.

    ValueError where an annotation file is none.
    """
    pictures, missing = read(data / "general")
    if not pictures:
        return None
    engines: dict[str, Engine] = {"": _nanodet(onnx.Config().input_size, models_dir)}
    engines |= {name: _nanodet(size, models_dir) for name, size in SIZES.items()}
    engines["tiled_2x2"] = Tiled(engines[""], (2, 2))
    notes = [f"{len(pictures)} pictures; model {engines[''].model_id}"]
    if missing:
        notes.append(f"{missing} annotated pictures are missing")
    if (data / REFERENCE).is_file():
        engines["yolox_nano"] = Yolox(data / REFERENCE, LEAST_CONFIDENCE, onnx.Config().nms_iou)
    else:
        notes.append(f"no {REFERENCE}: measured without a reference beside it")
    matched, unreadable = look(pictures, engines)
    if unreadable:
        notes.append(f"{unreadable} pictures cannot be decoded and are left out")
    figures: dict[str, Figure] = {}
    for name, by_label in matched.items():
        figures |= of_engine(f"objects.{name}." if name else "objects.", by_label)
    lacking = [label for label in LABELS if not any(len(p.truth[label]) for p in pictures)]
    if lacking:
        notes.append(f"none in the pictures: {', '.join(lacking)}")
    return Report(figures, tuple(notes))


def of_engine(prefix: str, by_label: Mapping[str, list[Matched]]) -> dict[str, Figure]:
    """Return AP and miss rate of each label of which there is any."""
    figures = {}
    for label, pictures in by_label.items():
        if any(one.truths for one in pictures):
            figures[f"{prefix}{label}_ap50"] = average_precision(pictures)
            figures[f"{prefix}{label}_miss_rate"] = miss_rate(pictures, WORKING_CONFIDENCE)
    return figures


def look(
    pictures: list[Picture], engines: Mapping[str, Engine]
) -> tuple[dict[str, dict[str, list[Matched]]], int]:
    """Return by engine and label how each picture was matched, and how many could not be decoded."""
    matched: dict[str, dict[str, list[Matched]]] = {e: {label: [] for label in LABELS} for e in engines}
    unreadable = 0
    for picture in pictures:
        # COCO's boxes are those of the pixels as they are stored.
        image = cv2.imread(str(picture.path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        if image is None:
            unreadable += 1
            continue
        height, width = image.shape[:2]
        for name, engine in engines.items():
            found = engine.detect(np.asarray(image, np.uint8))
            xyxy = found.xyxyn * np.array([width, height, width, height], np.float32)
            for label in LABELS:
                own = found.class_id == engine.labels.index(label)
                one = match(xyxy[own], found.confidence[own], picture.truth[label], picture.crowds[label])
                matched[name][label].append(one)
    return matched, unreadable


def read(folder: Path) -> tuple[list[Picture], int]:
    """Return the pictures of COCO files in ``folder``/annotations, and how many have no file.

    The pictures may lie anywhere in ``folder``; ValueError where a file lacks what COCO promises.
    """
    files = {path.name: path for path in sorted(folder.rglob("*")) if path.is_file()}
    pictures, missing = [], 0
    for path in sorted((folder / "annotations").glob("*.json")):
        try:
            of_file = _pictures(json.loads(path.read_text(encoding="utf-8")), files)
        except (LookupError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: no COCO annotations: {error!r}") from error
        pictures += [one for one in of_file if one is not None]
        missing += of_file.count(None)
    return pictures, missing


def _pictures(coco: Mapping[str, list[dict[str, object]]], files: Mapping[str, Path]) -> list[Picture | None]:
    label_of = {c["id"]: str(c["name"]) for c in coco["categories"]}
    boxes: dict[tuple[object, str, bool], list[list[float]]] = {}
    for one in coco["annotations"]:
        key = (one["image_id"], label_of[one["category_id"]], bool(one.get("iscrowd")))
        x, y, width, height = np.asarray(one["bbox"], np.float64).tolist()
        boxes.setdefault(key, []).append([x, y, x + width, y + height])
    found: list[Picture | None] = []
    for image in coco["images"]:
        path = files.get(Path(str(image["file_name"])).name)
        of_kind = [
            {label: _array(boxes.get((image["id"], label, crowd), [])) for label in LABELS}
            for crowd in (False, True)
        ]
        found.append(None if path is None else Picture(path, of_kind[0], of_kind[1]))
    return found


def _array(boxes: list[list[float]]) -> Boxes:
    return np.array(boxes, np.float32).reshape(-1, 4)


def _nanodet(size: tuple[int, int], models_dir: Path | None) -> Engine:
    # Less than a configuration may ask for: model_copy does not check.
    config = onnx.Config(input_size=size).model_copy(update={"min_confidence": LEAST_CONFIDENCE})
    return onnx.build(config, models_dir)
