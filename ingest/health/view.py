"""What of a picture tells whether its camera still sees its scene: detail, and the directions of edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.view import Plane

_WIDTH, _HEIGHT = 160, 120  # at work, whatever the picture's shape: the view is compared with itself only
_SAMPLES = 2  # of each side of what becomes one pixel: all of a large picture would cost more than they tell
_CELL = 10  # pixels of a cell's side: 16 × 12 cells
_DETAIL = 3.0  # levels of standard deviation in a cell from which it shows something: noise is averaged out
_EDGE = 1.0  # levels per pixel from which something is an edge: below is noise, which has no direction
_BLUR = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
_SMOOTH, _SLOPE = (1 / 4, 2 / 4, 1 / 4), (-1 / 2, 0.0, 1 / 2)

Levels = NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """``detail`` is the share of cells that show something, 0-1; ``edges`` is (2, H, W), see `edges`."""

    detail: float
    edges: Levels


def view(luma: Plane) -> View:
    """Return the view of a picture of which ``luma`` (H, W) is the brightness."""
    grey = _along(_along(_small(luma), _BLUR, 0), _BLUR, 1)
    cells = grey.reshape(_HEIGHT // _CELL, _CELL, _WIDTH // _CELL, _CELL)
    return View(float((cells.std(axis=(1, 3)) >= _DETAIL).mean()), edges(grey))


def edges(grey: Levels) -> Levels:
    """Return (2, H, W): the edges of ``grey`` (H, W) as doubled angles, by the square root of strength.

    A doubled angle forgets which side of an edge is the lighter one: day and infra-red agree on the rest. The
    root keeps a few strong edges, such as those of a text in the picture, from deciding alone. The slopes are
    those of Sobel's operator.
    """
    dx = _along(_along(grey, _SMOOTH, 0), _SLOPE, 1)
    dy = _along(_along(grey, _SMOOTH, 1), _SLOPE, 0)
    strength = np.sqrt(dx * dx + dy * dy)
    known = np.maximum(strength, _EDGE)
    scale = (strength >= _EDGE) / (known * np.sqrt(known))
    result: Levels = np.stack([(dx * dx - dy * dy) * scale, 2 * dx * dy * scale])
    return result


def likeness(a: Levels, b: Levels) -> float:
    """Return how alike two arrays of `edges` are: 1 for the same scene, about 0 for another."""
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum()) / norm if norm > 0 else 0.0


def _small(luma: Plane) -> Levels:
    """Return ``luma`` as (_HEIGHT, _WIDTH), each the mean of some of the pixels it stands for."""
    down, right = (max(1, n // (m * _SAMPLES)) for n, m in zip(luma.shape, (_HEIGHT, _WIDTH), strict=True))
    some = luma[::down, ::right]
    rows, tall = _parts(some.shape[0], _HEIGHT)
    columns, wide = _parts(some.shape[1], _WIDTH)
    sums = np.add.reduceat(np.add.reduceat(some, rows, axis=0, dtype=np.uint32), columns, axis=1)
    means: Levels = (sums / (tall[:, None] * wide[None, :])).astype(np.float32)
    return means


def _parts(length: int, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where each of ``count`` parts of ``length`` pixels begins, and how long it is, at least 1."""
    bounds = np.arange(count + 1) * length // count
    return bounds[:-1], np.maximum(1, np.diff(bounds))


def _along(levels: Levels, weights: Sequence[float], axis: int) -> Levels:
    """Return ``levels`` (H, W) filtered along an axis by an odd number of ``weights``, mirrored outside."""
    reach = len(weights) // 2
    padded = np.pad(levels, [(reach, reach) if a == axis else (0, 0) for a in (0, 1)], mode="reflect")
    length = levels.shape[axis]
    moved = (padded[i : i + length] if axis == 0 else padded[:, i : i + length] for i in range(len(weights)))
    parts = (part * np.float32(weight) for part, weight in zip(moved, weights, strict=True) if weight)
    return sum(parts, np.zeros_like(levels))
