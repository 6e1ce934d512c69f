"""How many people the object model finds by their height, whole and in tiles, on ``general/`` (COCO).

People on photographs are large. So each picture is scaled down until one of its people has a height within a
band, and many such pictures are laid beside each other into frames of 1280x720, as wide as ingest publishes
them by default. Only that one person counts: not cut off by the picture's edge, no crowd, higher than wide,
and never scaled up. Found means a box of the working confidence that overlaps by .5 and is nobody else's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
MAX_PICTURES, MAX_PEOPLE, MAX_FALSE = 400, 200, 100  # of a folder, of a band, to look for false boxes on
MIN_IOU = 0.5
_EDGE_PX = 2.0  # a box that ends nearer to the picture's edge is cut off
_GAP_PX = 4  # between pictures of a frame
_GREY = 114
_GOLDEN = 0.618033988749895  # its multiples, less their whole part, are spread evenly, however many

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
    engines: dict[str, Engine] = {"": engine, "tiled_": Tiled(engine, TILES)}
    shrink = min(side / of for side, of in zip(config.input_size, FRAME, strict=True))
    at_input = {band: (band[0] / shrink, band[1] / shrink) for band in BANDS}
    figures: dict[str, Figure] = {}
    for band, wider in at_input.items():
        name = f"{band[0]}_{band[1]}"
        for prefix, found in recall(chosen, band, engines).items():
            figures[f"heights.{prefix}recall_{name}"] = found
        for found in recall(chosen, wider, {"": engine}).values():
            figures[f"heights.input_recall_{name}"] = found
    for prefix, one in engines.items():
        figures[f"heights.{prefix}false_per_picture"] = false_boxes(thinned(pictures, MAX_FALSE), one)
    notes = (
        f"{len(chosen)} people, scaled down into frames of {FRAME[0]}x{FRAME[1]}; model {engine.model_id}",
        "recall_: heights in pixels of the frame; input_recall_: in pixels of the model's input",
    )
    return Report(dict(sorted(figures.items())), notes)


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
    chosen: Sequence[tuple[Picture, int]], band: tuple[float, float], engines: Mapping[str, Engine]
) -> dict[str, Figure]:
    """Return by engine the share found of those who can be scaled into ``band``; nothing if nobody can."""
    found = dict.fromkeys(engines, 0)
    count = 0
    for image, people, counting in frames(list(pieces(chosen, band))):
        count += len(counting)
        for name, engine in engines.items():
            found[name] += len(counting & hits(_persons(engine, image), people))
    return {name: proportion(hit, count) for name, hit in found.items()} if count else {}


def pieces(chosen: Sequence[tuple[Picture, int]], band: tuple[float, float]) -> Iterator[Piece]:
    """Yield the pictures scaled down until the chosen person is as high as ``band`` says, in pixels."""
    low, high = band
    heights = [float(p.truth["person"][i, 3] - p.truth["person"][i, 1]) for p, i in chosen]
    high_enough = [k for k, height in enumerate(heights) if height >= high]
    for n, k in enumerate(thinned(high_enough, MAX_PEOPLE)):
        picture, i = chosen[k]
        image = _image(picture)
        if image is not None:
            asked = low * (high / low) ** (n * _GOLDEN % 1)
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


def frames(several: Sequence[Piece]) -> Iterator[tuple[NDArray[np.uint8], Boxes, set[int]]]:
    """Yield frames filled with pictures in rows, the boxes of people in them, and which of those count."""
    image, boxes, counting = _empty()
    x = y = row = 0
    for piece in sorted(several, key=lambda one: -one.size[1]):
        width, height = piece.size
        if x + width > FRAME[0]:
            x, y, row = 0, y + row + _GAP_PX, 0
        if y + height > FRAME[1]:
            yield image, np.concatenate(boxes), counting
            image, boxes, counting = _empty()
            x = y = row = 0
        image[y : y + height, x : x + width] = piece.image
        counting.add(sum(map(len, boxes)) + piece.counts)
        boxes.append(piece.people + np.array([x, y] * 2, np.float32))
        x, row = x + width + _GAP_PX, max(row, height)
    if boxes:
        yield image, np.concatenate(boxes), counting


def _empty() -> tuple[NDArray[np.uint8], list[Boxes], set[int]]:
    return np.full((FRAME[1], FRAME[0], 3), _GREY, np.uint8), [], set()


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
