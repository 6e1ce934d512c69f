"""Fits the head classifier to samples, and scores samples that it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.helmets.classifier import HeadClassifier, as_input
from detectors.training.network import Arrays, Network, torch
from detectors.training.samples import BARE, WORN, Sample, displaced, varied
from lianfang.errors import ModelError

BATCH = 48
BARE_SHARE = 0.4  # of a batch: more than on the road, or the rarer class would hardly be seen
SMOOTHING = 0.05
WEIGHT_DECAY = 0.02
LOOKS = 6  # at each held head, as displaced as heads worked out from persons are


def fit(
    samples: Sequence[Sample],
    steps: int,
    seed: int,
    start: Arrays | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Arrays:
    """Return weights after ``steps`` batches on ``samples``, on one thread; the same for the same ``seed``.

    With ``start`` it goes on from there, ten times as cautiously. Raises ModelError without torch, or where
    a class has no samples.
    """
    package = torch()
    package.set_num_threads(1)
    by_class = [[s for s in samples if s.label == label] for label in (WORN, BARE)]
    if not all(by_class):
        raise ModelError("training needs heads of both classes, worn and bare")
    random = np.random.default_rng(seed)
    network = Network(start, seed)
    peak = 3e-3 if start is None else 3e-4
    weights = list(network.weights.values())
    optimizer = package.optim.AdamW(weights, lr=peak, weight_decay=WEIGHT_DECAY)
    schedule = package.optim.lr_scheduler.OneCycleLR(optimizer, peak, total_steps=steps, pct_start=0.2)
    loss_of = package.nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    for step in range(steps):
        planes, labels = _batch(by_class, random)
        loss = loss_of(network.logits(package.from_numpy(planes), training=True), package.from_numpy(labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % 100 == 0:
            progress(f"step {step + 1} of {steps}: loss {loss.item():.3f}")
    return network.arrays()


def _batch(
    by_class: Sequence[Sequence[Sample]], random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    labels = np.where(random.random(BATCH) < BARE_SHARE, BARE, WORN).astype(np.int64)
    crops = [varied(by_class[label][int(random.integers(len(by_class[label])))], random) for label in labels]
    return as_input(np.stack(crops)), labels


def scores(
    classifier: HeadClassifier, samples: Sequence[Sample], looks: int = LOOKS, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the probability of being bare and whether it is, (looks x N,) each, looks of a head together.

    Each look is displaced as heads worked out from a person's box are; one look is the crop as it is.
    """
    random = np.random.default_rng(seed)
    given = [
        classifier.bare_heads(
            sample.picture,
            [sample.head if looks == 1 else displaced(sample.head, random) for _ in range(looks)],
        )
        for sample in samples
    ]
    bare = np.array([sample.label == BARE for sample in samples for _ in range(looks)])
    return np.concatenate(given), bare
