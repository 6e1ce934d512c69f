"""How many people the object model finds by their height, whole and in tiles, on ``general/`` (COCO).

People on photographs are large. So a picture is scaled down until one of its people has a height within a
band, and laid somewhere into a frame of 1280x720, as wide as ingest publishes them by default, that is grey
otherwise. Only that one person counts: not cut off by the picture's edge, no crowd, higher than wide, and
never scaled up. Found means a box of the working confidence that overlaps by .5 and is nobody else's.

What lies around matters to the model. So the same is done within photographs without people instead of grey.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.engines import onnx
from detectors.engines.base import Detections, Engine
from detectors.evaluation.ap import match
from detectors.evaluation.base import Figure, Report, proportion
from detectors.evaluation.objects import WORKING_CONFIDENCE, Picture, Tiled, read
from detectors.models.boxes import iou

BANDS = ((15, 20), (20, 30), (30, 40), (40, 60))  # of heights in pixels
FRAME = (1280, 720)
TILES = (2, 2)
# Evenly drawn, so that a large folder takes no longer than two minutes.
MAX_PICTURES, MAX_PEOPLE, MAX_FALSE, MAX_SCENES = 400, 60, 60, 20
MIN_IOU = 0.5
_EDGE_PX = 2.0  # a box that ends nearer to the picture's edge is cut off
_GREY = 114
_SPREAD = (0.755, 0.5698)  # multiples of these, less their whole part, lie evenly in a square, however many

Boxes = NDArray[np.float32]
T = TypeVar("T")


@dataclass(frozen=True)
class Piece:
    """A picture scaled down, the boxes (N, 4) of its people in pixels, and which of them counts."""

    image: NDArray[np.uint8]
    people: Boxes
    counts: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.image.shape[1], self.image.shape[0]


def evaluate(data: Path, models_dir: Path | None) -> Report | None:
    """Return the figures on ``data``/general; None without people there, ModelError without the model."""
    pictures = thinned(read(data / "general")[0], MAX_PICTURES)
    chosen = [(p, i) for p in pictures for i in whole(p)]
    if not chosen:
        return None
    config = onnx.Config()
    engine = onnx.build(config, models_dir)
    tiled = Tiled(engine, TILES)
    shrink = min(side / of for side, of in zip(config.input_size, FRAME, strict=True))
    grey, scenes = [np.full((FRAME[1], FRAME[0], 3), _GREY, np.uint8)], empty_scenes(pictures)
    figures: dict[str, Figure | None] = {}
    for low, high in BANDS:
        small, wide = list(pieces(chosen, (low, high))), list(pieces(chosen, (low / shrink, high / shrink)))
        figures |= {
            f"heights.recall_{low}_{high}": recall(small, grey, engine),
            f"heights.tiled_recall_{low}_{high}": recall(small, grey, tiled),
            f"heights.input_recall_{low}_{high}": recall(wide, grey, engine),
            f"heights.scene_input_recall_{low}_{high}": recall(wide, scenes, engine),
        }
    few = thinned(pictures, MAX_FALSE)
    figures["heights.false_per_picture"] = false_boxes(few, engine)
    figures["heights.tiled_false_per_picture"] = false_boxes(few, tiled)
    notes = (
        f"{len(chosen)} people, scaled down into frames of {FRAME[0]}x{FRAME[1]}; model {engine.model_id}",
        "recall_: by height in pixels of the frame; input_recall_: in pixels of the model's input",
        f"scene_: the same within {len(scenes)} photographs without people instead of grey",
    )
    return Report({name: figure for name, figure in figures.items() if figure is not None}, notes)


def whole(picture: Picture) -> list[int]:
    """Return which people of ``picture`` are higher than wide, and not cut off as far as its box can tell."""
    image = _image(picture)
    if image is None:
        return []
    people = picture.truth["person"]
    inside = (people[:, :2] >= _EDGE_PX).all(axis=1)
    inside &= (people[:, 2:] <= np.array(image.shape[1::-1]) - _EDGE_PX).all(axis=1)
    sides = people[:, 2:] - people[:, :2]
    return np.flatnonzero(inside & (sides[:, 1] > sides[:, 0])).tolist()


def recall(
    several: Sequence[Piece], backgrounds: Sequence[NDArray[np.uint8]], engine: Engine
) -> Figure | None:
    """Return the share of ``several`` that is found in front of ``backgrounds``; None without any."""
    if not (several and backgrounds):
        return None
    found = 0
    for n, piece in enumerate(several):
        image, people = placed(piece, n, backgrounds[n % len(backgrounds)])
        found += piece.counts in hits(_persons(engine, image), people)
    return proportion(found, len(several))


def pieces(chosen: Sequence[tuple[Picture, int]], band: tuple[float, float]) -> Iterator[Piece]:
    """Yield the pictures scaled down until the chosen person is as high as ``band`` says, in pixels."""
    low, high = band
    heights = [float(p.truth["person"][i, 3] - p.truth["person"][i, 1]) for p, i in chosen]
    high_enough = [k for k, height in enumerate(heights) if height >= high]
    for n, k in enumerate(thinned(high_enough, MAX_PEOPLE)):
        picture, i = chosen[k]
        image = _image(picture)
        if image is not None:
            asked = low * (high / low) ** (n * _SPREAD[0] % 1)
            yield _cut(_scaled(Piece(image, picture.truth["person"], i), asked / heights[k]))


def _scaled(piece: Piece, scale: float) -> Piece:
    width, height = (max(1, round(side * scale)) for side in piece.size)
    # As a lens would: pixels that are averaged, not skipped.
    image = cv2.resize(piece.image, (width, height), interpolation=cv2.INTER_AREA)
    exactly = np.array([width / piece.size[0], height / piece.size[1]] * 2, np.float32)
    return replace(piece, image=np.asarray(image, np.uint8), people=piece.people * exactly)


def _cut(piece: Piece) -> Piece:
    """Return what of ``piece`` fits a frame, around the person who counts."""
    box = piece.people[piece.counts]
    starts = []
    for axis, (side, of) in enumerate(zip(piece.size, FRAME, strict=True)):
        middle = (box[axis] + box[axis + 2]) / 2
        starts.append(int(np.clip(middle - of / 2, 0, max(0, side - of))))
    left, top = starts
    image = piece.image[top : top + FRAME[1], left : left + FRAME[0]]
    return replace(piece, image=image, people=piece.people - np.array([left, top] * 2, np.float32))


def placed(piece: Piece, n: int, background: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Boxes]:
    """Return ``background`` with ``piece`` at its ``n``-th place, and where the people are."""
    left, top = (
        int((of - side) * (n * share % 1)) for of, side, share in zip(FRAME, piece.size, _SPREAD, strict=True)
    )
    image = background.copy()
    image[top : top + piece.size[1], left : left + piece.size[0]] = piece.image
    return image, piece.people + np.array([left, top] * 2, np.float32)


def empty_scenes(pictures: Sequence[Picture]) -> list[NDArray[np.uint8]]:
    """Return photographs in which nobody is, as large as a frame."""
    empty = [p for p in pictures if not len(p.truth["person"]) and not len(p.crowds["person"])]
    found = []
    for image in map(_image, thinned(empty, MAX_SCENES)):
        if image is None:
            continue
        height, width = image.shape[:2]
        scale = max(FRAME[0] / width, FRAME[1] / height)
        size = (max(FRAME[0], round(width * scale)), max(FRAME[1], round(height * scale)))
        large = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        found.append(np.asarray(large[: FRAME[1], : FRAME[0]], np.uint8))
    return found


def hits(found: Detections, people: Boxes) -> set[int]:
    """Return which of ``people`` (N, 4), in pixels of a frame, were found: each box finds one at most."""
    boxes = found.xyxyn * np.array(FRAME * 2, np.float32)
    overlap = iou(boxes, people)
    taken: set[int] = set()
    for row in overlap[np.argsort(-found.confidence, kind="stable")]:
        row[list(taken)] = 0
        best = int(row.argmax())
        if row[best] >= MIN_IOU:
            taken.add(best)
    return taken


def false_boxes(pictures: Sequence[Picture], engine: Engine) -> Figure:
    """Return how many boxes of a picture are nobody, on average, with the interval of the mean."""
    counts = []
    for picture in pictures:
        image = _image(picture)
        if image is None:
            continue
        found = _persons(engine, image)
        boxes = found.xyxyn * np.array(image.shape[1::-1] * 2, np.float32)
        one = match(boxes, found.confidence, picture.truth["person"], picture.crowds["person"], MIN_IOU)
        counts.append(int((~one.hit).sum()))
    mean = float(np.mean(counts))
    spread = 1.96 * float(np.std(counts, ddof=1)) / sqrt(len(counts)) if len(counts) > 1 else 0.0
    return Figure(mean, len(counts), (max(0.0, mean - spread), mean + spread))


def thinned(several: Sequence[T], most: int) -> list[T]:
    """Return at most ``most``, evenly drawn."""
    if len(several) <= most:
        return list(several)
    return [several[i] for i in np.linspace(0, len(several) - 1, most).round().astype(int)]


def _persons(engine: Engine, image: NDArray[np.uint8]) -> Detections:
    found = engine.detect(image)
    sure = (found.class_id == engine.labels.index("person")) & (found.confidence >= WORKING_CONFIDENCE)
    return Detections(found.xyxyn[sure], found.confidence[sure], found.class_id[sure])


def _image(picture: Picture) -> NDArray[np.uint8] | None:
    # COCO's boxes are those of the pixels as they are stored.
    image = cv2.imread(str(picture.path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return None if image is None else np.asarray(image, np.uint8)
