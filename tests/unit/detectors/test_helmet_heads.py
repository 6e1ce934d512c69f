from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.helmets.heads import CROP_PX, HEADS_PER_CROP, LOW, Head, crop, is_whole, of_rider, sharpness


def test_a_head_is_in_the_upper_fifth_of_its_rider() -> None:
    head = of_rider((0.4, 0.2, 0.6, 0.7), 1000, 400)
    assert head.size_px == pytest.approx(0.2 * 200)
    assert head.x == pytest.approx(500)
    assert 80 < head.y < 80 + head.size_px


@pytest.mark.parametrize("size_px", [10.0, 29.0, 100.0, 300.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_crop_shows_the_head_a_little_above_its_middle(size_px: float, mirrored: bool) -> None:
    image = np.zeros((900, 1200, 3), np.uint8)
    cv2.circle(image, (600, 400), int(size_px / 2), (255, 255, 255), -1)
    square = crop(image, Head(600, 400, size_px), mirrored=mirrored)
    assert square.shape == (CROP_PX, CROP_PX, 3)
    rows, columns = np.nonzero(square[:, :, 0] > 127)
    px = CROP_PX / HEADS_PER_CROP
    assert columns.mean() == pytest.approx(CROP_PX / 2, abs=1.5)
    assert rows.mean() == pytest.approx(CROP_PX / 2 - LOW * px, abs=1.5)
    assert np.ptp(rows) == pytest.approx(px, abs=5)


def test_the_mirror_image_is_one() -> None:
    image = np.random.default_rng(0).integers(0, 255, (80, 80, 3)).astype(np.uint8)
    image = np.asarray(cv2.GaussianBlur(image, (0, 0), 3), np.uint8)
    head = Head(40, 40, 25)
    mirrored = crop(image, head, mirrored=True)[:, ::-1].astype(int)
    assert np.abs(mirrored - crop(image, head))[:, 2:-2].mean() < 3


@settings(deadline=None)
@given(st.floats(-50, 150), st.floats(-50, 150), st.floats(1, 500))
def test_any_head_of_any_picture_has_a_crop(x: float, y: float, size_px: float) -> None:
    square = crop(np.full((64, 100, 3), 9, np.uint8), Head(x, y, size_px))
    assert square.shape == (CROP_PX, CROP_PX, 3)
    assert set(np.unique(square)) <= {0, 9}


def test_crop_of_the_smallest_picture() -> None:
    assert crop(np.full((1, 1, 3), 7, np.uint8), Head(0, 0, 20)).mean() == 7


@pytest.mark.parametrize(
    ("head", "whole"),
    [
        (Head(100, 100, 40), True),
        (Head(10, 100, 40), False),
        (Head(195, 100, 40), False),
        (Head(100, 190, 40), False),
        (Head(100, 12, 40), False),
        (Head(100, 17, 40), True),  # but for a tenth of it
    ],
)
def test_a_head_at_the_edge_is_not_whole(head: Head, whole: bool) -> None:
    assert is_whole(head, 200, 200) is whole


def test_blur_and_darkness_take_the_sharpness() -> None:
    square = np.random.default_rng(0).integers(0, 255, (CROP_PX, CROP_PX, 3)).astype(np.uint8)
    blurred = np.asarray(cv2.GaussianBlur(square, (0, 0), 4), np.uint8)
    dark = (square // 20).astype(np.uint8)
    assert sharpness(square) > 5 * sharpness(blurred)
    assert sharpness(square) > 5 * sharpness(dark)
    assert sharpness(np.zeros_like(square)) == 0
