"""A bag head whose answers can be foreseen: where the picture is bright, there is a bag of a given size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.engines.base import Detections
from detectors.garbage.bags import BACKBONE, BagFinder, BagHead, Features, Thresholds
from detectors.models.manifest import entry
from detectors.training.bag_network import BLOCKS, CHANNELS, STAGE_CHANNELS, Arrays, to_onnx

THRESHOLDS = Thresholds(bag_from=0.8, other_to=0.3)


def arrays(sides: float = 2) -> Arrays:
    """Return weights that pass the first channel of f16 on to the logit: 40 times it, less 32.

    Each bag goes ``sides`` times 16 pixels to every side of its middle.
    """
    made: Arrays = {
        "f8.weight": np.zeros((CHANNELS, STAGE_CHANNELS["f8"], 3, 3), np.float32),
        "f16.weight": np.zeros((CHANNELS, STAGE_CHANNELS["f16"], 1, 1), np.float32),
        "f32.weight": np.zeros((CHANNELS, STAGE_CHANNELS["f32"], 1, 1), np.float32),
        "joined.bias": np.zeros((1, CHANNELS, 1, 1), np.float32),
        "last.weight": np.zeros((5, CHANNELS, 1, 1), np.float32),
        "last.bias": np.array([-32, *[np.log(sides)] * 4], np.float32),
    }
    for i in range(2 * BLOCKS):
        made[f"conv{i}.weight"] = np.zeros((CHANNELS, CHANNELS, 3, 3), np.float32)
        made[f"conv{i}.bias"] = np.zeros(CHANNELS, np.float32)
    made["f16.weight"][0, 0] = 1
    made["last.weight"][0, 0] = 40
    return made


def content(sides: float = 2) -> bytes:
    return to_onnx(arrays(sides), THRESHOLDS, entry(BACKBONE).onnx_sha256)


class Brightness:
    """In the place of the backbone: the first channel of f16 is how bright each 16 x 16 pixels are, 0-1."""

    def __init__(self, others: Detections | None = None) -> None:
        self.calls, self._others = 0, others or Detections.empty()

    def look(self, square_bgr: NDArray[np.uint8]) -> tuple[Features, Detections]:
        self.calls += 1
        height, width = square_bgr.shape[:2]
        made = {
            name: np.zeros((1, channels, height // int(name[1:]), width // int(name[1:])), np.float32)
            for name, channels in STAGE_CHANNELS.items()
        }
        grey = square_bgr.mean(axis=2) / 255
        made["f16"][0, 0] = grey.reshape(height // 16, 16, width // 16, 16).mean(axis=(1, 3))
        return made, self._others


def finder(others: Detections | None = None, sides: float = 2) -> BagFinder:
    return BagFinder(BagHead("0" * 64, content(sides)), Brightness(others))
