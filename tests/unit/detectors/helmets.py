"""Networks whose answers can be foreseen: bright is bare, dark is worn; heads are where they were put."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from detectors.helmets.classifier import HeadClassifier
from detectors.helmets.heads import Head
from detectors.helmets.locator import HeadLocator, Located
from detectors.helmets.regions import Region
from detectors.helmets.votes import Thresholds
from detectors.models.nanodet import MEAN_BGR, STD_BGR
from detectors.training.stem import COUNT, LAYER, PARTS, PLANES, Linear, Stem, to_onnx

THRESHOLDS = Thresholds(bare_from=0.8, worn_to=0.2)


def stem() -> Stem:
    """Return a stem that sees nothing but how blue each part is, -1 to 1, in its first plane."""
    mean, spread = float(MEAN_BGR[0]), float(STD_BGR[0])
    weight = np.zeros((PLANES, 3, 1, 1), np.float32)
    bias = np.zeros(PLANES, np.float32)
    weight[0, 0], bias[0] = spread / 127.5, mean / 127.5 - 1
    nodes = (
        helper.make_node("AveragePool", ["picture"], ["means"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Conv", ["means", "weight", "bias"], [LAYER]),
    )
    constants = (numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias"))
    return Stem(nodes, constants, "picture", 17)


def by_brightness(gain: float = 8.0) -> Linear:
    """Return a score that weighs the mean of the blue channel; a negative gain turns it round."""
    weight = np.zeros(COUNT, np.float32)
    weight[: PARTS * PARTS] = gain / PARTS**2
    return Linear(weight, 0.0)


def content(gain: float = 8.0) -> bytes:
    """Return the ONNX file of it."""
    return to_onnx(stem(), by_brightness(gain), THRESHOLDS)


def classifier(gain: float = 8.0) -> HeadClassifier:
    """Return it ready to run."""
    weights = content(gain)
    return HeadClassifier(hashlib.sha256(weights).hexdigest(), weights)


class Heads(HeadLocator):
    """A locator that finds these heads where their middle is in a square that it is given, and no others."""

    def __init__(self, *heads: Head) -> None:
        self.model_id = "helmet-locator@0"
        self.min_score = 0.5
        self._heads = heads

    def heads(
        self, image_bgr: NDArray[np.uint8], regions: Sequence[Region], min_score: float | None = None
    ) -> list[Located]:
        del image_bgr, min_score
        found = []
        for head in self._heads:
            for square, vehicle in ((region.square, region.vehicle) for region in regions):
                if max(abs(head.x - square.x), abs(head.y - square.y)) < square.side / 2:
                    found.append(Located(head, 0.9, vehicle))
                    break
        return found
