"""What the bag head is to answer in each cell, and how far its answers are from that.

Which cells answer for a bag is decided by how well they do already (task-aligned: Feng et al. 2021,
arXiv 2108.07755); boxes are compared by generalised IoU (Rezatofighi et al. 2019, arXiv 1902.09630).
"""

from __future__ import annotations

from typing import Any

from detectors.garbage.bags import INPUT_PX, MAX_LOG_SIDE, STRIDE
from detectors.training.network import torch

CELLS_PER_BAG = 9
BOX_WEIGHT = 2.0  # beside the loss of confidence
_INSIDE = 0.8  # of a bag's box, in which its cells lie
_OTHERS_WEIGHT = 0.75  # of cells without a bag, times the square of their wrong confidence


def middles() -> Any:  # noqa: ANN401 - torch's tensors, here and below
    """Return the middles (cells, 2) of all cells in pixels, row by row."""
    package = torch()
    side = package.arange(INPUT_PX // STRIDE)
    y, x = package.meshgrid(side, side, indexing="ij")
    return package.stack([x, y], -1).reshape(-1, 2).float() * STRIDE + STRIDE / 2


def boxes(cells: Any, at: Any) -> Any:  # noqa: ANN401
    """Return the boxes (cells, 4) in pixels that ``cells`` (5, H, W) answer with."""
    sides = torch().exp(cells[1:].reshape(4, -1).T.clamp(max=MAX_LOG_SIDE)) * STRIDE
    return torch().cat([at - sides[:, :2], at + sides[:, 2:]], 1)


def loss(cells: Any, bags: Any, unsure: Any, at: Any) -> tuple[Any, Any, float]:  # noqa: ANN401
    """Return the losses of confidence and of boxes of one view, summed, and the sum of their weights."""
    package = torch()
    target, owner, judged = assign(cells, bags, unsure, at)
    logit = cells[0].reshape(-1)
    confidence = logit.sigmoid().detach()
    answers = owner >= 0
    weight = package.where(
        answers, (target - confidence).abs() ** 0.5 + 0.1, _OTHERS_WEIGHT * confidence**2 * judged
    )
    entropy = package.nn.functional.binary_cross_entropy_with_logits(logit, target, reduction="none")
    of_boxes = logit.sum() * 0
    if answers.any():
        given = boxes(cells, at)[answers]
        of_boxes = ((1 - _giou(given, bags[owner[answers]])) * target[answers]).sum()
    return (entropy * weight).sum(), of_boxes, float(target[answers].sum())


def assign(cells: Any, bags: Any, unsure: Any, at: Any) -> tuple[Any, Any, Any]:  # noqa: ANN401
    """Return per cell the confidence wanted, the bag it answers for (-1: none), and whether it counts."""
    package = torch()
    with package.no_grad():
        count = len(at)
        target, judged = package.zeros(count), package.ones(count)
        owner = package.full((count,), -1)
        if len(unsure):
            inside = (at[:, None] > unsure[None, :, :2]) & (at[:, None] < unsure[None, :, 2:])
            judged[inside.all(-1).any(1)] = 0
        if not len(bags):
            return target, owner, judged
        overlap = _iou(boxes(cells, at), bags)
        middle, size = (bags[:, :2] + bags[:, 2:]) / 2, bags[:, 2:] - bags[:, :2]
        reach = package.maximum(size / 2 * _INSIDE, package.tensor(STRIDE * 0.75))
        inside = ((at[:, None] - middle[None]).abs() < reach[None]).all(-1)
        confidence = cells[0].reshape(-1).sigmoid()[:, None].clamp(min=1e-3)
        fitness = confidence**0.5 * overlap**3 * inside + inside * 1e-9
        best = fitness.topk(min(CELLS_PER_BAG, count), 0).indices
        chosen = package.zeros_like(inside).scatter_(0, best, value=True) & inside
        most, whose = package.where(chosen, overlap + 1e-6, 0.0).max(1)
        answers = most > 0
        owner[answers] = whose[answers]
        top_fitness = package.where(chosen, fitness, 0.0).max(0).values.clamp(min=1e-9)
        top_overlap = package.where(chosen, overlap, 0.0).max(0).values.clamp(min=0.1)
        wanted = fitness / top_fitness * top_overlap
        target[answers] = wanted[answers, whose[answers]]
        return target, owner, judged


def _area(xyxy: Any) -> Any:  # noqa: ANN401
    return (xyxy[:, 2] - xyxy[:, 0]) * (xyxy[:, 3] - xyxy[:, 1])


def _iou(first: Any, second: Any) -> Any:  # noqa: ANN401
    package = torch()
    high = package.min(first[:, None, 2:], second[None, :, 2:])
    common = (high - package.max(first[:, None, :2], second[None, :, :2])).clamp(min=0).prod(-1)
    return common / (_area(first)[:, None] + _area(second)[None] - common + 1e-6)


def _giou(first: Any, second: Any) -> Any:  # noqa: ANN401
    package = torch()
    high = package.min(first[:, 2:], second[:, 2:])
    common = (high - package.max(first[:, :2], second[:, :2])).clamp(min=0).prod(1)
    union = _area(first) + _area(second) - common
    hull = package.max(first[:, 2:], second[:, 2:]) - package.min(first[:, :2], second[:, :2])
    around = hull.prod(1)
    return common / (union + 1e-6) - (around - union) / (around + 1e-6)
