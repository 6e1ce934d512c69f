"""Reads a line of text of which only the characters of a date and a time are taken into account."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from detectors.models.manifest import entry
from detectors.models.store import verify
from detectors.plates.ctc import best_path
from detectors.plates.cut import only
from detectors.plates.sessions import open_session
from lianfang.errors import ModelError

MODEL = "ppocr-v4-rec"
_CHARACTERS = "0123456789-/:.年月日星期一二三四五六天周上下午APM"
_HEIGHT = 48  # pixels of the network's input
_MULTIPLE = 32  # of its width; a line ends before the last one, or its last character is lost


class Line(NamedTuple):
    """What a line says: ``confidence`` is that of its least sure character, 0-1; 0 for an empty one.

    ``span`` is from where to where in the line's width it stands, 0-1.
    """

    text: str
    confidence: float
    span: tuple[float, float]


class LineReader:
    """The recogniser of Chinese text, ready to run; any number of threads may call it at once."""

    def __init__(self, models_dir: Path | None = None) -> None:
        """Load the model; ModelError where it is missing, altered, or lacks a character."""
        model = verify(MODEL, models_dir)

        def of_times(network: ModelProto) -> ModelProto:
            listed = next((one.value for one in network.metadata_props if one.key == "character"), "")
            # The blank is its first class, a space its last.
            classes = {character: i + 1 for i, character in enumerate([*listed.splitlines(), " "])}
            if missing := [character for character in _CHARACTERS if character not in classes]:
                raise ModelError(f"model {model} knows no {' '.join(missing)}")
            return only(network, [0, *(classes[character] for character in _CHARACTERS + " ")])

        self._session = open_session(model, of_times)
        self._input = self._session.get_inputs()[0].name
        self.models = (f"{MODEL}@{entry(MODEL).onnx_sha256[:12]}",)

    def read(self, line_bgr: NDArray[np.uint8]) -> Line:
        """Return what ``line_bgr`` (height, width, 3) says, one row of characters."""
        height, width = line_bgr.shape[:2]
        scaled = max(_MULTIPLE, round(width * _HEIGHT / height))
        how = cv2.INTER_AREA if height > _HEIGHT else cv2.INTER_CUBIC
        fitted = cv2.resize(line_bgr, (scaled, _HEIGHT), interpolation=how)
        wide = (-(-scaled // _MULTIPLE) + 1) * _MULTIPLE
        planes = np.zeros((1, 3, _HEIGHT, wide), np.float32)
        planes[0, :, :, :scaled] = fitted.transpose(2, 0, 1) / np.float32(127.5) - 1
        (every,) = self._session.run(None, {self._input: planes})
        steps = np.asarray(every, np.float32)[0]
        classes = steps.argmax(axis=1)
        written = np.flatnonzero(classes)
        if not len(written):
            return Line("", 0.0, (0.0, 1.0))
        text = "".join((_CHARACTERS + " ")[i] for i in best_path(steps))
        share = wide / scaled / len(steps)
        span = (max(0.0, float(written[0]) * share), min(1.0, float(written[-1] + 1) * share))
        return Line(text.strip(), _least(steps, classes), span)


def _least(steps: NDArray[np.float32], classes: NDArray[np.intp]) -> float:
    """Return the probability of the least sure character: of each, at its surest step."""
    least, surest = 1.0, 0.0
    for i, chosen in enumerate(classes):
        before = classes[i - 1] if i else 0
        if before and chosen != before:
            least, surest = min(least, surest), 0.0
        surest = max(surest, float(steps[i, chosen])) if chosen else 0.0
    return min(least, surest) if classes[-1] else least
