"""A coarse look and near ones, with a detector that sees plates which are wide enough for it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.plates.detector import Found
from detectors.plates.search import search, unknown, within

SIDES = np.array([(-0.5, -0.16), (0.5, -0.16), (0.5, 0.16), (-0.5, 0.16)], np.float32)


def corners(x: float, y: float, width: float) -> NDArray[np.float32]:
    return SIDES * width + np.array((x, y), np.float32)


def picture(*plates: tuple[int, int, int], size: tuple[int, int] = (1280, 720)) -> NDArray[np.uint8]:
    """Return a dark picture with a plate a number: its middle has that value, and is as wide."""
    image = np.zeros((size[1], size[0], 3), np.uint8)
    for x, y, width in plates:
        image[y, x] = width
    return image


@dataclass
class Sees:
    """A detector that is the surer of a plate the wider it is in the look, up to 100 pixels."""

    sure_px: float = 100
    looks: list[tuple[tuple[int, ...], float]] = field(default_factory=list)

    def __call__(self, image_bgr: NDArray[np.uint8], scale: float, min_confidence: float) -> list[Found]:
        self.looks.append((image_bgr.shape[:2], scale))
        found = [
            Found(corners(int(x), int(y), width), min(1.0, (width * scale / self.sure_px) ** 3))
            for y, x in np.argwhere(image_bgr[:, :, 0])
            if (width := float(image_bgr[y, x, 0]))
        ]
        return sorted((f for f in found if f.confidence > min_confidence), key=lambda f: -f.confidence)


def test_a_wide_plate_needs_one_look() -> None:
    sees = Sees()
    (found,) = search(sees, picture((500, 300, 255), size=(1000, 700)), 640, 0.2)
    np.testing.assert_array_equal(found.corners, corners(500, 300, 255))
    assert sees.looks == [((700, 1000), 0.64)], "163 pixels wide in it"
    assert found.confidence == 1


def test_a_narrow_plate_is_seen_from_near_where_it_is_in_the_picture() -> None:
    sees = Sees()
    (found,) = search(sees, picture((500, 300, 64)), 640, 0.2)
    np.testing.assert_allclose(found.corners, corners(500, 300, 64), atol=1e-3)
    assert found.confidence == 1, "the coarse look alone gives it .03"
    _, (size, scale) = sees.looks
    assert size == (72, 104)
    assert scale == 2.5, "160 pixels wide in the near look"


def test_what_is_too_small_even_from_near_is_dropped() -> None:
    sees = Sees(sure_px=50)
    assert search(sees, picture((500, 300, 16)), 1280, 0.9) == []
    assert len(sees.looks) == 2


def test_plates_beside_each_other_are_found_once_each() -> None:
    sees = Sees()
    image = picture((500, 300, 64), (510, 330, 64), (900, 100, 150), (60, 700, 90))
    found = search(sees, image, 640, 0.2)
    middles = sorted(tuple(int(v) for v in plate.corners.mean(axis=0).round()) for plate in found)
    assert middles == [(60, 700), (500, 300), (510, 330), (900, 100)]
    assert [plate.confidence for plate in found] == sorted((p.confidence for p in found), reverse=True)
    assert len(sees.looks) == 4, "one near look shows both neighbours"


def test_a_wall_of_doubts_takes_a_bounded_number_of_looks() -> None:
    sees = Sees()
    wall = [(x, y, 60) for x in range(50, 1250, 150) for y in range(50, 700, 100)]
    assert len(search(sees, picture(*wall), 640, 0.99)) >= 12
    assert len(sees.looks) == 1 + 12


def test_a_small_picture_is_seen_at_twice_its_size_at_most() -> None:
    sees = Sees()
    search(sees, picture((20, 20, 20), size=(100, 50)), 640, 0.2)
    assert sees.looks[0] == ((50, 100), 2.0)


@pytest.mark.parametrize("at", [(0, 0), (1279, 719), (0, 719)])
def test_a_plate_at_the_edge_is_seen_as_far_as_it_is_there(at: tuple[int, int]) -> None:
    (found,) = search(Sees(), picture((*at, 64)), 640, 0.2)
    np.testing.assert_allclose(found.corners, corners(*at, 64), atol=1e-3)


def test_a_part_is_searched_and_its_plates_are_placed_in_the_whole() -> None:
    image = picture((500, 300, 64))
    (found,) = within(image, (400, 200, 600, 400), lambda part: Sees()(part, 2, 0.2))
    np.testing.assert_array_equal(found.corners, corners(500, 300, 64))
    assert within(image, (400, 200, 400, 400), lambda part: Sees()(part, 2, 0.2)) == []


def test_a_plate_known_from_another_part_is_not_new() -> None:
    known = [Found(corners(100, 100, 60), 0.5)]
    new = [Found(corners(110, 102, 80), 0.9), Found(corners(180, 100, 60), 0.9)]
    assert unknown(new, known) == new[1:]
