"""Reads a line of characters: the probability of each at each step along it.

Two networks for the same characters: clp-rec was trained on plates, ppocr-v4-rec on Chinese text of any
kind, whose other 6,550 characters are left out of account. Both want ±1 in BGR, and zeros at the line's
right: without that margin clp-rec loses the first character.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from detectors.plates.ctc import Steps
from detectors.plates.cut import as_if_wider, only
from detectors.plates.sessions import open_session
from lianfang.errors import ModelError
from lianfang.plates import ALPHABET


class Shape(NamedTuple):
    """Pixels of a network's input, and how wide a plate is in it: narrower than it was, as both read best.

    A network sees the input as if zeros made it ``seen_width`` wide.
    """

    height: int
    seven_width: int
    width: int
    seen_width: int


_AFTER = 3  # steps: what the networks say of a line's end comes a little after it
# Chosen on degraded crops of one half (docs/models/plates.md).
PLATES = Shape(32, 88, 188, 320)
TEXT = Shape(48, 132, 240, 240)
_STILL_PX = 40  # the convolutions of clp-rec see so far to either side; a plate of eight ends at 101


class Recogniser:
    """A recogniser, ready to run; may be called from any number of threads at once."""

    def __init__(self, model: Path, shape: Shape, characters: Sequence[str] = ()) -> None:
        """Load the model; without ``characters``, in the order of its classes, it must list them itself.

        Raises ModelError where it cannot be loaded or lacks a character of plates.
        """

        def of_plates(network: ModelProto) -> ModelProto:
            listed = next((one.value for one in network.metadata_props if one.key == "character"), "")
            classes = {character: i + 1 for i, character in enumerate(characters or listed.splitlines())}
            if missing := [character for character in ALPHABET if character not in classes]:
                raise ModelError(f"model {model} knows no {' '.join(missing)}")
            small = only(network, [0, *(classes[character] for character in ALPHABET)])
            if shape.seen_width == shape.width:
                return small
            return as_if_wider(small, (shape.height, shape.width), shape.seen_width, _STILL_PX)

        self._session = open_session(model, of_plates)
        self._shape = shape
        self._input = self._session.get_inputs()[0].name

    def steps(self, plate_bgr: NDArray[np.uint8], characters: int = 7) -> Steps:
        """Return the probabilities over ALPHABET, step by step, of a flat plate with so many in one row."""
        height, of_seven, width, seen_width = self._shape
        plate_width = round(of_seven * characters / 7)
        how = cv2.INTER_AREA if len(plate_bgr) > height else cv2.INTER_LINEAR
        fitted = cv2.resize(plate_bgr, (plate_width, height), interpolation=how)
        planes = np.zeros((1, 3, height, width), np.float32)
        planes[0, :, :, :plate_width] = fitted.transpose(2, 0, 1) / np.float32(127.5) - 1
        (every,) = self._session.run(None, {self._input: planes})
        steps: Steps = np.asarray(every, np.float32)[0]
        return steps[: ceil(len(steps) * plate_width / seen_width) + _AFTER]
