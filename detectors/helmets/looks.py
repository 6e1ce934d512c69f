"""One look at every rider of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.helmets.classifier import HeadClassifier
from detectors.helmets.heads import Head, crop, is_whole, sharpness
from detectors.helmets.locator import HeadLocator
from detectors.helmets.owners import owners
from detectors.helmets.regions import regions
from lianfang.events import DetectedObject


@dataclass(frozen=True)
class Fitness:
    """What a head must have to be judged: its height in pixels, and detail as `heads.sharpness` gives it."""

    min_head_px: float
    min_sharpness: float


USUAL = Fitness(min_head_px=12, min_sharpness=8)


@dataclass(frozen=True)
class Look:
    """A head found, and the probability, 0-1, that it is bare; None where it cannot be judged."""

    head: Head
    bare: float | None


def look_at(
    image_bgr: NDArray[np.uint8],
    objects: Sequence[DetectedObject],
    locator: HeadLocator,
    classifier: HeadClassifier,
    fitness: Fitness,
) -> dict[int, Look]:
    """Return the look at each rider whose head is found, by the index in ``objects`` of who answers for it.

    That is a person, or a two-wheeler where the rider is not found as a person. Heads too small, without
    detail or cut off by the picture's edge are not judged.
    """
    height, width = image_bgr.shape[:2]
    located = locator.heads(image_bgr, regions(objects, width, height, fitness.min_head_px))
    heads = {i: one.head for i, one in owners(located, objects, width, height).items()}
    fit = {i: head for i, head in heads.items() if is_fit(image_bgr, head, fitness)}
    bare = dict(zip(fit, map(float, classifier.bare_heads(image_bgr, tuple(fit.values()))), strict=True))
    return {i: Look(head, bare.get(i)) for i, head in heads.items()}


def is_fit(image_bgr: NDArray[np.uint8], head: Head, fitness: Fitness) -> bool:
    """Say whether ``head`` can be judged."""
    height, width = image_bgr.shape[:2]
    return (
        head.size_px >= fitness.min_head_px
        and is_whole(head, width, height)
        and sharpness(crop(image_bgr, head)) >= fitness.min_sharpness
    )
