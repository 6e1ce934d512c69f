"""A head classifier whose answers can be foreseen: bright is bare, dark is worn, grey is neither."""

from __future__ import annotations

import hashlib

import numpy as np

from detectors.helmets.classifier import HeadClassifier
from detectors.helmets.votes import Thresholds
from detectors.training.network import LAYERS, Arrays, to_onnx

THRESHOLDS = Thresholds(bare_from=0.8, worn_to=0.2)


def by_brightness(gain: float = 8.0) -> Arrays:
    """Return weights that pass the blue channel on and weigh its mean; a negative gain turns them round."""
    arrays: Arrays = {}
    for i, layer in enumerate(LAYERS):
        weight = np.zeros((layer.outputs, layer.inputs, 3, 3), np.float32)
        if layer.stride == 2:
            weight[0, 0, 1, 1] = 1
        arrays[f"{i}.weight"] = weight
        arrays[f"{i}.bias"] = np.zeros(layer.outputs, np.float32)
    arrays["0.bias"][0] = 1  # the input begins at -1, and the rectifier would cut it
    head = np.zeros((2, LAYERS[-1].outputs), np.float32)
    head[1, 0] = gain
    return arrays | {"head.weight": head, "head.bias": np.array([gain, 0], np.float32)}


def content(gain: float = 8.0) -> bytes:
    """Return the ONNX file of it."""
    return to_onnx(by_brightness(gain), THRESHOLDS)


def classifier(gain: float = 8.0) -> HeadClassifier:
    """Return it ready to run."""
    weights = content(gain)
    return HeadClassifier(hashlib.sha256(weights).hexdigest(), weights)
