"""Fits the head locator to scenes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.helmets.classifier import as_input
from detectors.training.network import LOCATOR, Arrays, Network, torch
from detectors.training.scenes import Scene, varied
from lianfang.errors import ModelError

BATCH = 32
HEADS_SHARE = 0.6  # of a batch: squares with a head, or empty ones would be most of it
WEIGHT_DECAY = 0.02
PEAK_RATE = 3e-3
RARE = -3.0  # where the score of a cell begins, before the sigmoid: hardly any is a head's


def fit(
    scenes: Sequence[Scene], steps: int, seed: int, progress: Callable[[str], None] = lambda _: None
) -> Arrays:
    """Return weights after ``steps`` batches on ``scenes``, on one thread; the same for the same ``seed``.

    Raises ModelError without torch, or where no scene holds a head or none is without.
    """
    package = torch()
    package.set_num_threads(1)
    by_kind = [[scene for scene in scenes if scene.holds_head is holds] for holds in (False, True)]
    if not all(by_kind):
        raise ModelError("training needs two-wheelers with labelled heads and some without")
    random = np.random.default_rng(seed)
    network = Network(LOCATOR, seed)
    weights = list(network.weights.values())
    network.weights["head.bias"].data[0] = RARE
    optimizer = package.optim.AdamW(weights, lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
    schedule = package.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps, pct_start=0.2)
    for step in range(steps):
        planes, share, place = (package.from_numpy(array) for array in _batch(by_kind, random))
        loss = _loss(package, network.scores(planes, training=True), share, place)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % 100 == 0:
            progress(f"locator: step {step + 1} of {steps}: loss {loss.item():.3f}")
    return network.arrays()


def _batch(
    by_kind: Sequence[Sequence[Scene]], random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    kinds = (random.random(BATCH) < HEADS_SHARE).astype(int)
    drawn = [by_kind[kind][int(random.integers(len(by_kind[kind])))] for kind in kinds]
    squares, shares, places = zip(*(varied(scene, random) for scene in drawn), strict=True)
    return as_input(np.stack(squares)), np.stack(shares), np.stack(places)


def _loss(package: Any, maps: Any, share: Any, place: Any) -> Any:  # noqa: ANN401 - torch's tensors
    """Return the focal loss of scores over soft targets, and the distance of places and sizes at heads.

    Both as CenterNet has them: Zhou et al. 2019, arXiv 1904.07850.
    """
    functional = package.nn.functional
    score, is_head = maps[:, 0], (share == 1).float()
    p = score.sigmoid()
    hit = is_head * (1 - p) ** 2 * functional.logsigmoid(score)
    miss = (1 - is_head) * (1 - share) ** 4 * p**2 * functional.logsigmoid(-score)
    count = is_head.sum().clamp(min=1)
    off = functional.smooth_l1_loss(maps[:, 1:], place, reduction="none", beta=0.1).sum(dim=1)
    return (-(hit + miss).sum() + (off * is_head).sum()) / count
