"""Geometry of axis-aligned boxes given as (x_min, y_min, x_max, y_max)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def area(xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the area (N,) of boxes (N, 4)."""
    sides: NDArray[np.float32] = xyxy[:, 2:] - xyxy[:, :2]
    return sides[:, 0] * sides[:, 1]


def iou(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return intersection over union (N, M), 0-1, of boxes (N, 4) and (M, 4); 0 where both have no area."""
    width = np.minimum(first[:, None, 2], second[:, 2]) - np.maximum(first[:, None, 0], second[:, 0])
    height = np.minimum(first[:, None, 3], second[:, 3]) - np.maximum(first[:, None, 1], second[:, 1])
    common = np.maximum(width, 0) * np.maximum(height, 0)
    union = area(first)[:, None] + area(second)[None, :] - common
    shares: NDArray[np.float32] = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return shares


def suppress(
    xyxy: NDArray[np.float32],
    confidence: NDArray[np.float32],
    class_id: NDArray[np.int64],
    max_iou: float,
) -> NDArray[np.int64]:
    """Return the indices that survive non-maximum suppression within each class, strongest first.

    Boxes (N, 4) need one unit for both axes; of equal confidences the earlier one wins.
    """
    if not len(xyxy):
        return np.zeros(0, np.int64)
    order = np.argsort(-confidence, kind="stable")
    boxes, classes = xyxy[order], class_id[order]
    covers = (iou(boxes, boxes) > max_iou) & (classes[:, None] == classes)
    left = np.ones(len(order), np.bool_)
    for rank in range(len(order)):
        if left[rank]:
            left[rank + 1 :] &= ~covers[rank, rank + 1 :]
    return order[left].astype(np.int64)
