"""What scores are worth on ``general/``: how far off they are as probabilities, before and after calibration.

A curve fitted to nine tenths of the pictures is held against the last tenth, in turn: that is the error to
expect of one on new pictures of the kind. The curves that come with the model were fitted to public pictures
all at once; on any other pictures they are measured too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from detectors.calibration.curves import OTHERS, Calibration, of_model
from detectors.calibration.fit import Boxes, cross_fitted, error, fit, interval
from detectors.engines import onnx
from detectors.engines.base import Engine
from detectors.evaluation import objects
from detectors.evaluation.ap import Matched
from detectors.evaluation.base import Figure, Report
from detectors.evaluation.yolox import Yolox

LEAST_SCORE = 0.05  # the least that a configuration may ask for
COUNTED_SCORE = 0.2  # what an engine gives by default: the error is that of these boxes
OWN_CURVE = 100  # right boxes that a class needs for a curve of its own
PERSON = "person"


def evaluate(data: Path, models_dir: Path | None) -> Report | None:
    """Return the errors for people and for all else together; None without ``general/``."""
    pictures, _ = objects.read(data / "general")
    if not pictures:
        return None
    engines: dict[str, Engine] = {"": _engine(models_dir)}
    if (data / objects.REFERENCE).is_file():
        engines["yolox_nano."] = Yolox(data / objects.REFERENCE, LEAST_SCORE, onnx.Config().nms_iou)
    matched, _ = objects.look(pictures, engines)
    shipped = of_model(onnx.Config().model)
    figures: dict[str, Figure] = {}
    notes = [f"{len(pictures)} pictures; boxes from a score of {COUNTED_SCORE} up"]
    for name, by_label in matched.items():
        for group, labels in {PERSON: [PERSON], "others": _others(by_label)}.items():
            boxes = together([by_label[label] for label in labels])
            try:
                fitted = cross_fitted(boxes)
            except ValueError as reason:
                notes.append(f"{name}{group}: {reason}")
                continue
            figures |= _figures(f"calibration.{name}{group}", boxes, {"": fitted, "_raw": boxes.score})
            if not name and shipped.pictures_sha256 != digest(data):
                curve = shipped.curve(labels[0])
                given = curve.probability(boxes.score)
                figures |= _figures(f"calibration.shipped.{group}", boxes, {"": given})
    if shipped.pictures_sha256 == digest(data):
        notes.append("the curves that come with the model were fitted to these very pictures: not measured")
    return Report(figures, tuple(notes))


def calibrated(data: Path, models_dir: Path | None, config: onnx.Config | None = None) -> Calibration:
    """Return curves of the model fitted to ``data``/general (COCO); ValueError where it holds too little."""
    pictures, _ = objects.read(data / "general")
    if not pictures:
        raise ValueError(f"{data / 'general'} holds no pictures with annotations")
    engine = _engine(models_dir, config)
    matched, _ = objects.look(pictures, {"": engine})
    by_label = matched[""]
    own = {label for label, of_label in by_label.items() if _right(of_label) >= OWN_CURVE}
    curves = {label: fit(together([by_label[label]])) for label in sorted(own)}
    if rare := [of_label for label, of_label in by_label.items() if label not in own]:
        curves[OTHERS] = fit(together(rare))
    return Calibration(
        model=engine.model_id, pictures=len(pictures), pictures_sha256=digest(data), curves=curves
    )


def together(labels: Sequence[Sequence[Matched]]) -> Boxes:
    """Return the boxes of labels, each of which has one entry for every picture."""
    parts = [(i, one) for of_label in labels for i, one in enumerate(of_label)]
    boxes = Boxes(
        np.concatenate([one.score for _, one in parts]).astype(np.float64),
        np.concatenate([one.hit for _, one in parts]),
        np.concatenate([np.full(len(one.score), i) for i, one in parts]).astype(np.int64),
    )
    return boxes.some(boxes.score >= LEAST_SCORE)


def digest(data: Path) -> str:
    """Return the sha256 of the annotations of ``data``/general."""
    sha = hashlib.sha256()
    for path in sorted((data / "general" / "annotations").glob("*.json")):
        sha.update(path.read_bytes())
    return sha.hexdigest()


def _figures(name: str, boxes: Boxes, kinds: Mapping[str, np.ndarray]) -> dict[str, Figure]:
    counted = boxes.score >= COUNTED_SCORE
    some = boxes.some(counted)
    return {
        f"{name}_ece{kind}": Figure(
            error(probability[counted], some.right), len(some.score), interval(probability[counted], some)
        )
        for kind, probability in kinds.items()
        if counted.any()
    }


def _others(by_label: Mapping[str, Sequence[Matched]]) -> list[str]:
    return [label for label in by_label if label != PERSON]


def _right(of_label: Sequence[Matched]) -> int:
    return sum(int((one.hit & (one.score >= LEAST_SCORE)).sum()) for one in of_label)


def _engine(models_dir: Path | None, config: onnx.Config | None = None) -> Engine:
    given = config or onnx.Config()
    return onnx.build(given.model_copy(update={"min_confidence": LEAST_SCORE}), models_dir)
