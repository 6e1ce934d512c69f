"""Finds rubbish bags: a small head on what the object model's backbone has computed.

One cell for each 16 × 16 pixels says how likely a bag has its middle there, and how far its sides are. The
backbone (NanoDet-g, docs/models/objects.md) is not trained again; its own head says what else a thing may be.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf

from detectors.engines.base import Detections
from detectors.models.boxes import iou, suppress
from detectors.models.letterbox import fit, unfit
from detectors.models.manifest import entry
from detectors.models.nanodet import MEAN_BGR, NanoDet
from detectors.models.own import OwnWeights
from detectors.models.sessions import open_session
from detectors.models.store import verify
from lianfang.errors import ModelError

BACKBONE = "nanodet-g"
STAGES = {
    "f8": "PartitionedCall/onnx_tf_prefix_Concat_27",
    "f16": "PartitionedCall/onnx_tf_prefix_Concat_42",
    "f32": "PartitionedCall/onnx_tf_prefix_Concat_62",
}
"""The head's inputs, (1, 128, H/8, W/8), (1, 256, H/16, W/16), (1, 512, H/32, W/32): tensors of it."""
INPUT_PX = 416
STRIDE = 16
OUTPUT = "cells"
MAX_LOG_SIDE = 4.0  # of exp, in strides: no side is farther than the input
NMS_IOU = 0.6
SAME_OBJECT = 0.5  # overlap from which a bag and an object of the object model are the same thing
_SEEN_FROM = 0.4  # confidence from which the object model is believed: that of the services
WEIGHTS = OwnWeights("bag weights", "detectors.garbage", "bag-head.json")

Features = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Thresholds:
    """From which confidence on a thing is said to be a bag, and up to which it is said to be none."""

    bag_from: float
    other_to: float

    def say(self, confidence: float) -> bool | Literal["unknown"]:
        """Say whether it is a bag."""
        if confidence >= self.bag_from:
            return True
        return False if confidence <= self.other_to else "unknown"


class Stages(Protocol):
    """What computes the stages of a picture."""

    def look(self, square_bgr: NDArray[np.uint8]) -> tuple[Features, Detections]:
        """Return the three stages of ``square_bgr`` (INPUT_PX, INPUT_PX, 3), and what objects it sees."""
        ...


class Backbone:
    """The object model, with the three stages that the head looks at."""

    def __init__(self, models_dir: Path | None) -> None:
        """Load it; ModelError where it is not installed as it should be."""
        model = onnx.load(str(verify(BACKBONE, models_dir)))
        self._outputs = [output.name for output in model.graph.output]
        outputs = [
            onnx.helper.make_tensor_value_info(t, onnx.TensorProto.FLOAT, None) for t in STAGES.values()
        ]
        model.graph.output.extend(outputs)
        self._session = open_session(model.SerializeToString())
        self._input = model.graph.input[0].name

        self._family = NanoDet((INPUT_PX, INPUT_PX), len(entry(BACKBONE).labels), _SEEN_FROM, NMS_IOU)

    def look(self, square_bgr: NDArray[np.uint8]) -> tuple[Features, Detections]:
        """Return the three stages of ``square_bgr`` (INPUT_PX, INPUT_PX, 3), and what objects it sees."""
        planes, content = self._family.prepare(square_bgr)
        found = self._session.run([*STAGES.values(), *self._outputs], {self._input: planes})
        return dict(zip(STAGES, found[:3], strict=True)), self._family.decode(found[3:], content)


class BagHead:
    """The head alone, ready to run; may be called from any number of threads at once."""

    def __init__(self, sha256: str, content: bytes) -> None:
        """Load weights; ModelError where they are none of a bag head, or for another backbone."""
        try:
            self._session = open_session(content)
            told = self._session.get_modelmeta().custom_metadata_map
            self.thresholds = Thresholds(float(told["bag_from"]), float(told["other_to"]))
            trained_on = told["backbone"]
        except (KeyError, ValueError, Fail, InvalidArgument, InvalidGraph, InvalidProtobuf) as error:
            raise ModelError(f"bag weights {sha256[:12]} are not of a bag head: {error}") from error
        if trained_on != entry(BACKBONE).onnx_sha256:
            raise ModelError(f"bag weights {sha256[:12]} were trained on another {BACKBONE}: train again")
        self.model_id = f"bag-head@{sha256[:12]}"

    def boxes(
        self, features: Features, min_confidence: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return boxes (N, 4) in pixels of the input and confidences (N,), strongest first."""
        (cells,) = self._session.run([OUTPUT], dict(features))
        xyxy, confidence = decode(np.asarray(cells[0], np.float32), min_confidence)
        kept = suppress(xyxy, confidence, np.zeros(len(confidence), np.int64), NMS_IOU)
        return xyxy[kept], confidence[kept]


class BagFinder:
    """Backbone and head, ready to run; may be called from any number of threads at once."""

    def __init__(self, head: BagHead, backbone: Stages) -> None:
        """Take both."""
        self._head, self._backbone = head, backbone
        self.model_id, self.thresholds = head.model_id, head.thresholds

    def find(self, image_bgr: NDArray[np.uint8], min_confidence: float) -> Detections:
        """Return the bags in ``image_bgr`` (H, W, 3), class 0.

        The surer the object model is that something is of its own classes, none of which is a rubbish bag,
        the less it is a bag.
        """
        fitted = fit(image_bgr, (INPUT_PX, INPUT_PX))
        height, width = fitted.shape[:2]
        square = np.empty((INPUT_PX, INPUT_PX, 3), np.uint8)
        square[:] = np.rint(MEAN_BGR)  # nothing, to the backbone
        square[:height, :width] = fitted
        features, others = self._backbone.look(square)
        xyxy, confidence = self._head.boxes(features, min_confidence)
        same = iou(xyxy, others.xyxyn * np.float32(INPUT_PX)) >= SAME_OBJECT
        confidence = confidence * (1 - (same * others.confidence).max(axis=1, initial=0))
        xyxyn = unfit(xyxy, (width, height))
        inside = (confidence >= min_confidence) & (xyxyn[:, 2] > xyxyn[:, 0]) & (xyxyn[:, 3] > xyxyn[:, 1])
        return Detections(xyxyn[inside], confidence[inside], np.zeros(int(inside.sum()), np.int64))


def in_use(models_dir: Path | None) -> BagFinder:
    """Return the finder with the weights in use; ModelError where a part is missing or altered."""
    return BagFinder(BagHead(*WEIGHTS.in_use(models_dir)), Backbone(models_dir))


def decode(
    cells: NDArray[np.float32], min_confidence: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return boxes (N, 4) in pixels of the input and confidences (N,) of ``cells`` (5, H, W).

    A cell holds the logit of a bag, and the logarithms of the distances in strides from its middle to the
    left, top, right and bottom side.
    """
    confidence = 1 / (1 + np.exp(-cells[0]))
    row, column = np.nonzero(confidence >= min_confidence)
    sides = np.exp(np.minimum(cells[1:, row, column].T, MAX_LOG_SIDE)) * STRIDE
    middle = (np.stack([column, row], axis=1) + 0.5) * STRIDE
    xyxy = np.concatenate([middle - sides[:, :2], middle + sides[:, 2:]], axis=1).astype(np.float32)
    return xyxy, confidence[row, column].astype(np.float32)
