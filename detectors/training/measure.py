"""How good a classifier of two classes is: from the probabilities it gives and the truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def average_precision(score: NDArray[np.float32], positive: NDArray[np.bool_]) -> float:
    """Return the area, 0-1, under precision over recall of ``score`` (N,); nan where nothing is positive.

    Equal scores are taken together. It is the sum over recall's steps (no interpolation).
    """
    count = int(positive.sum())
    if not count:
        return float("nan")
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)  # of each run of equal scores
    hits = np.cumsum(positive[order])[last]
    steps = np.diff(hits, prepend=0) / count
    return float(np.sum(steps * hits / (last + 1)))


def log_loss(probability: NDArray[np.float32], positive: NDArray[np.bool_]) -> float:
    """Return the mean of -log of what the truth was given, each class counting half; nan if one lacks."""
    given = np.clip(np.where(positive, probability, 1 - probability), 1e-6, 1)
    if positive.all() or not positive.any():
        return float("nan")
    costs = -np.log(given)
    return float((costs[positive].mean() + costs[~positive].mean()) / 2)


def cut_for_precision(
    score: NDArray[np.float32], positive: NDArray[np.bool_], precision: float, least: float
) -> float:
    """Return the lowest cut, at least ``least``, from which on so much of what scores is positive; else 0.99.

    ``score`` and ``positive`` are (N,); scores of the cut itself count.
    """
    order = np.argsort(-score, kind="stable")
    shares = np.cumsum(positive[order]) / np.arange(1, len(score) + 1)
    cuts = score[order][(shares >= precision) & (score[order] >= least)]
    return min(float(cuts[-1]), 0.99) if len(cuts) else 0.99
