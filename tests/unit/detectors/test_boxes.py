"""Boxes: overlap, suppression, and the way into a model's input and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.models.boxes import iou, suppress
from detectors.models.letterbox import fit, unfit


def array(*boxes: tuple[float, float, float, float]) -> NDArray[np.float32]:
    return np.array(boxes, np.float32).reshape(-1, 4)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((0, 0, 2, 2), (0, 0, 2, 2), 1),
        ((0, 0, 2, 2), (1, 0, 3, 2), 1 / 3),
        ((0, 0, 2, 2), (2, 0, 4, 2), 0),  # they touch
        ((0, 0, 4, 4), (1, 1, 2, 2), 1 / 16),  # one inside the other
        ((1, 1, 1, 1), (1, 1, 1, 1), 0),  # no area at all
        ((-3, -3, -1, -1), (-2, -2, 0, 0), 1 / 7),
    ],
)
def test_overlap(
    first: tuple[float, float, float, float], second: tuple[float, float, float, float], expected: float
) -> None:
    assert iou(array(first), array(second)).item() == pytest.approx(expected)


corners = st.tuples(st.floats(-50, 50), st.floats(-50, 50), st.floats(0, 80), st.floats(0, 80)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(boxes=st.lists(corners, min_size=1, max_size=8))
def test_overlap_is_mutual_and_at_most_one(boxes: list[tuple[float, float, float, float]]) -> None:
    shares = iou(array(*boxes), array(*boxes))
    np.testing.assert_array_equal(shares, shares.T)
    assert ((shares >= 0) & (shares <= 1 + 1e-5)).all()


@settings(deadline=None)
@given(data=st.lists(st.tuples(corners, st.floats(0.1, 1), st.integers(0, 2)), max_size=12))
def test_suppression_keeps_the_strongest_of_each_heap(
    data: list[tuple[tuple[float, float, float, float], float, int]],
) -> None:
    """Of a class no two survivors overlap more, and whatever went is covered by a stronger survivor."""
    xyxy = array(*(box for box, _, _ in data))
    confidence = np.array([c for _, c, _ in data], np.float32)
    class_id = np.array([k for _, _, k in data], np.int64)
    kept = suppress(xyxy, confidence, class_id, 0.5)
    assert list(confidence[kept]) == sorted(confidence[kept], reverse=True)
    covers = (iou(xyxy, xyxy) > 0.5) & (class_id[:, None] == class_id)
    for position, one in enumerate(kept):
        assert not covers[one, kept[position + 1 :]].any()
    for gone in set(range(len(data))) - set(kept.tolist()):
        assert any(covers[gone, one] and confidence[one] >= confidence[gone] for one in kept)


def test_of_equal_boxes_the_first_stays() -> None:
    xyxy = array((0, 0, 9, 9), (0, 0, 9, 9), (0, 0, 9, 9))
    kept = suppress(xyxy, np.full(3, 0.5, np.float32), np.array([0, 0, 1]), 0.6)
    assert kept.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("image", "size", "expected"),
    [
        ((1080, 1920), (640, 384), (360, 640)),
        ((384, 640), (640, 384), (384, 640)),
        ((640, 384), (640, 384), (384, 230)),
        ((1, 1), (640, 384), (384, 384)),
        ((1, 10000), (640, 384), (1, 640)),
        ((10000, 1), (640, 384), (384, 1)),
        ((3, 5), (32, 32), (19, 32)),
    ],
)
def test_pictures_of_any_shape_fit(
    image: tuple[int, int], size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert fit(np.zeros((*image, 3), np.uint8), size).shape == (*expected, 3)


def test_a_view_that_is_not_contiguous_fits_too() -> None:
    mirrored = np.arange(60 * 80 * 3, dtype=np.uint8).reshape(60, 80, 3)[:, ::-1, ::-1]
    np.testing.assert_array_equal(fit(mirrored, (32, 32)), fit(mirrored.copy(), (32, 32)))


@given(width=st.integers(1, 3000), height=st.integers(1, 3000), box=st.tuples(*[st.floats(0, 1)] * 4))
@settings(max_examples=50, deadline=None)
def test_boxes_come_back_to_where_they_were(
    width: int, height: int, box: tuple[float, float, float, float]
) -> None:
    fitted = fit(np.zeros((height, width, 3), np.uint8), (640, 384))
    content = (fitted.shape[1], fitted.shape[0])
    in_input = array(box) * np.array([*content, *content], np.float32)
    np.testing.assert_allclose(unfit(in_input, content), array(box), atol=1e-5)


def test_what_lies_in_the_padding_is_cut_off() -> None:
    """A box half below the picture ends at its edge; one wholly below has no area."""
    boxes = unfit(array((0, 300, 64, 400), (0, 370, 64, 380), (-20, -20, 700, 384)), (640, 360))
    np.testing.assert_allclose(boxes, array((0, 300 / 360, 0.1, 1), (0, 1, 0.1, 1), (0, 0, 1, 1)), rtol=1e-6)
