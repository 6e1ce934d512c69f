"""Fitting a curve to boxes that are known to be right or wrong, and how far off it is on others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.calibration.curves import Curve, Floats, logit

FOLDS = 10
BINS = 10  # of equally many boxes, for the error
_SEED = 4
_STEPS = 100
_PRIOR = 1.0  # pulls the slope to 1, as much as a box would: a handful of boxes proves no steep curve


@dataclass(frozen=True)
class Boxes:
    """Boxes (N,) of a class or more: score, whether right, and which picture each is of."""

    score: Floats
    right: NDArray[np.bool_]
    picture: NDArray[np.int64]

    def some(self, chosen: NDArray[np.bool_]) -> Boxes:
        """Return those ``chosen`` (N,)."""
        return Boxes(self.score[chosen], self.right[chosen], self.picture[chosen])


def fit(boxes: Boxes) -> Curve:
    """Return the likeliest curve, by Newton's method; ValueError unless some boxes are right, some not."""
    right = boxes.right.astype(np.float64)
    if not 0 < right.sum() < len(right):
        raise ValueError(f"{int(right.sum())} of {len(right)} boxes are right: nothing to tell apart")
    inputs = np.stack([logit(boxes.score), np.ones(len(right))], axis=1)
    prior = np.diag([_PRIOR, 0.0])
    start = np.array([1.0, 0.0])
    weights = start.copy()
    for _ in range(_STEPS):
        probability = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        gradient = inputs.T @ (probability - right) + prior @ (weights - start)
        curvature = (inputs.T * (probability * (1 - probability))) @ inputs + prior
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
        weights = weights - np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-9:
            break
    slope = max(float(weights[0]), 1e-3)  # scores that say nothing: a flat curve, still rising
    return Curve(slope=slope, offset=float(weights[1]), boxes=len(right), right=int(right.sum()))


def cross_fitted(boxes: Boxes) -> Floats:
    """Return the probability (N,) of each box by a curve fitted without its picture's tenth of the pictures.

    ValueError where a tenth cannot be left out.
    """
    pictures = np.unique(boxes.picture)
    fold_of = dict(zip(pictures.tolist(), _folds(len(pictures)), strict=True))
    fold = np.array([fold_of[picture] for picture in boxes.picture.tolist()])
    probability = np.zeros(len(boxes.score))
    for one in np.unique(fold):
        held = fold == one
        probability[held] = fit(boxes.some(~held)).probability(boxes.score[held])
    return probability


def error(probability: Floats, right: NDArray[np.bool_]) -> float:
    """Return the expected calibration error, 0-1: how far bins of equally many are off, on average.

    Naeini et al. 2015; of equal counts, as most boxes are weak. ValueError for no boxes.
    """
    if not len(probability):
        raise ValueError("no boxes")
    order = np.argsort(probability, kind="stable")
    return sum(
        abs(float(probability[part].mean()) - float(right[part].mean())) * len(part)
        for part in np.array_split(order, BINS)
        if len(part)
    ) / len(probability)


def interval(probability: Floats, boxes: Boxes, resamples: int = 1000) -> tuple[float, float]:
    """Return the 95 % interval of `error`, by a bootstrap over pictures; it lies high, as errors add up."""
    random = np.random.default_rng(_SEED)
    of_picture = [np.flatnonzero(boxes.picture == one) for one in np.unique(boxes.picture)]
    errors = []
    for _ in range(resamples):
        drawn = np.concatenate(
            [of_picture[i] for i in random.integers(len(of_picture), size=len(of_picture))]
        )
        errors.append(error(probability[drawn], boxes.right[drawn]))
    low, high = np.percentile(errors, (2.5, 97.5))
    return float(low), float(high)


def _folds(count: int) -> list[int]:
    order = np.random.default_rng(_SEED).permutation(count)
    return [int(place) % FOLDS for place in order]
