"""How well drawn plates are read, kind by kind: ``python -m tests.support.drawn_plates [plates of each]``.

Some are cut out, in sizes and looks of ordinary cameras; some are found in a street of flat colours. They
have not the real type face: figures say which kinds are understood, not how often real ones are read.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.plates.read import PlateReader
from detectors.plates.reading import Reading
from lianfang.plates import KINDS
from tests.support.plates import Plate, corners_at, degrade, draw, place, random_text, seen_somehow

Image = NDArray[np.uint8]
SCENE_PX = (540, 960)  # height, width


@dataclass
class Score:
    """How many plates of one look there were, were read exactly, and were accepted, rightly or not."""

    count: int = 0
    exact: int = 0
    accepted: int = 0
    wrongly: int = 0

    def add(self, text: str, reading: Reading | None) -> None:
        """Count one plate with ``text``; None where nothing was found."""
        self.count += 1
        if reading is not None:
            self.exact += reading.text == text
            self.accepted += reading.accepted
            self.wrongly += reading.accepted and reading.text != text


def looks(rng: np.random.Generator) -> Iterator[tuple[str, Plate]]:
    """Yield a plate of every confirmed kind, colour and number of rows, with the name of that look."""
    for kind in KINDS.values():
        for colour in kind.colours if kind.confirmed else ():
            for rows in kind.rows:
                name = f"{kind.en}, {colour}, {rows} row{'s' * (rows > 1)}"
                yield name, draw(random_text(kind, rng), kind, colour, rows)


def cut_out(plate: Plate, rng: np.random.Generator) -> Image:
    """Return a plate as cut out of a picture: rows of 20 to 44 pixels."""
    height = int(rng.integers(20, 44)) * plate.rows
    width = round(height * plate.image.shape[1] / plate.image.shape[0])
    small = np.asarray(cv2.resize(plate.image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return degrade(small, seen_somehow(rng), rng)


def in_street(plate: Plate, rng: np.random.Generator) -> Image:
    """Return a picture in which the plate hangs, 110 to 240 pixels wide, on a flat bumper."""
    scene = np.full((*SCENE_PX, 3), rng.integers(70, 150, 3), np.uint8)
    scene[: SCENE_PX[0] // 3] = rng.integers(120, 220, 3)
    width = float(rng.uniform(110, 240)) * (0.7 if plate.rows == 2 else 1)
    corners = corners_at((480, 330), width, plate, float(rng.uniform(-8, 8)), float(rng.uniform(0, 0.1)))
    bumper = corners.mean(axis=0) + (corners - corners.mean(axis=0)) * 2
    cv2.fillConvexPoly(scene, bumper.astype(np.int32), tuple(int(v) for v in rng.integers(20, 160, 3)))
    return degrade(place(scene, plate, corners), seen_somehow(rng), rng)


def measure(
    see: Callable[[Plate, np.random.Generator], Reading | None], each: int, seed: int = 4
) -> dict[str, Score]:
    """Return the score of every look over ``each`` plates of it."""
    rng = np.random.default_rng(seed)
    scores: dict[str, Score] = {}
    for _ in range(each):
        for name, plate in looks(rng):
            scores.setdefault(name, Score()).add(plate.text, see(plate, rng))
    return scores


def main(each: int) -> None:
    """Print a line of the card's table for every look."""
    reader = PlateReader()
    cut = measure(lambda plate, rng: reader.read_plate(cut_out(plate, rng)), each)
    found = measure(lambda plate, rng: next(iter(reader.read(in_street(plate, rng))), None), each)
    for name, one in cut.items():
        street = found[name]
        wrongly = one.wrongly + street.wrongly
        sys.stdout.write(
            f"| {name} | {one.exact} | {one.accepted} | {street.exact} | {street.accepted} | {wrongly} |\n"
        )
    totals = [sum(s.exact for s in scores.values()) / (each * len(scores)) for scores in (cut, found)]
    sys.stdout.write(f"of {each} each; read exactly: cut out {totals[0]:.3f}, in a street {totals[1]:.3f}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
