"""What NanoDet's input looks like and what its outputs mean."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.models.nanodet import BINS, MAX_CANDIDATES, NanoDet, boxes, cells

SIZE = (64, 32)  # 8 x 4, 4 x 2 and 2 x 1 cells
CELLS = (32, 8, 2)


def silence(classes: int = 3) -> list[NDArray[np.float32]]:
    """Outputs in which nothing is seen."""
    scores = [np.zeros((1, count, classes), np.float32) for count in CELLS]
    return [*scores, *(np.zeros((1, count, 4 * BINS), np.float32) for count in CELLS)]


def see(
    outputs: list[NDArray[np.float32]],
    level: int,
    cell: int,
    class_id: int,
    confidence: float,
    distances: tuple[int, int, int, int],
) -> None:
    """Let ``cell`` see a box that reaches whole ``distances`` of strides left, up, right and down."""
    outputs[level][0, cell, class_id] = confidence
    for side, distance in enumerate(distances):
        outputs[3 + level][0, cell, side * BINS + distance] = 50  # a certain bin


def test_the_input_is_normalised_bgr_with_black_below() -> None:
    image = np.zeros((10, 40, 3), np.uint8)
    image[:] = (104, 116, 124)
    tensor, content = NanoDet(SIZE, 3, 0.2, 0.6).prepare(image)
    assert (tensor.shape, tensor.dtype.name, content) == ((1, 3, 32, 64), "float32", (64, 16))
    inside = [(104 - 103.53) / 57.375, (116 - 116.28) / 57.12, (124 - 123.675) / 58.395]
    black = [-103.53 / 57.375, -116.28 / 57.12, -123.675 / 58.395]
    np.testing.assert_allclose(tensor[0, :, 3, 5], inside, atol=1e-6)
    np.testing.assert_allclose(tensor[0, :, 15, 63], inside, atol=1e-6)
    np.testing.assert_allclose(tensor[0, :, 16, 0], black, atol=1e-6)


def test_cells_lie_in_the_middle_of_their_squares() -> None:
    centres, strides = cells(SIZE)
    assert (len(centres), np.unique(strides).tolist()) == (sum(CELLS), [8, 16, 32])
    assert centres[0].tolist() == [3.5, 3.5]
    assert centres[1].tolist() == [11.5, 3.5]  # row by row
    assert centres[8].tolist() == [3.5, 11.5]
    assert centres[-1].tolist() == [47.5, 15.5]


def test_distances_are_expectations() -> None:
    """Certain of 2 to the left; torn between 1 and 4 above; no idea to the right: the mean of 0 to 10."""
    bins = np.zeros((1, 4, BINS), np.float32)
    bins[0, 0, 2] = 100
    bins[0, 1, [1, 4]] = 100
    bins[0, 3, 0] = 100
    found = boxes(np.array([[100, 60]], np.float32), np.array([8], np.float32), bins.reshape(1, -1))
    np.testing.assert_allclose(found, [[100 - 16, 60 - 20, 100 + 40, 60]], rtol=1e-5)


@pytest.mark.parametrize(
    ("level", "cell", "distances", "expected"),
    [
        (0, 9, (1, 1, 1, 1), (11.5 - 8, 11.5 - 8, 11.5 + 8, 11.5 + 8)),
        (1, 5, (1, 1, 2, 0), (23.5 - 16, 23.5 - 16, 23.5 + 32, 23.5)),
        (2, 1, (1, 0, 1, 1), (47.5 - 32, 15.5, 64, 32)),  # cut off at the picture's edge
    ],
)
def test_a_box_of_each_stride(
    level: int, cell: int, distances: tuple[int, int, int, int], expected: tuple[float, ...]
) -> None:
    outputs = silence()
    see(outputs, level, cell, class_id=2, confidence=0.7, distances=distances)
    found = NanoDet(SIZE, 3, 0.2, 0.6).decode(outputs, content=SIZE)
    assert (found.class_id.tolist(), found.confidence.tolist()) == ([2], [np.float32(0.7)])
    np.testing.assert_allclose(found.xyxyn[0] * [64, 32, 64, 32], expected, rtol=1e-5)


def test_a_cell_may_see_two_classes_and_neighbours_see_one_object() -> None:
    outputs = silence()
    see(outputs, 0, 9, class_id=0, confidence=0.8, distances=(1, 1, 1, 1))
    see(outputs, 0, 9, class_id=1, confidence=0.6, distances=(1, 1, 1, 1))
    see(outputs, 1, 2, class_id=0, confidence=0.5, distances=(0, 0, 0, 0))  # no area: dropped
    see(outputs, 0, 10, class_id=0, confidence=0.7, distances=(2, 1, 0, 1))  # the box of cell 9
    see(outputs, 0, 30, class_id=0, confidence=0.19, distances=(1, 1, 1, 1))  # too weak
    found = NanoDet(SIZE, 3, 0.2, 0.6).decode(outputs, content=SIZE)
    assert list(zip(found.class_id.tolist(), found.confidence.round(2).tolist(), strict=True)) == [
        (0, pytest.approx(0.8)),
        (1, pytest.approx(0.6)),
    ]


def test_what_is_seen_in_the_padding_does_not_exist() -> None:
    outputs = silence()
    see(outputs, 0, 24, class_id=0, confidence=0.9, distances=(0, 0, 1, 0))
    see(outputs, 0, 25, class_id=0, confidence=0.9, distances=(1, 0, 1, 1))
    assert len(NanoDet(SIZE, 3, 0.2, 0.6).decode(outputs, content=(64, 24))) == 0


def test_a_picture_of_noise_is_bounded() -> None:
    """Every cell sees every class: no more boxes are considered than the bound, the strongest of all."""
    rng = np.random.default_rng(0)
    outputs = [rng.uniform(0.5, 1, (1, count, 80)).astype(np.float32) for count in CELLS]
    outputs += [rng.normal(0, 1, (1, count, 4 * BINS)).astype(np.float32) for count in CELLS]
    found = NanoDet(SIZE, 80, 0.2, 1.0).decode(outputs, content=SIZE)
    strongest = np.sort(np.concatenate([o.ravel() for o in outputs[:3]]))[::-1][:MAX_CANDIDATES]
    np.testing.assert_array_equal(np.sort(found.confidence)[::-1], strongest)
