"""What of a picture tells whether its camera still sees its scene: detail, and the directions of edges."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest.view import Plane

_WIDTH, _HEIGHT = 160, 120  # at work, whatever the picture's shape: the view is compared with itself only
_SAMPLES = 2  # of each side of what becomes one pixel: all of a large picture would cost more than they tell
_CELL = 10  # pixels of a cell's side: 16 × 12 cells
_DETAIL = 3.0  # levels of standard deviation in a cell from which it shows something: noise is averaged out
_EDGE = 1.0  # levels per pixel from which something is an edge: below is noise, which has no direction
_MIDDLE = 128.0  # levels: squares of what is near 0 keep their precision

Levels = NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """``detail`` is the share of cells that show something, 0-1; ``edges`` is (2, H, W), see `edges`."""

    detail: float
    edges: Levels


def view(luma: Plane) -> View:
    """Return the view of a picture of which ``luma`` (H, W) is the brightness."""
    grey = cv2.GaussianBlur(_small(luma), (5, 5), 0).astype(np.float32, copy=False)
    return View(float((_spread(grey) >= _DETAIL).mean()), edges(grey))


def edges(grey: Levels) -> Levels:
    """Return (2, H, W): the edges of ``grey`` (H, W) as doubled angles, by the square root of strength.

    A doubled angle forgets which side of an edge is the lighter one: day and infra-red agree on the rest. The
    root keeps a few strong edges, such as those of a text in the picture, from deciding alone. The slopes are
    those of Sobel's operator.
    """
    dx = cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=1 / 8)
    dy = cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=1 / 8)
    strength = cv2.magnitude(dx, dy)
    known = np.maximum(strength, _EDGE)
    scale = (strength >= _EDGE) / (known * np.sqrt(known))
    result: Levels = np.stack([(dx * dx - dy * dy) * scale, 2 * dx * dy * scale])
    return result


def likeness(a: Levels, b: Levels) -> float:
    """Return how alike two arrays of `edges` are: 1 for the same scene, about 0 for another."""
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.vdot(a, b)) / norm if norm > 0 else 0.0


def _small(luma: Plane) -> Levels:
    """Return ``luma`` as (_HEIGHT, _WIDTH), less _MIDDLE, each the mean of some pixels it stands for."""
    some = cv2.resize(luma, (_WIDTH * _SAMPLES, _HEIGHT * _SAMPLES), interpolation=cv2.INTER_NEAREST)
    levels = some.astype(np.float32) - np.float32(_MIDDLE)
    return cv2.resize(levels, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)


def _spread(grey: Levels) -> Levels:
    """Return the standard deviation in each cell of ``grey``, (rows, columns)."""
    cells = (_WIDTH // _CELL, _HEIGHT // _CELL)
    means, squares = (cv2.resize(each, cells, interpolation=cv2.INTER_AREA) for each in (grey, grey * grey))
    spread: Levels = np.sqrt(np.maximum(squares - means * means, 0))
    return spread
