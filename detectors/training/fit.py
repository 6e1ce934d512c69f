"""Fits the score of the head classifier to samples, and scores samples that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.helmets.classifier import HeadClassifier
from detectors.training.samples import BARE, Sample, varied
from detectors.training.stem import Linear
from lianfang.errors import ModelError

VARIATIONS = 6  # of each head
PENALTY = 300.0  # on the weights of features of unit variance; of 30, 100 and 300 the best on held heads
STEPS = 12  # of Newton's method; it has converged by then


def features(classifier: HeadClassifier, samples: Sequence[Sample], seed: int) -> NDArray[np.float32]:
    """Return the features (N x 6, 1152) of variations of ``samples``, those of a sample together."""
    random = np.random.default_rng(seed)
    crops = [varied(sample, random) for sample in samples for _ in range(VARIATIONS)]
    # In parts: all activations at once would fill the memory.
    parts = [np.stack(crops[i : i + 32]) for i in range(0, len(crops), 32)]
    return np.concatenate([classifier.features(part) for part in parts])


def fit(seen: NDArray[np.float32], bare: NDArray[np.bool_], start: Linear | None = None) -> Linear:
    """Return the score fitted to features (N, 1152) of heads that are ``bare`` (N,) or not.

    It is a logistic regression, both classes weighed alike, its weights drawn to those of ``start``, or to
    none: by Newton's method over the samples, which are fewer than the features. Raises ModelError where a
    class has no samples.
    """
    if bare.all() or not bare.any():
        raise ModelError("training needs heads of both classes, worn and bare")
    middle, spread = seen.mean(axis=0), seen.std(axis=0) + 1e-3
    z = np.hstack([(seen - middle) / spread, np.full((len(seen), 1), 3.0)]).astype(np.float64)
    kernel = z @ z.T
    before = np.zeros(len(seen)) if start is None else seen @ start.weight + start.bias
    importance = np.where(bare, 0.5 / bare.mean(), 0.5 / (~bare).mean())
    drawn = np.zeros(len(seen))
    for _ in range(STEPS):
        score = before + kernel @ drawn
        p = 1 / (1 + np.exp(-np.clip(score, -30, 30)))
        curve = importance * p * (1 - p) + 1e-4
        wanted = score - before + importance * (bare - p) / curve
        drawn = np.linalg.solve(kernel + PENALTY * np.diag(1 / curve), wanted)
    weights = z.T @ drawn
    weight = weights[:-1] / spread
    bias = 3.0 * weights[-1] - float(weight @ middle)
    if start is not None:
        weight, bias = weight + start.weight, bias + start.bias
    return Linear(weight.astype(np.float32), float(bias))


def labels(samples: Sequence[Sample]) -> NDArray[np.bool_]:
    """Return whether each of the variations that `features` gives is of a bare head."""
    return np.repeat([sample.label == BARE for sample in samples], VARIATIONS)


def scores(
    classifier: HeadClassifier, samples: Sequence[Sample]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the probability of being bare and whether it is, (N,) each, of heads where they are labelled."""
    given = [classifier.bare_heads(sample.picture, [sample.head]) for sample in samples]
    return np.concatenate(given), np.array([sample.label == BARE for sample in samples])
