"""Runs the head classifier: square crops in, the probability that each head is bare out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf

from detectors.helmets.heads import CROP_PX, Head, crop
from detectors.helmets.votes import Thresholds
from detectors.models.sessions import open_session
from lianfang.errors import ModelError

INPUT, OUTPUT, FEATURES = "crops", "bare", "features"


class HeadClassifier:
    """A head classifier that is ready to run; may be called from any number of threads at once."""

    def __init__(self, sha256: str, content: bytes) -> None:
        """Load weights; ModelError where they are none of a head classifier."""
        try:
            self._session = open_session(content)
            told = self._session.get_modelmeta().custom_metadata_map
            self.thresholds = Thresholds(float(told["bare_from"]), float(told["worn_to"]))
            self.bare(np.zeros((1, CROP_PX, CROP_PX, 3), np.uint8))
        except (KeyError, ValueError, Fail, InvalidArgument, InvalidGraph, InvalidProtobuf) as error:
            raise ModelError(f"helmet weights {sha256[:12]} are not of a head classifier: {error}") from error
        self.model_id = f"helmet-head@{sha256[:12]}"

    def bare_heads(self, image_bgr: NDArray[np.uint8], heads: Sequence[Head]) -> NDArray[np.float32]:
        """Return the probability (N,), 0-1, that each of ``heads`` is bare."""
        if not heads:
            return np.zeros(0, np.float32)
        return self.bare(np.stack([crop(image_bgr, head) for head in heads]))

    def bare(self, crops_bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probability (N,), 0-1, that the head in each of ``crops_bgr`` (N, 96, 96, 3) is bare.

        It is the mean of the crop and its mirror image: nothing about a helmet is left or right.
        """
        if not len(crops_bgr):
            return np.zeros(0, np.float32)
        both = np.concatenate([crops_bgr, crops_bgr[:, :, ::-1]])
        planes = as_input(both)
        (bare,) = self._session.run([OUTPUT], {INPUT: planes})
        mean: NDArray[np.float32] = np.asarray(bare, np.float32).reshape(2, -1).mean(axis=0)
        return mean

    def features(self, crops_bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return what the network sees in crops (N, 96, 96, 3), (N, 1152), and scores."""
        (seen,) = self._session.run([FEATURES], {INPUT: as_input(crops_bgr)})
        return np.asarray(seen, np.float32)


def as_input(crops_bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return squares (N, side, side, 3), 0-255, as the networks want them: (N, 3, side, side), -1 to 1."""
    planes = np.ascontiguousarray(crops_bgr.transpose(0, 3, 1, 2), np.float32)
    return planes / np.float32(127.5) - np.float32(1)
