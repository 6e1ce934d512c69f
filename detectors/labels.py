"""Reads labels in YOLO's format: a text file for each picture, a line for each box."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import NamedTuple

from lianfang.errors import ModelError


class Label(NamedTuple):
    """A labelled box: its class, its middle, and its sides, in shares of the picture."""

    kind: int
    x: float
    y: float
    width: float
    height: float

    @property
    def xyxyn(self) -> tuple[float, float, float, float]:
        """Its corners (x_min, y_min, x_max, y_max), in shares of the picture."""
        return (
            self.x - self.width / 2,
            self.y - self.height / 2,
            self.x + self.width / 2,
            self.y + self.height / 2,
        )


def labels_of(picture: Path) -> list[Label]:
    """Return the labels of ``picture`` (…/images/a.jpg) from …/labels/a.txt; none where that is missing.

    Raises ModelError with file, line, what was found and what is wanted.
    """
    path = picture.parent.parent / "labels" / f"{picture.stem}.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [_label(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _label(path: Path, number: int, line: str) -> Label:
    try:
        kind, *box = line.split()
        label = Label(int(kind), *map(float, box))
    except (ValueError, TypeError):
        label = None
    if label is None or not all(map(isfinite, label)) or not (0 < label.width <= 1 and 0 < label.height <= 1):
        wanted = "class x y width height, in shares of the picture"
        raise ModelError(f"{path}:{number}: found {line!r}; allowed: {wanted}")
    return label
