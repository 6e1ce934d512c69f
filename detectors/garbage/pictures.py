"""Pictures as they are worked on: small, slightly blurred, and how two of them differ."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Memory = NDArray[np.float32]
Mask = NDArray[np.bool_]

WORK_SIDE = 320  # pixels of the longer side at work: a bag of 20 pixels in 768 is still 8


def at_work(image_bgr: NDArray[np.uint8]) -> Picture:
    """Return ``image_bgr`` (H, W, 3) at the working size, slightly blurred."""
    height, width = image_bgr.shape[:2]
    scale = WORK_SIDE / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image_bgr = cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return cv2.GaussianBlur(image_bgr, (3, 3), 0).astype(np.uint8, copy=False)


def shown(memory: Memory) -> Picture:
    """Return ``memory`` as a camera would show it: what lies beyond black or white is cut off there."""
    return cv2.convertScaleAbs(np.maximum(memory, 0)).astype(np.uint8, copy=False)


def strongest(levels: Picture) -> NDArray[np.uint8]:
    """Return (H, W): the greatest channel of ``levels`` (H, W, 3)."""
    blue, green, red = cv2.split(levels)
    return cv2.max(cv2.max(blue, green), red).astype(np.uint8, copy=False)
