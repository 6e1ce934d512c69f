"""Where heads are looked for, what a map of the network says, and whose head is whose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.helmets.heads import Head
from detectors.helmets.locator import CELL_PX, CELLS, SIZE_PX, SQUARE_PX, HeadLocator, Located, peaks
from detectors.helmets.owners import owners
from detectors.helmets.regions import MAX_REGIONS, Region, regions
from detectors.helmets.squares import Square
from detectors.helmets.weights import LOCATOR
from lianfang.errors import ModelError
from lianfang.events import XYXYN, DetectedObject

WIDTH, HEIGHT = 1000, 600
RIDER: XYXYN = (0.40, 0.30, 0.46, 0.60)
BIKE: XYXYN = (0.39, 0.42, 0.47, 0.66)
UNSURE = -9.0


def thing(label: str, xyxyn: XYXYN, confidence: float = 0.5) -> DetectedObject:
    return DetectedObject(track_id=None, label=label, confidence=confidence, xyxyn=xyxyn)


@given(
    st.floats(0, 200),
    st.floats(0, 200),
    st.floats(20, 300),
    st.floats(-90, 90),
    st.booleans(),
    st.floats(0, 99),
)
def test_a_point_goes_into_a_square_and_out_of_it(
    x: float, y: float, side: float, angle_deg: float, mirrored: bool, u: float
) -> None:
    square = Square(x, y, side, angle_deg, mirrored)
    assert square.inside(*square.outside(u, 30, 112), 112) == pytest.approx((u, 30), abs=1e-6)


@pytest.mark.parametrize("angle_deg", [0.0, 25.0, -70.0])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("side", [60.0, 150.0, 400.0])
def test_a_spot_is_shown_where_the_square_says(angle_deg: float, mirrored: bool, side: float) -> None:
    image = np.zeros((500, 500, 3), np.uint8)
    x, y = int(250 + side / 5), int(240 - side / 8)
    spot = max(int(side / 30), 1)
    image[y - spot : y + spot + 1, x - spot : x + spot + 1] = 255
    square = Square(250, 240, side, angle_deg, mirrored)
    rows, columns = np.nonzero(square.cut(image, 112)[:, :, 0] > 60)
    assert (columns.mean(), rows.mean()) == pytest.approx(square.inside(x, y, 112), abs=1.5)


def test_heads_are_looked_for_above_two_wheelers() -> None:
    (region,) = regions([thing("person", RIDER), thing("motorcycle", BIKE)], WIDTH, HEIGHT, 12)
    assert region.vehicle == 1
    square = region.square
    head = Head(0.43 * WIDTH, 0.33 * HEIGHT, 30)
    assert abs(square.x - head.x) < square.side / 4
    assert abs(square.y - head.y) < square.side / 2
    assert square.y + square.side / 2 < 0.66 * HEIGHT, "wheels say nothing of helmets"


@pytest.mark.parametrize(
    ("objects", "count"),
    [
        ([], 0),
        ([thing("person", RIDER), thing("car", BIKE)], 0),
        ([thing("motorcycle", BIKE, 0.19)], 0),
        ([thing("motorcycle", BIKE), thing("bicycle", BIKE)], 1),  # one that the model calls both
        ([thing("motorcycle", (0.4, 0.4, 0.42, 0.45))], 0),  # so far off that no head is 12 px high
        ([thing("motorcycle", (i / 40, 0.1, i / 40 + 0.02, 0.3)) for i in range(30)], MAX_REGIONS),
    ],
)
def test_which_two_wheelers_are_looked_at(objects: list[DetectedObject], count: int) -> None:
    assert len(regions(objects, WIDTH, HEIGHT, 12)) == count


def a_map(*heads: tuple[int, int, float, float]) -> NDArray[np.float32]:
    """Return a map with heads at (row, column, score before the sigmoid, size)."""
    made = np.zeros((4, CELLS, CELLS), np.float32)
    made[0] = UNSURE
    for row, column, score, size in heads:
        made[:, row, column] = (score, 0.25, -0.25, np.log(size / SIZE_PX))
    return made


def test_peaks_of_a_map() -> None:
    found = peaks(a_map((3, 5, 2.0, 20.0), (3, 6, 1.0, 40.0), (9, 9, 0.0, 10.0), (0, 0, -1.0, 10.0)), 0.4)
    assert [found[0], found[1]] == [
        pytest.approx((5.75 * CELL_PX, 3.25 * CELL_PX, 20, 1 / (1 + np.exp(-2))), rel=1e-4),
        pytest.approx((9.75 * CELL_PX, 9.25 * CELL_PX, 10, 0.5), rel=1e-4),
    ]
    assert len(found) == 2, "beside a surer cell is no other head, and under the bound none at all"


class Scripted(HeadLocator):
    """A locator whose network says these maps, one for each region."""

    def __init__(self, *maps: NDArray[np.float32]) -> None:
        self.min_score = 0.4
        self.given = np.stack(maps)

    def _maps(self, squares_bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        assert squares_bgr.shape == (len(self.given), SQUARE_PX, SQUARE_PX, 3)
        return self.given


def test_heads_in_pixels_of_the_picture_each_once() -> None:
    one = a_map((6, 6, 1.0, 20.0))
    surer = a_map((6, 6, 3.0, 20.0), (6, 12, 0.0, 20.0))
    side = 2.0 * SQUARE_PX
    near = [Region(Square(300, 200, side), 4), Region(Square(304, 200, side), 7)]
    found = Scripted(one, surer).heads(np.zeros((HEIGHT, WIDTH, 3), np.uint8), near)
    assert [(located.vehicle, round(located.score, 2)) for located in found] == [(7, 0.95), (7, 0.5)]
    head = found[0].head
    assert (head.x, head.y, head.size_px) == pytest.approx(
        (304 + 2 * (6.75 * CELL_PX - SQUARE_PX / 2), 200 + 2 * (6.25 * CELL_PX - SQUARE_PX / 2), 40), rel=1e-4
    )
    assert Scripted(one, one).heads(np.zeros((9, 9, 3), np.uint8), []) == []


def located(x: float, y: float, size_px: float = 36.0, score: float = 0.9, vehicle: int = 0) -> Located:
    return Located(Head(x, y, size_px), score, vehicle)


AT_RIDER = located(430, 198)
PASSENGER = located(462, 190)
WALKER: XYXYN = (0.44, 0.20, 0.50, 0.80)
BESIDE: XYXYN = (0.45, 0.30, 0.51, 0.60)


@pytest.mark.parametrize(
    ("heads", "persons", "expected"),
    [
        ([AT_RIDER], [RIDER], {1: AT_RIDER}),
        ([AT_RIDER], [], {0: AT_RIDER}),
        ([AT_RIDER, PASSENGER], [RIDER], {1: AT_RIDER, 0: PASSENGER}),
        ([AT_RIDER, PASSENGER], [RIDER, (0.43, 0.29, 0.49, 0.58)], {1: AT_RIDER, 2: PASSENGER}),
        # A helmet on the arm or on the bar of one whose head is found, or not.
        ([AT_RIDER, located(430, 310, 30)], [RIDER], {1: AT_RIDER}),
        ([located(430, 310, 30)], [RIDER], {}),
        # The head of a rider behind whom somebody stands; it is not at the top of that one's box.
        ([located(462, 280)], [WALKER], {0: located(462, 280)}),
        # The head of one who walks before the two-wheeler, and of one who stands beside it; who sits on it.
        ([located(470, 150, 72)], [WALKER], {}),
        ([located(480, 198)], [BESIDE], {}),
        ([AT_RIDER, located(480, 198)], [BESIDE, RIDER], {2: AT_RIDER}),
        # A head of quite another size is not that person's, nor one of a person elsewhere.
        ([located(430, 198, 120)], [RIDER], {0: located(430, 198, 120)}),
        ([AT_RIDER], [(0.80, 0.30, 0.86, 0.60)], {0: AT_RIDER}),
        ([], [RIDER], {}),
    ],
)
def test_whose_head_it_is(heads: list[Located], persons: list[XYXYN], expected: dict[int, Located]) -> None:
    objects = [thing("motorcycle", BIKE), *(thing("person", xyxyn) for xyxyn in persons)]
    assert owners(heads, objects, WIDTH, HEIGHT) == expected


def test_the_package_brings_a_locator_that_runs() -> None:
    sha256, content = LOCATOR.packaged()
    assert len(content) < 1_000_000
    locator = HeadLocator(sha256, content)
    assert locator.model_id == f"helmet-locator@{sha256[:12]}"
    assert 0 < locator.min_score < 1
    image = np.random.default_rng(0).integers(0, 255, (300, 300, 3)).astype(np.uint8)
    squares = [Region(Square(100 + 20 * i, 150, 90), i) for i in range(3)]
    together = locator.heads(image, squares, 0.0)
    assert {one.vehicle for one in together} == {0, 1, 2}
    (alone,) = locator.heads(image, squares[:1], 0.0)[:1]
    assert alone.score == pytest.approx(max(one.score for one in together if one.vehicle == 0), abs=1e-5)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08"])
def test_what_is_no_locator_is_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match="not of a head locator"):
        HeadLocator("0" * 64, content)
