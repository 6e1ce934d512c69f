"""Fits the head locator to views of scenes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.helmets.classifier import INPUT, as_input
from detectors.training.network import LOCATOR, Arrays, Network, torch
from detectors.training.scenes import Scene, varied
from detectors.training.stem import LAYER, Stem
from lianfang.errors import ModelError

VIEWS = 6  # of each scene with a head; of the others, which are more, one
BATCH = 32
HEADS_SHARE = 0.6  # of a batch: squares with a head, or empty ones would be most of it
WEIGHT_DECAY = 0.02
PEAK_RATE = 3e-3
RARE = -3.0  # where the score of a cell begins, before the sigmoid: hardly any is a head's


@dataclass(frozen=True)
class Views:
    """What the object model's first stage sees in variations of scenes, and what is to be said of each.

    ``planes`` (N, 128, 16, 16), 16 bits: 64 KB a view. ``share`` (N, 16, 16) and ``place`` (N, 3, 16, 16)
    are those of `scenes.target`; ``holds_head`` and ``group`` (N,) those of the scenes.
    """

    planes: NDArray[np.float16]
    share: NDArray[np.float32]
    place: NDArray[np.float32]
    holds_head: NDArray[np.bool_]
    group: NDArray[np.int64]

    @classmethod
    def of(cls, places: Sequence[Scene], stem: Stem, seed: int) -> Views:
        """Look at ``places`` through ``stem``; the same for the same ``seed``."""
        random, session = np.random.default_rng(seed), stem.session()
        drawn = [scene for scene in places for _ in range(VIEWS if scene.holds_head else 1)]
        planes: list[NDArray[np.float16]] = []
        shares: list[NDArray[np.float32]] = []
        spots: list[NDArray[np.float32]] = []
        for i in range(0, len(drawn), BATCH):
            squares, share, place = zip(
                *(varied(scene, random) for scene in drawn[i : i + BATCH]), strict=True
            )
            (seen,) = session.run([LAYER], {INPUT: as_input(np.stack(squares))})
            planes.append(np.asarray(seen, np.float16))
            shares += share
            spots += place
        if not drawn:
            raise ModelError("training needs two-wheelers: none was found in the pictures")
        holds = np.array([scene.holds_head for scene in drawn])
        groups = np.array([int(scene.group) for scene in drawn])
        return cls(np.concatenate(planes), np.stack(shares), np.stack(spots), holds, groups)


def fit(
    views: Views,
    kept: NDArray[np.bool_],
    steps: int,
    seed: int,
    progress: Callable[[str], None] = lambda _: None,
) -> Arrays:
    """Return weights after ``steps`` batches of those ``views`` that are ``kept`` (N,), on one thread.

    They are the same for the same ``seed``. Raises ModelError without torch, or where no view that is kept
    holds a head or none is without.
    """
    package = torch()
    package.set_num_threads(1)
    by_kind = [np.flatnonzero(kept & (views.holds_head == holds)) for holds in (False, True)]
    if not all(len(kind) for kind in by_kind):
        raise ModelError("training needs two-wheelers with labelled heads and some without")
    random = np.random.default_rng(seed)
    network = Network(LOCATOR, seed)
    weights = list(network.weights.values())
    network.weights["head.bias"].data[0] = RARE
    optimizer = package.optim.AdamW(weights, lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
    schedule = package.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps, pct_start=0.2)
    middle, spread = _usual(views.planes[kept])
    for step in range(steps):
        kinds = (random.random(BATCH) < HEADS_SHARE).astype(int)
        drawn = [by_kind[kind][int(random.integers(len(by_kind[kind])))] for kind in kinds]
        planes = (views.planes[drawn].astype(np.float32) - middle) / spread
        share, place = package.from_numpy(views.share[drawn]), package.from_numpy(views.place[drawn])
        loss = _loss(package, network.scores(package.from_numpy(planes), training=True), share, place)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % 100 == 0:
            progress(f"locator: step {step + 1} of {steps}: loss {loss.item():.3f}")
    return _of_planes(network.arrays(), middle, spread)


def _usual(planes: NDArray[np.float16]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean and the spread of each plane, (128, 1, 1)."""
    some = planes[::8].astype(np.float32)
    middle, spread = some.mean(axis=(0, 2, 3)), some.std(axis=(0, 2, 3)) + 1e-3
    return middle[:, None, None], spread[:, None, None]


def _of_planes(arrays: Arrays, middle: NDArray[np.float32], spread: NDArray[np.float32]) -> Arrays:
    """Return ``arrays`` for planes as they are, not of mean 0 and variance 1."""
    weight = arrays["0.weight"] / spread
    bias = arrays["0.bias"] - (weight * middle).sum(axis=(1, 2, 3))
    return {**arrays, "0.weight": weight, "0.bias": bias}


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
