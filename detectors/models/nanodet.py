"""NanoDet: what its input looks like and what its outputs mean.

The head is that of Generalized Focal Loss (Li et al. 2020, arXiv 2006.04388) as NanoDet 0.x exports it: for
each stride a score per cell and class, and per cell and side a distribution over distances.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.engines.base import Detections
from detectors.models.boxes import suppress
from detectors.models.letterbox import fit, unfit

STRIDES = (8, 16, 32)
BINS = 11  # distances of 0 to 10 strides
MAX_CANDIDATES = 500  # before suppression: bounds the time that a picture of noise takes

# Means and deviations per channel, BGR, of the training set, from NanoDet's configuration.
MEAN_BGR = np.array([103.53, 116.28, 123.675], np.float32)
STD_BGR = np.array([57.375, 57.12, 58.395], np.float32)


class NanoDet:
    """Input and output of a NanoDet with inputs of ``size`` (width, height) and ``classes`` classes."""

    def __init__(self, size: tuple[int, int], classes: int, min_confidence: float, nms_iou: float) -> None:
        self._size = size
        self._classes = classes
        self._min_confidence = min_confidence
        self._nms_iou = nms_iou
        self._centres, self._strides = cells(size)
        self._scale = 1 / STD_BGR
        self._zero = -MEAN_BGR / STD_BGR  # what a black pixel becomes: the padding of the letterbox

    def prepare(self, image_bgr: NDArray[np.uint8]) -> tuple[NDArray[np.float32], tuple[int, int]]:
        """Return the input (1, 3, height, width) and the (width, height) that the image takes up in it."""
        fitted = fit(image_bgr, self._size)
        height, width = fitted.shape[:2]
        tensor = np.empty((1, 3, self._size[1], self._size[0]), np.float32)
        if (width, height) != self._size:
            tensor[0] = self._zero[:, None, None]
        for channel, plane in enumerate(cv2.split(fitted)):
            target = tensor[0, channel, :height, :width]
            np.multiply(plane, self._scale[channel], out=target)
            target += self._zero[channel]
        return tensor, (width, height)

    def decode(self, outputs: list[NDArray[np.float32]], content: tuple[int, int]) -> Detections:
        """Return the detections in six outputs; ``content`` is what `prepare` returned.

        The outputs are the scores (1, cells, classes) of each stride, then the distances (1, cells, 4 x 11).
        A cell may name more than one class: a rider and the bicycle share their middle.
        """
        scores = np.concatenate(outputs[:3], axis=1)[0]
        bins = np.concatenate(outputs[3:], axis=1)[0]
        # Many times faster than np.nonzero on two axes.
        cell, class_id = np.divmod(np.flatnonzero(scores > self._min_confidence), self._classes)
        confidence = scores[cell, class_id]
        if len(cell) > MAX_CANDIDATES:
            strongest = np.argsort(-confidence, kind="stable")[:MAX_CANDIDATES]
            cell, class_id, confidence = cell[strongest], class_id[strongest], confidence[strongest]
        xyxy = boxes(self._centres[cell], self._strides[cell], bins[cell])
        xyxyn = unfit(xyxy, content)
        inside = (xyxyn[:, 2] > xyxyn[:, 0]) & (xyxyn[:, 3] > xyxyn[:, 1])
        xyxy, xyxyn, class_id, confidence = xyxy[inside], xyxyn[inside], class_id[inside], confidence[inside]
        kept = suppress(xyxy, confidence, class_id, self._nms_iou)
        return Detections(xyxyn[kept], confidence[kept], class_id[kept])


def cells(size: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the centres (cells, 2), x and y in pixels, and strides (cells,) of all cells, row by row."""
    centres, strides = [], []
    for stride in STRIDES:
        across, down = size[0] // stride, size[1] // stride
        y, x = np.mgrid[:down, :across]
        centres.append(np.stack([x.ravel(), y.ravel()], axis=1) * stride + 0.5 * (stride - 1))
        strides.append(np.full(across * down, stride))
    return np.concatenate(centres).astype(np.float32), np.concatenate(strides).astype(np.float32)


def boxes(
    centres: NDArray[np.float32], strides: NDArray[np.float32], bins: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return boxes (N, 4) in pixels of the input from their cells.

    ``bins`` is (N, 4 x 11): left, top, right, bottom. A distance is the expectation of the
    softmax over its bins, in strides.
    """
    logits = bins.reshape(-1, 4, BINS)
    weights = np.exp(logits - logits.max(axis=2, keepdims=True))
    weights /= weights.sum(axis=2, keepdims=True)
    distances = weights @ np.arange(BINS, dtype=np.float32) * strides[:, None]
    return np.concatenate([centres - distances[:, :2], centres + distances[:, 2:]], axis=1).astype(np.float32)
