"""Trains the bag head from labelled photos and from pictures without bags."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.evaluation.ap import average_precision, match
from detectors.garbage.bags import BACKBONE, Backbone, BagHead, Thresholds
from detectors.garbage.confirm import SAME
from detectors.models.boxes import iou
from detectors.models.manifest import entry
from detectors.training.bag_features import Features, Kept, views
from detectors.training.bag_loss import BOX_WEIGHT, loss, middles
from detectors.training.bag_network import Arrays, BagNetwork, to_onnx
from detectors.training.bag_views import Boxes, labelled, without_bags
from detectors.training.measure import cut_for_precision
from detectors.training.network import torch
from lianfang.errors import ModelError

BATCH, OTHERS_IN_BATCH = 16, 2
PEAK, WEIGHT_DECAY, LONGEST_GRADIENT = 2e-3, 0.05, 10.0
SMOOTHED = 0.995  # of the weights that are kept, each step: their mean over the last steps errs less
BAG_PRECISION = 0.95  # of boxes of the held photos that are said to be bags
MISSED = 0.05  # of the held bags that may be said to be none
LEAST_BAG_FROM = 0.3
_LEAST = 0.02

Progress = Callable[[str], None]


def from_pictures(
    data: Path, others: Path, models_dir: Path | None, steps: int, seed: int, work: Path | None, say: Progress
) -> tuple[bytes, str]:
    """Return weights (ONNX) from the labelled photos of ``data`` and ``others``, and where they come from.

    A seventh of the photos, in runs, is held: what the head says of it chooses the thresholds. What the
    backbone makes of the pictures is kept in ``work`` for another training, or nowhere with None.
    """
    torch()  # before an hour of work for nothing
    with ExitStack() as stack:
        folder = work or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        features = Features(folder)
        if not features.kept():
            photos, without = labelled(data), without_bags(others)
            say(f"{len(photos)} photos, {len(without)} pictures without bags: computing features")
            features.write(views(photos, without, seed), Backbone(models_dir))
        kept = features.kept()
        held = [view for view in kept if view.held and view.as_it_is]
        if not any(view.has_bags for view in held):
            raise ModelError(f"{data}: too few photos to hold a seventh of them")
        arrays = fit(features, [view for view in kept if not view.held], steps, seed, say)
        thresholds, quality = judged(features, held, arrays)
    source = "/".join(data.resolve().parts[-2:])
    others_from = "/".join(others.resolve().parts[-3:])
    summary = f"{source} and {others_from}, {steps} steps, seed {seed}; {quality}"
    say(summary)
    return to_onnx(arrays, thresholds, entry(BACKBONE).onnx_sha256), summary


def fit(features: Features, seen: Sequence[Kept], steps: int, seed: int, say: Progress) -> Arrays:
    """Return weights after ``steps`` batches on ``seen``, on one thread."""
    package = torch()
    package.set_num_threads(1)
    package.manual_seed(seed)
    random = np.random.default_rng(seed)
    network, smooth, at = BagNetwork(), BagNetwork(), middles()
    smooth.modules.load_state_dict(network.modules.state_dict())
    optimizer = package.optim.AdamW(network.modules.parameters(), lr=PEAK, weight_decay=WEIGHT_DECAY)
    schedule = package.optim.lr_scheduler.OneCycleLR(optimizer, PEAK, total_steps=steps, pct_start=0.1)
    by_kind = [[view for view in seen if view.has_bags is kind] for kind in (True, False)]
    sizes = (BATCH - OTHERS_IN_BATCH, OTHERS_IN_BATCH)
    for step in range(steps):
        batch = [of[i] for of, n in zip(by_kind, sizes, strict=True) for i in random.integers(0, len(of), n)]
        cost = _cost(network, features, batch, at)
        optimizer.zero_grad()
        cost.backward()
        package.nn.utils.clip_grad_norm_(network.modules.parameters(), LONGEST_GRADIENT)
        optimizer.step()
        schedule.step()
        _smooth(smooth, network, min(SMOOTHED, step / (step + 20)))
        if step % 50 == 0 or step == steps - 1:
            say(f"step {step + 1} of {steps}: loss {cost.item():.3f}")
    smooth.modules.eval()
    return smooth.arrays()


def _cost(network: BagNetwork, features: Features, batch: Sequence[Kept], at: Any) -> Any:  # noqa: ANN401
    package = torch()
    stages = {name: package.from_numpy(a) for name, a in features.read([v.row for v in batch]).items()}
    parts = [
        loss(cells, package.from_numpy(view.bags), package.from_numpy(view.unsure), at)
        for cells, view in zip(network.cells(stages), batch, strict=True)
    ]
    weight = max(sum(w for _, _, w in parts), 1.0)
    return sum(of_confidence + BOX_WEIGHT * of_boxes for of_confidence, of_boxes, _ in parts) / weight


def _smooth(smooth: BagNetwork, network: BagNetwork, kept: float) -> None:
    now = network.modules.state_dict()
    for name, value in smooth.modules.state_dict().items():
        if value.dtype.is_floating_point:
            value.mul_(kept).add_(now[name], alpha=1 - kept)


def judged(features: Features, held: Sequence[Kept], arrays: Arrays) -> tuple[Thresholds, str]:
    """Return the thresholds that the views ``held`` ask for, and how good the head is on them."""
    head = BagHead("", to_onnx(arrays, Thresholds(1, 0), entry(BACKBONE).onnx_sha256))
    found = [head.boxes(features.read([view.row]), _LEAST) for view in held]
    with_bags = [(view, *of) for view, of in zip(held, found, strict=True) if view.has_bags]
    matched = [match(xyxy, score, view.bags, view.unsure) for view, xyxy, score in with_bags]
    score, hit = (np.concatenate([getattr(m, name) for m in matched]) for name in ("score", "hit"))
    surest = np.concatenate([_surest(view.bags, xyxy, score) for view, xyxy, score in with_bags])
    bag_from = round(cut_for_precision(score, hit, BAG_PRECISION, LEAST_BAG_FROM), 3)
    other_to = round(min(float(np.quantile(surest, MISSED)), bag_from / 2), 3)
    strongest = [s.max(initial=0) for view, (_, s) in zip(held, found, strict=True) if not view.has_bags]
    said = surest >= bag_from
    return Thresholds(bag_from, other_to), (
        f"held: AP50 {average_precision(matched).value:.3f} on {len(matched)} photos; {bag_from} or more: "
        f"{_share(hit[score >= bag_from]):.3f} of the boxes right, {said.mean():.3f} of the bags, "
        f"{_share(np.array(strongest) >= bag_from):.3f} of {len(strongest)} pictures without; "
        f"{other_to} or less: {(surest <= other_to).mean():.3f} of the bags"
    )


def _share(hits: NDArray[np.bool_]) -> float:
    return float(hits.mean()) if len(hits) else float("nan")


def _surest(bags: Boxes, xyxy: Boxes, score: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the confidence (N,) with which each of ``bags`` would be confirmed."""
    surest: NDArray[np.float32] = (score * (iou(bags, xyxy) >= SAME)).max(axis=1, initial=0)
    return surest
