"""Looking at a picture part by part: small objects become larger at the model's input, and take longer.

After SAHI (Akyon et al. 2022, arXiv 2202.06934): overlapping parts and the whole, joined by suppression.
A box that an inner edge cuts off is dropped: the next part, or the whole, has the object whole.
"""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from detectors.engines.base import Detections, Engine, require_image
from detectors.models.boxes import suppress

OVERLAP = 0.2  # of a part: objects up to this share of it are whole in one
MAX_IOU = 0.6  # of two boxes of one class that overlap more, the stronger one stays
EDGE_PX = 2.0  # a box that ends this near to an inner edge is cut off there


def look(engine: Engine, image_bgr: NDArray[np.uint8], tiles: tuple[int, int]) -> Detections:
    """Return what ``engine`` finds in the parts, ``tiles`` (columns, rows), and the whole of ``image_bgr``.

    The image is (height, width, 3); ValueError where it is none. One tile is the whole picture, once.
    """
    if tiles == (1, 1):
        return engine.detect(image_bgr)
    require_image(image_bgr)
    height, width = image_bgr.shape[:2]
    size = np.array([width, height, width, height], np.float32)
    whole = engine.detect(image_bgr)
    xyxy, confidence, class_id = [whole.xyxyn * size], [whole.confidence], [whole.class_id]
    for left, right in spans(width, tiles[0]):
        for top, bottom in spans(height, tiles[1]):
            found = engine.detect(image_bgr[top:bottom, left:right])
            part = np.array([right - left, bottom - top] * 2, np.float32)
            boxes = found.xyxyn * part + np.array([left, top, left, top], np.float32)
            inner = np.array([left or -np.inf, top or -np.inf], np.float32)
            outer = np.where([right < width, bottom < height], (right, bottom), np.inf)
            uncut = (boxes[:, :2] > inner + EDGE_PX).all(axis=1) & (boxes[:, 2:] < outer - EDGE_PX).all(
                axis=1
            )
            xyxy.append(boxes[uncut])
            confidence.append(found.confidence[uncut])
            class_id.append(found.class_id[uncut])
    joined, scores, classes = np.concatenate(xyxy), np.concatenate(confidence), np.concatenate(class_id)
    kept = suppress(joined, scores, classes, MAX_IOU)
    return Detections((joined[kept] / size).astype(np.float32), scores[kept], classes[kept])


def spans(length: int, count: int) -> list[tuple[int, int]]:
    """Return (first, end) in pixels of ``count`` equal parts of ``length`` that overlap by `OVERLAP`."""
    side = min(length, ceil(length * _share(count)))
    starts = np.linspace(0, max(0, length - side), count).round().astype(int).tolist()
    return [(start, min(start + side, length)) for start in starts]


def picture_height_px(size: tuple[int, int], tiles: tuple[int, int]) -> float:
    """Return how many pixels of an input of ``size`` (width, height) the height of a 16:9 picture would take.

    With ``tiles`` (columns, rows) it is more than the input has, as each part fills the input.
    """
    return 9 * min(size[0] / (16 * _share(tiles[0])), size[1] / (9 * _share(tiles[1])))


def picture_width_px(width: int, columns: int) -> int:
    """Return the width in pixels of a picture of which each of ``columns`` parts is ``width`` wide."""
    return round(width / _share(columns))


def _share(count: int) -> float:
    """Return the share of the picture that one of ``count`` overlapping parts takes up."""
    return 1 / (count - (count - 1) * OVERLAP)
