"""What of a picture tells whether its camera still sees its scene: detail, and the directions of edges."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_WIDTH, _HEIGHT = 160, 120  # at work, whatever the picture's shape: the view is compared with itself only
_CELL = 10  # pixels of a cell's side: 16 × 12 cells
_DETAIL = 3.0  # levels of standard deviation in a cell from which it shows something: noise is averaged out
_EDGE = 1.0  # levels per pixel from which something is an edge: below is noise, which has no direction


@dataclass(frozen=True)
class View:
    """``detail`` is the share of cells that show something, 0-1; ``edges`` is (2, H, W), see `edges`."""

    detail: float
    edges: NDArray[np.float32]


def view(image_bgr: NDArray[np.uint8]) -> View:
    """Return the view of ``image_bgr`` (H, W, 3)."""
    small = cv2.resize(image_bgr, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
    grey = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), (5, 5), 0).astype(np.float32)
    cells = grey.reshape(_HEIGHT // _CELL, _CELL, _WIDTH // _CELL, _CELL)
    return View(float((cells.std(axis=(1, 3)) >= _DETAIL).mean()), edges(grey))


def edges(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (2, H, W): the edges of ``grey`` (H, W) as doubled angles, by the square root of strength.

    A doubled angle forgets which side of an edge is the lighter one: day and infra-red agree on the rest. The
    root keeps a few strong edges, such as those of a text in the picture, from deciding alone.
    """
    dx, dy = (cv2.Sobel(grey, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1)))
    strength = np.hypot(dx, dy)
    scale = np.where(strength >= _EDGE, np.maximum(strength, _EDGE) ** -1.5, 0)
    result: NDArray[np.float32] = np.stack([(dx * dx - dy * dy) * scale, 2 * dx * dy * scale])
    return result


def likeness(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Return how alike two arrays of `edges` are: 1 for the same scene, about 0 for another."""
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum()) / norm if norm > 0 else 0.0
