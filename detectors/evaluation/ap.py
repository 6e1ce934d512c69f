"""Average precision and miss rate of boxes, as COCO counts them at one overlap.

COCO: Lin et al. 2014, arXiv 1405.0312, and its ``cocoeval``: greedy matching in the order of confidence,
crowds neither right nor wrong, precision made monotone and read at 101 recalls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.evaluation.base import Figure, proportion
from detectors.models.boxes import area, iou

MAX_DETECTIONS = 100  # of a class in a picture, as COCO
MIN_TRUTHS = 20  # for an interval: a bootstrap over a handful of objects says nothing
_RECALLS = np.linspace(0, 1, 101)
_SEED = 4
_RESAMPLES = 1000


@dataclass(frozen=True)
class Matched:
    """One class in one picture: ``score`` and ``hit`` (N,) of what counts, and how many there truly are."""

    score: NDArray[np.float32]
    hit: NDArray[np.bool_]
    truths: int


def match(
    xyxy: NDArray[np.float32],
    score: NDArray[np.float32],
    truth: NDArray[np.float32],
    crowd: NDArray[np.float32],
    min_iou: float = 0.5,
) -> Matched:
    """Return which boxes (N, 4) of ``score`` (N,) are one of ``truth`` (M, 4), strongest first, each once.

    All in pixels. A box that is none of them, but lies in a ``crowd`` (K, 4) by so much of its own area, is
    left out.
    """
    order = np.argsort(-score, kind="stable")[:MAX_DETECTIONS]
    boxes = xyxy[order]
    overlap = iou(boxes, truth)
    hit = np.zeros(len(order), np.bool_)
    for rank in range(len(order) if len(truth) else 0):
        best = int(np.argmax(overlap[rank]))
        if overlap[rank, best] >= min_iou:
            hit[rank] = True
            overlap[:, best] = -1
    counts = hit | ~(_inside(boxes, crowd) >= min_iou).any(axis=1)
    return Matched(score[order][counts], hit[counts], len(truth))


def average_precision(pictures: Sequence[Matched]) -> Figure:
    """Return the AP, its count that of true objects; from `MIN_TRUTHS` on with a bootstrap interval.

    The bootstrap draws pictures. ValueError where there is no true object.
    """
    truths = np.array([one.truths for one in pictures])
    if not truths.sum():
        raise ValueError("no object of this class: its average precision is not defined")
    score = np.concatenate([one.score for one in pictures])
    order = np.argsort(-score, kind="stable")
    hit = np.concatenate([one.hit for one in pictures])[order]
    picture = np.repeat(np.arange(len(pictures)), [len(one.score) for one in pictures])[order]
    value = _area(hit, np.ones(len(hit)), int(truths.sum()))
    if truths.sum() < MIN_TRUTHS:
        return Figure(value, int(truths.sum()))
    random = np.random.default_rng(_SEED)
    again = []
    for _ in range(_RESAMPLES):
        weight = np.bincount(random.integers(len(pictures), size=len(pictures)), minlength=len(pictures))
        if count := int((weight * truths).sum()):
            again.append(_area(hit, weight[picture], count))
    low, high = np.percentile(again, (2.5, 97.5))
    return Figure(value, int(truths.sum()), (float(low), float(high)))


def miss_rate(pictures: Sequence[Matched], min_score: float) -> Figure:
    """Return the share of true objects without a box of ``min_score`` or more; ValueError without any."""
    truths = sum(one.truths for one in pictures)
    if not truths:
        raise ValueError("no object of this class: none can be missed")
    # Greedy matching goes by score: what weaker boxes hit takes nothing from the stronger ones.
    found = sum(int((one.hit & (one.score >= min_score)).sum()) for one in pictures)
    return proportion(truths - found, truths)


def _inside(boxes: NDArray[np.float32], crowd: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the share (N, K) of each box that lies in each crowd."""
    sides = np.minimum(boxes[:, None, 2:], crowd[None, :, 2:]) - np.maximum(
        boxes[:, None, :2], crowd[None, :, :2]
    )
    common = np.maximum(sides, 0).prod(axis=2)
    return np.asarray(common / np.maximum(area(boxes), 1e-9)[:, None], np.float32)


def _area(hit: NDArray[np.bool_], weight: NDArray[np.floating | np.integer], truths: int) -> float:
    """Return the AP of boxes in the order of confidence, each counted ``weight`` times."""
    right = np.cumsum(hit * weight)
    seen = np.cumsum(weight)
    precision = right / np.maximum(seen, 1e-9)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(right / truths, _RECALLS - 1e-12, side="left")
    return float(np.append(precision, 0.0)[at].mean())
