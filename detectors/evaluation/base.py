"""What an evaluation gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

_Z95 = 1.959964


@dataclass(frozen=True)
class Figure:
    """One measured figure with its 95 % interval, if it has one, and of how many cases it was taken."""

    value: float
    count: int
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Report:
    """The figures of one task by name (``plates.crops_exact``), and what a reader should know of them."""

    figures: Mapping[str, Figure]
    notes: tuple[str, ...] = ()


Evaluate = Callable[[Path, Path | None], Report | None]
"""(data folder, models folder or None for the default) → figures, None where the folder has no such part."""


def proportion(hits: int, count: int) -> Figure:
    """Return ``hits`` of ``count`` (at least 1) with Wilson's 95 % score interval."""
    share = hits / count
    centre = share + _Z95**2 / (2 * count)
    spread = _Z95 * sqrt(share * (1 - share) / count + _Z95**2 / (4 * count**2))
    scale = 1 + _Z95**2 / count
    return Figure(share, count, (max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)))
