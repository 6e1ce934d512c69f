"""What the head locator learns from: the squares above two-wheelers, with the heads labelled in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detectors.engines.base import Engine
from detectors.helmets.heads import Head
from detectors.helmets.locator import CELL_PX, CELLS, SIZE_PX, SQUARE_PX
from detectors.helmets.regions import regions
from detectors.helmets.squares import Square
from detectors.training.samples import Labelled, relit
from lianfang.events import DetectedObject

MIN_HEAD_PX = 8.0  # two-wheelers so far off that no head of theirs is that high are not looked at
KEPT_PX = 3 * SQUARE_PX // 2  # the side of a square as it is kept: whole pictures would fill the memory
OTHERS_PX = 9.0  # of the square: smaller heads are of another two-wheeler, whose own square shows them larger
WITHIN = 0.3  # of a head's height from its middle: a cell there says that it is one
SPREAD = 0.25  # of a head's height: how quickly cells further off are no head's any more


@dataclass(frozen=True)
class Scene:
    """A part of a picture, BGR, with the square in it and all heads in it; ``group`` as of samples."""

    part: NDArray[np.uint8]
    square: Square
    heads: tuple[Head, ...]
    group: str

    @property
    def holds_head(self) -> bool:
        """Say whether a labelled head is in the square as it is, and large enough to be of its riders."""
        return bool(_shown(self.heads, self.square))


def scenes(pictures: Iterable[Labelled], engines: Sequence[Engine]) -> list[Scene]:
    """Return the squares that the stage would look at in ``pictures``, with each of ``engines``.

    Of those without a head every third: they are most of them, and parked two-wheelers stay where they are.
    """
    found, empty = [], 0
    for picture in pictures:
        height, width = picture.image.shape[:2]
        for engine in engines:
            looked_at = regions(objects(picture.image, engine), width, height, MIN_HEAD_PX)
            for scene in (_scene(picture, region.square) for region in looked_at):
                empty += not scene.holds_head
                if scene.holds_head or empty % 3 == 0:
                    found.append(scene)
    return found


def objects(image_bgr: NDArray[np.uint8], engine: Engine) -> list[DetectedObject]:
    """Return what ``engine`` finds in a picture, as objects without a track."""
    found = engine.detect(image_bgr)
    return [
        DetectedObject(track_id=None, label=engine.labels[c], confidence=float(p), xyxyn=tuple(map(float, b)))
        for b, p, c in zip(found.xyxyn, found.confidence, found.class_id, strict=True)
    ]


def _scene(picture: Labelled, square: Square) -> Scene:
    """Return the scene of ``square``: twice its side, so that any variation finds its surroundings."""
    around = replace(square, side=2 * square.side)
    px = min(round(around.side), 2 * KEPT_PX)
    heads = tuple(
        Head(*around.inside(head.x, head.y, px), head.size_px * px / around.side) for head in picture.heads
    )
    near = tuple(head for head in heads if 0 <= head.x < px and 0 <= head.y < px)
    return Scene(around.cut(picture.image, px), Square(px / 2, px / 2, px / 2), near, picture.group)


def varied(
    scene: Scene, random: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    """Return a square of ``scene`` as another camera or moment could have shown it, with its `target`."""
    square = scene.square
    x, y = random.normal(0, 0.08, 2) * square.side
    side = square.side * float(np.exp(random.normal(0, 0.2)))
    moved = Square(
        square.x + x, square.y + y, side, float(random.uniform(-10, 10)), bool(random.random() < 0.5)
    )
    shown = relit(moved.cut(scene.part, SQUARE_PX), random, (SQUARE_PX // 3, SQUARE_PX * 9 // 10))
    return (shown, *target(_shown(scene.heads, moved)))


def target(heads: Sequence[Head]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what the network should say of a square with ``heads`` (in its pixels).

    The first is how much each cell (16, 16) is a head's, 1 at heads; the second (3, 16, 16) is where in the
    cell the nearest head's middle is and its size, as `locator.peaks` reads them.
    """
    share = np.zeros((CELLS, CELLS), np.float32)
    place = np.zeros((3, CELLS, CELLS), np.float32)
    middle = (np.arange(CELLS) + 0.5) * CELL_PX
    for head in heads:
        right = (head.x - middle)[None, :].repeat(CELLS, axis=0)
        down = (head.y - middle)[:, None].repeat(CELLS, axis=1)
        distance = np.hypot(right, down) / head.size_px
        own = np.exp(-(distance**2) / (2 * SPREAD**2))
        own[(distance <= WITHIN) | (distance == distance.min())] = 1
        nearer = own > share
        share = np.maximum(share, own).astype(np.float32)
        said = np.stack(
            [right / CELL_PX, down / CELL_PX, np.full_like(right, np.log(head.size_px / SIZE_PX))]
        )
        place[:, nearer] = said[:, nearer]
    return share, place


def _shown(heads: Sequence[Head], square: Square) -> list[Head]:
    """Return those of ``heads`` that a square shows, in its pixels, but for those of far-off others."""
    scale = SQUARE_PX / square.side
    shown = [Head(*square.inside(head.x, head.y, SQUARE_PX), head.size_px * scale) for head in heads]
    return [
        head
        for head in shown
        if 0 <= head.x < SQUARE_PX and 0 <= head.y < SQUARE_PX and head.size_px >= OTHERS_PX
    ]
