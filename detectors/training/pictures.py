"""Trains the head locator and the head classifier from labelled pictures, and chooses what they decide by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.engines.base import Engine
from detectors.helmets.classifier import HeadClassifier
from detectors.helmets.heads import pairs
from detectors.helmets.locator import HeadLocator
from detectors.helmets.looks import USUAL, is_fit
from detectors.helmets.owners import owners
from detectors.helmets.regions import regions
from detectors.helmets.votes import Thresholds
from detectors.training import locate
from detectors.training.bounds import Bounds, Found
from detectors.training.fit import VARIATIONS, features, fit, labels
from detectors.training.graphs import locator_to_onnx
from detectors.training.helmet import Progress
from detectors.training.locate import Views
from detectors.training.samples import Labelled, Sample, labelled, of_pictures
from detectors.training.scenes import objects, scenes
from detectors.training.stem import COUNT, Linear, Stem, to_onnx

BLOCKS = 12  # runs of pictures
FOLDS = 3
LOCATOR_STEPS = 500
LEAST_SCORE = 0.05  # of heads located in held pictures, before a bound is chosen
_UNDECIDED = Thresholds(0.75, 0.25)


@dataclass(frozen=True)
class Trained:
    """The ONNX files of both networks, and a line on where they come from."""

    locator: bytes
    head: bytes
    summary: str


@dataclass(frozen=True)
class Heads:
    """Features (N, 1152) of variations of labelled heads, whether bare (N,), and the part each is of (N,)."""

    seen: NDArray[np.float32]
    bare: NDArray[np.bool_]
    part: NDArray[np.int64]

    @classmethod
    def of(cls, samples: Sequence[Sample], stem: Stem, seed: int) -> Heads:
        """Look at ``samples`` through ``stem``."""
        untrained = to_onnx(stem, Linear(np.zeros(COUNT, np.float32), 0.0), _UNDECIDED)
        parts = np.repeat([_part(sample.group) for sample in samples], VARIATIONS)
        return cls(features(HeadClassifier(*_as_read(untrained)), samples, seed), labels(samples), parts)

    def score(self, without: int | None = None) -> Linear:
        """Return the score fitted to all of them, or to those not of that part."""
        kept = self.part != without if without is not None else np.ones(len(self.part), np.bool_)
        return fit(self.seen[kept], self.bare[kept])


def from_pictures(
    data: Path, nanodet: Path, engines: Sequence[Engine], steps: int | None, seed: int, progress: Progress
) -> Trained:
    """Return both networks, trained from the pictures in ``data``; ModelError where they are too few.

    ``engines`` find the two-wheelers, as cameras would be configured, the best last. Two thirds of the runs
    of pictures are each held from one training; what that says of the heads in it, found and judged as the
    stage does, chooses the bounds. The networks returned come from a last training, on all pictures.
    """
    stem = Stem.of_nanodet(nanodet)
    views = Views.of(scenes(labelled(data, BLOCKS), engines), stem, seed)
    heads = Heads.of(of_pictures(data, BLOCKS), stem, seed)
    steps = steps or LOCATOR_STEPS
    found: list[Found] = []
    for part in range(FOLDS):
        progress(f"training without part {part + 1} of {FOLDS}")
        arrays = locate.fit(views, views.group % FOLDS != part, steps, seed, progress)
        locator = locator_to_onnx(stem, arrays, LEAST_SCORE)
        head = to_onnx(stem, heads.score(without=part), _UNDECIDED)
        pictures = (picture for picture in labelled(data, BLOCKS) if _part(picture.group) == part)
        found += held(pictures, engines[-1], locator, head)
    bounds = Bounds.of(found)
    summary = f"{'/'.join(data.resolve().parts[-2:])}, seed {seed}; {bounds.told(found)}"
    progress(summary)
    arrays = locate.fit(views, views.group >= 0, steps, seed, progress)
    locator = locator_to_onnx(stem, arrays, bounds.min_score)
    return Trained(locator, to_onnx(stem, heads.score(), bounds.thresholds), summary)


def held(pictures: Iterable[Labelled], engine: Engine, locator: bytes, head: bytes) -> list[Found]:
    """Return what the stage finds in ``pictures`` with these networks, and the labelled heads it misses."""
    networks = HeadLocator(*_as_read(locator)), HeadClassifier(*_as_read(head))
    return [found for picture in pictures for found in _found(picture, engine, *networks)]


def _part(group: str) -> int:
    return int(group) % FOLDS


def _found(
    picture: Labelled, engine: Engine, locator: HeadLocator, classifier: HeadClassifier
) -> list[Found]:
    """Return what the stage finds in a picture, and the labelled heads that it does not."""
    height, width = picture.image.shape[:2]
    things = objects(picture.image, engine)
    located = locator.heads(picture.image, regions(things, width, height, USUAL.min_head_px))
    owned = list(owners(located, things, width, height).values())
    heads = [one.head for one in owned]
    bare = [
        float(p) if is_fit(picture.image, head, USUAL) else None
        for head, p in zip(heads, classifier.bare_heads(picture.image, heads), strict=True)
    ]
    joined = pairs(picture.heads, heads)
    truths = {j: picture.labels[i] for i, j in joined.items()}
    found = [Found(one.score, p, truths.get(j)) for j, (one, p) in enumerate(zip(owned, bare, strict=True))]
    missed = [label for i, label in enumerate(picture.labels) if i not in joined]
    return found + [Found(0.0, None, label) for label in missed]


def _as_read(content: bytes) -> tuple[str, bytes]:
    return hashlib.sha256(content).hexdigest(), content
