"""What the reader makes of corners, colours and opinions; no model is needed here."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.plates.colour import colours
from detectors.plates.ctc import Steps, best_path, likelihoods
from detectors.plates.detector import decode, squares
from detectors.plates.merge import Merged, Opinion, merge
from detectors.plates.read import PlateReader, judged
from detectors.plates.rectify import clockwise, flatten, in_one_row, sides
from detectors.plates.sessions import open_session
from lianfang.errors import ModelError
from lianfang.plates import ALPHABET, KINDS, Colour
from tests.support.plates import HAS_FONT, draw

SITE = {"皖A": 0.7, "皖": 0.2}
TEXTS = {
    "new_energy_small": "粤BD12345",
    "new_energy_small_widened": "粤BA12345",
    "new_energy_large": "粤B12345F",
    "new_energy_large_widened": "粤B12345A",
    "learner": "粤B1234学",
    "trailer": "粤B1234挂",
    "police": "粤B1234警",
    "embassy": "123456使",
    "consulate": "粤B1234领",
    "hong_kong": "粤Z1234港",
    "macau": "粤Z1234澳",
    "armed_police": "WJ12345",
    "military": "VA12345",
}
drawn = pytest.mark.skipif(not HAS_FONT, reason="OpenCV before 5.0 has no font with Chinese characters")
CORNERS = np.array([(0, 0), (440, 0), (440, 140), (0, 140)], np.float32)


def steps(text: str, sure: float = 0.98, also: str = "") -> Steps:
    """Return steps that write ``text``, a blank after each; where it differs, ``also`` gets what is left."""
    rows = []
    for i, character in enumerate(text):
        row = np.full(1 + len(ALPHABET), (1 - sure) / len(ALPHABET))
        row[1 + ALPHABET.index(character)] = sure
        if also and also[i] != character:
            row[1 + ALPHABET.index(also[i])] += 1 - sure
        blank = np.full(1 + len(ALPHABET), 1e-4)
        blank[0] = 1
        rows += [row / row.sum(), blank / blank.sum()]
    return np.array(rows, np.float32)


def indices(text: str) -> tuple[int, ...]:
    return tuple(ALPHABET.index(character) for character in text)


def test_corners_of_a_tilted_plate_come_out_clockwise_from_its_top_left() -> None:
    tilted = np.array([(10, 30), (110, 5), (115, 40), (14, 66)], np.float32)
    for order in permutations(range(4)):
        np.testing.assert_array_equal(clockwise(tilted[list(order)]), tilted)
    assert sides(tilted) == pytest.approx((103.7, 35.8), abs=0.1)


@drawn
def test_a_plate_is_laid_flat_from_where_it_stands() -> None:
    plate = draw("皖A12345", KINDS["ordinary"], "blue").image
    scene = np.zeros((400, 700, 3), np.uint8)
    there = np.array([(100, 80), (540, 150), (520, 290), (120, 220)], np.float32)
    matrix = cv2.getPerspectiveTransform(CORNERS, there)
    cv2.warpPerspective(plate, matrix, (700, 400), dst=scene)
    flat = flatten(scene, there, widen=0)
    want = cv2.resize(plate, (264, 96), interpolation=cv2.INTER_AREA)
    assert flat.shape == (96, 264, 3)
    assert np.abs(flat.astype(int) - want).mean() < 12


def test_the_upper_row_is_set_before_the_lower() -> None:
    plate = np.zeros((192, 264, 3), np.uint8)
    plate[10:70] = (255, 0, 0)  # upper row blue, lower row red
    plate[75:] = (0, 0, 255)
    row = in_one_row(plate)
    assert row.shape == (96, 264, 3)
    assert row[50, 30].tolist() == [255, 0, 0]
    assert row[50, 200].tolist() == [0, 0, 255]


def test_a_square_without_corrections_is_its_own_box() -> None:
    every = squares((64, 32))
    assert len(every) == 2 * (8 * 4 + 4 * 2 + 2 * 1)
    assert every[0].tolist() == [4, 4, 24]
    assert every[-1].tolist() == [48, 16, 768]
    boxes, corners = decode(every[:1], np.zeros((1, 4), np.float32), np.full((1, 8), 10, np.float32))
    assert boxes.tolist() == [[-8, -8, 16, 16]]
    assert corners.tolist() == [[[28, 28]] * 4]


@drawn
@pytest.mark.parametrize("name", KINDS)
def test_the_colour_of_the_ground_is_the_likeliest(name: str) -> None:
    for colour in KINDS[name].colours:
        plate = draw(TEXTS.get(name, "粤B12345"), KINDS[name], colour)
        flat = np.asarray(cv2.resize(plate.image, (264, 96), interpolation=cv2.INTER_AREA), np.uint8)
        assert colours(flat)[0] == colour


@drawn
def test_night_leaves_blue_and_black_possible_but_no_dark_characters() -> None:
    plate = draw("皖A12345", KINDS["ordinary"], "blue").image
    dark = cv2.cvtColor(plate, cv2.COLOR_BGR2GRAY) // 3
    grey = np.asarray(cv2.cvtColor(dark, cv2.COLOR_GRAY2BGR), np.uint8)
    assert set(colours(grey)) == {"blue", "black"}


def test_equal_neighbours_need_a_blank_between_them() -> None:
    apart, joined = steps("皖A11"), np.delete(steps("皖A11"), 5, axis=0)
    assert best_path(apart) == indices("皖A11")
    assert best_path(joined) == indices("皖A1")


@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(0, 2**32 - 1))
def test_likelihoods_are_those_of_all_ways_to_write_a_text(counts: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    opinions = [np.maximum(rng.dirichlet(np.ones(3), n).astype(np.float32), 1e-3) for n in counts]
    each = [ways_to_write(every) for every in opinions]
    texts = sorted({text for ways in each for text in ways if text})
    got = likelihoods(opinions, texts)
    for ways, said in zip(each, got, strict=True):
        possible = [i for i, text in enumerate(texts) if text in ways]
        np.testing.assert_allclose(said[possible], np.log([ways[texts[i]] for i in possible]), rtol=1e-5)
        assert (np.delete(said, possible) < -600).all(), "more characters than steps"


def ways_to_write(every: Steps) -> dict[tuple[int, ...], float]:
    """Return the probability of each text over three classes, path by path."""
    ways: dict[tuple[int, ...], float] = {}
    for path in product(range(3), repeat=len(every)):
        merged = [c for c, before in zip(path, (0, *path), strict=False) if c and c != before]
        text = tuple(c - 1 for c in merged)
        ways[text] = ways.get(text, 0) + float(np.prod([every[i, c] for i, c in enumerate(path)]))
    return ways


def merged(
    every: list[Steps], ground: tuple[Colour, ...] = ("blue",), prior: dict[str, float] | None = None
) -> Merged:
    return merge([Opinion(one, 1 / len(every)) for one in every], ground, prior)


def test_both_agree_and_nothing_is_left_open() -> None:
    said = merged([steps("皖A12345")] * 2, ("blue",))
    assert said.text == "皖A12345"
    assert said.support == pytest.approx(1)
    assert all(len(place) == 1 for place in said.characters)
    reading = judged(CORNERS, said, ("blue",))
    assert (reading.kind, reading.colour, reading.accepted) == ("ordinary", "blue", True)


def test_a_doubt_is_kept_beside_the_text_and_keeps_it_from_being_accepted() -> None:
    said = merged([steps("皖A1234D", 0.9), steps("皖A12340", 0.7)], ("blue",))
    assert said.text == "皖A1234D"
    assert [candidate.character for candidate in said.characters[6][:2]] == ["D", "0"]
    assert said.support < 0.75
    assert not judged(CORNERS, said, ("blue",)).accepted


@pytest.mark.parametrize(
    ("first", "second", "ground", "text"),
    [
        ("皖AD12345", "皖A12345", ("green",), "皖AD12345"),  # eight on green
        ("皖AD12345", "皖A12345", ("blue",), "皖A12345"),  # seven on blue
        ("皖AS621V1", "皖AS621V", ("blue",), "皖AS621V"),  # the frame read as a 1
        ("皖AS012345", "皖AD12345", ("green",), "皖AD12345"),
    ],
)
def test_colour_and_length_agree(first: str, second: str, ground: tuple[Colour, ...], text: str) -> None:
    assert merged([steps(first, 0.9), steps(second, 0.9)], ground).text == text


def test_what_no_kind_allows_is_read_and_not_accepted() -> None:
    said = merged([steps("皖皖皖")] * 2, ("blue",))
    reading = judged(CORNERS, said, ("blue",))
    assert (reading.text, reading.kind, reading.accepted) == ("皖皖皖", None, False)


def test_the_wrong_colour_is_not_accepted() -> None:
    said = merged([steps("皖A12345")] * 2, ("green",))
    reading = judged(CORNERS, said, ("green",))
    assert (reading.text, reading.colour, reading.kind) == ("皖A12345", "green", None)
    assert not reading.accepted


def test_a_kind_known_by_hearsay_goes_to_a_person() -> None:
    said = merged([steps("粤BA12345")] * 2, ("green",))
    reading = judged(CORNERS, said, ("green",))
    assert (reading.kind, reading.accepted) == ("new_energy_small_widened", False)


def test_no_province_is_likelier_than_another_unless_a_site_says_so() -> None:
    opinions = [steps("浙A12345", 0.55, also="皖A12345"), steps("浙A12345", 0.6, also="皖A12345")]
    assert merged(opinions).text == "浙A12345"
    assert merged(opinions, prior=SITE).text == "皖A12345"
    sure = [steps("浙A12345", 0.9999)] * 2
    assert merged(sure, prior=SITE).text == "浙A12345"


@pytest.mark.parametrize("seed", range(6))
def test_the_text_is_the_likeliest_at_each_place(seed: int) -> None:
    rng = np.random.default_rng(seed)
    every = [rng.dirichlet(np.full(1 + len(ALPHABET), 0.05), 12).astype(np.float32) for _ in range(2)]
    said = merge([Opinion(every[0], 0.6), Opinion(every[1], 0.4)], ("blue", "green"))
    assert said.text == "".join(place[0].character for place in said.characters)
    assert 0 <= said.support <= 1 + 1e-9
    for place in said.characters:
        confidences = [candidate.confidence for candidate in place]
        assert confidences == sorted(confidences, reverse=True)
        assert sum(confidences) <= 1.001


def test_a_word_is_left_to_who_knows_it() -> None:
    one, other = steps("粤B12349", 0.9), steps("粤B1234学", 0.9)
    said = merge([Opinion(one, 0.6, unknown="学挂"), Opinion(other, 0.4)], ("yellow",))
    assert said.text == "粤B1234学"
    assert said.characters[-1][0].confidence > 0.8
    plain = merge([Opinion(one, 0.6, unknown="学挂"), Opinion(one, 0.4)], ("yellow",))
    assert plain.text == "粤B12349"
    assert judged(CORNERS, plain, ("yellow",)).accepted


def test_a_word_that_nobody_read_is_put_where_the_colour_asks_for_it_and_not_accepted() -> None:
    one, other = steps("粤B12341", 0.9), steps("粤B1234", 0.9)
    said = merge([Opinion(one, 0.6, unknown="警"), Opinion(other, 0.4)], ("white",))
    assert said.text == "粤B1234警"
    assert not judged(CORNERS, said, ("white",)).accepted


def test_a_missing_or_broken_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="clp-det"):
        PlateReader(tmp_path)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    with pytest.raises(ModelError, match="cannot be loaded"):
        open_session(broken)


def test_nothing_read_is_no_text() -> None:
    blank = np.zeros((20, 1 + len(ALPHABET)), np.float32)
    blank[:, 0] = 1
    said = merged([blank, blank], ("blue",))
    assert said.text == ""
    assert not judged(CORNERS, said, ("blue",)).accepted
