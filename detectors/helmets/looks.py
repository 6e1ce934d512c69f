"""One look at every rider of a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.helmets.classifier import HeadClassifier
from detectors.helmets.heads import Head, crop, is_whole, of_rider, sharpness
from lianfang.events import DetectedObject


@dataclass(frozen=True)
class Fitness:
    """What a head must have to be judged: its height in pixels, and detail as `heads.sharpness` gives it."""

    min_head_px: float
    min_sharpness: float


@dataclass(frozen=True)
class Look:
    """A head that could be judged, and the probability, 0-1, that it is bare."""

    head: Head
    bare: float


def look_at(
    image_bgr: NDArray[np.uint8],
    objects: Sequence[DetectedObject],
    persons: Iterable[int],
    classifier: HeadClassifier,
    fitness: Fitness,
) -> dict[int, Look]:
    """Return the look at each of ``persons`` (indices of ``objects``) whose head can be judged.

    Heads too small, without detail or cut off by the picture's edge are left out.
    """
    height, width = image_bgr.shape[:2]
    fit: dict[int, Head] = {}
    for i in persons:
        head = of_rider(objects[i].xyxyn, width, height)
        if head.size_px < fitness.min_head_px or not is_whole(head, width, height):
            continue
        if sharpness(crop(image_bgr, head)) >= fitness.min_sharpness:
            fit[i] = head
    bare = classifier.bare_heads(image_bgr, tuple(fit.values()))
    return {i: Look(head, float(p)) for (i, head), p in zip(fit.items(), bare, strict=True)}
