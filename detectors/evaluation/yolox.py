"""YOLOX-nano as a reference to measure against: the model files of ``weights/``, never used by a service.

Ge et al. 2021, arXiv 2107.08430: BGR as it is, padded with 114 at the right and the bottom; each row of the
output is the offset of the centre from its cell and the logarithm of the sides, both in strides, whether
anything is there, and the classes of COCO.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.engines.base import Detections, require_image
from detectors.models.boxes import suppress
from detectors.models.letterbox import fit, unfit
from detectors.models.manifest import entry
from detectors.models.sessions import open_session

PADDING = 114
STRIDES = (8, 16, 32)


class Yolox:
    """An engine of the weights in ``path``; `labels` are COCO's 80, as the default model has them."""

    def __init__(self, path: Path, min_confidence: float, nms_iou: float) -> None:
        self._session = open_session(path)
        (given,) = self._session.get_inputs()
        self._input, (self._height, self._width) = given.name, given.shape[2:]
        self._min_confidence, self._nms_iou = min_confidence, nms_iou
        self.labels = entry("nanodet-g").labels
        self.model_id = path.stem

    def detect(self, image_bgr: NDArray[np.uint8]) -> Detections:
        """Return the objects of ``image_bgr``, (height, width, 3); ValueError where it is no picture."""
        require_image(image_bgr)
        fitted = fit(image_bgr, (self._width, self._height))
        height, width = fitted.shape[:2]
        tensor = np.full((1, 3, self._height, self._width), PADDING, np.float32)
        tensor[0, :, :height, :width] = fitted.transpose(2, 0, 1)
        (rows,) = self._session.run(None, {self._input: tensor})
        return self.decode(rows[0], (width, height))

    def decode(self, rows: NDArray[np.float32], content: tuple[int, int]) -> Detections:
        """Return what ``rows`` (cells, 5 + classes) say of a picture that takes up ``content``."""
        corner, stride = _cells(self._width, self._height)
        scores = rows[:, 4:5] * rows[:, 5:]
        cell, class_id = np.nonzero(scores >= self._min_confidence)
        confidence = scores[cell, class_id]
        centre = (rows[cell, :2] + corner[cell]) * stride[cell]
        half = np.exp(rows[cell, 2:4]) * stride[cell] / 2
        xyxy = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
        kept = suppress(xyxy, confidence, class_id, self._nms_iou)
        return Detections(unfit(xyxy[kept], content), confidence[kept], class_id[kept])


def _cells(width: int, height: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the corner (cells, 2) in strides and the stride (cells, 1) of each row of the output."""
    corners, strides = [], []
    for stride in STRIDES:
        y, x = np.mgrid[: height // stride, : width // stride]
        corners.append(np.stack([x.ravel(), y.ravel()], axis=1))
        strides.append(np.full((x.size, 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(strides).astype(np.float32)
