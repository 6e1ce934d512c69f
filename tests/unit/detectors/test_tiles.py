"""Looking part by part: what is small is found, what is cut is not found twice, nothing moves."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.engines.base import Detections
from detectors.models.tiles import OVERLAP, look, picture_height_px, spans

Image = NDArray[np.uint8]


class Blocks:
    """Finds each white block by its visible pixels, if they are a tenth or more of the height it is given."""

    labels = ("block",)
    model_id = "blocks"

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def detect(self, image_bgr: Image) -> Detections:
        height, width = image_bgr.shape[:2]
        self.seen.append((width, height))
        boxes = []
        for shade in np.unique(image_bgr[image_bgr > 0]).tolist():
            y, x = np.nonzero(image_bgr[:, :, 0] == shade)
            box = (x.min() / width, y.min() / height, (x.max() + 1) / width, (y.max() + 1) / height)
            if box[3] - box[1] > 0.0999:
                boxes.append(box)
        count = len(boxes)
        xyxyn = np.array(boxes, np.float32).reshape(-1, 4)
        return Detections(xyxyn, np.full(count, 0.5, np.float32), np.zeros(count, np.int64))


def blocks(*boxes: tuple[int, int, int, int]) -> Image:
    """Return a picture of 400 × 200 with a block of a shade of its own at each x_min, y_min, x_max, y_max."""
    image = np.zeros((200, 400, 3), np.uint8)
    for number, (left, top, right, bottom) in enumerate(boxes):
        image[top:bottom, left:right] = 100 + number
    return image


@pytest.mark.parametrize(
    ("box", "whole", "tiled"),
    [
        ((10, 10, 20, 24), 0, 1),  # 14 of 200 pixels are too few, 14 of 111 are enough
        ((190, 90, 200, 104), 0, 1),  # in the middle, in the overlap of all four parts
        ((380, 180, 400, 200), 1, 1),  # at the picture's own edge, which cuts nothing
        ((100, 50, 300, 150), 1, 1),  # larger than a part: the whole has it
        ((10, 10, 20, 15), 0, 0),
    ],
)
def test_each_block_is_found_once_where_it_is(box: tuple[int, int, int, int], whole: int, tiled: int) -> None:
    image = blocks(box)
    assert len(look(Blocks(), image, (1, 1))) == whole
    found = look(Blocks(), image, (2, 2))
    assert len(found) == tiled
    if tiled:
        assert found.xyxyn[0] * (400, 200, 400, 200) == pytest.approx(np.array(box), abs=1e-3)


def test_one_tile_is_the_whole_picture_once() -> None:
    engine = Blocks()
    look(engine, blocks(), (1, 1))
    assert engine.seen == [(400, 200)]


def test_columns_and_rows() -> None:
    engine = Blocks()
    look(engine, blocks(), (2, 1))
    assert engine.seen == [(400, 200), (223, 200), (223, 200)]


@given(st.integers(1, 4000), st.integers(1, 8))
def test_parts_cover_the_length_and_overlap(length: int, count: int) -> None:
    parts = spans(length, count)
    assert len(parts) == count
    assert parts[0][0] == 0
    assert parts[-1][1] == length
    assert len({end - first for first, end in parts}) == 1
    for (first, end), (following, _) in pairwise(parts):
        assert following <= end
        if length > 100:
            assert end - following == pytest.approx(OVERLAP * (end - first), abs=2)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 50, 3), (50, 1, 3)])
def test_tiny_pictures_are_looked_at(shape: tuple[int, int, int]) -> None:
    assert len(look(Blocks(), np.zeros(shape, np.uint8), (3, 3))) == 0


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="want a uint8 image"):
        look(Blocks(), np.zeros((0, 5, 3), np.uint8), (2, 2))


@pytest.mark.parametrize(
    ("size", "tiles", "height"),
    [
        ((640, 384), (1, 1), 360),  # the width fits first
        ((640, 320), (1, 1), 320),
        ((416, 416), (1, 1), 234),
        ((640, 384), (2, 2), 648),  # each part is 1 / 1.8 of it
        ((640, 384), (2, 1), 384),
    ],
)
def test_how_high_a_picture_is_at_the_input(
    size: tuple[int, int], tiles: tuple[int, int], height: float
) -> None:
    assert picture_height_px(size, tiles) == pytest.approx(height)
