"""The drawn plates are what they say: kind, size, ground, ink, and where they are put."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lianfang.plates import ALPHABET, KINDS, Colour, Kind
from tests.support.plates import (
    HAS_FONT,
    Degradation,
    Image,
    corners_at,
    degrade,
    draw,
    place,
    random_text,
    seen_somehow,
)

pytestmark = pytest.mark.skipif(not HAS_FONT, reason="OpenCV before 5.0 has no font with Chinese characters")

ALL = [(kind, colour, rows) for kind in KINDS.values() for colour in kind.colours for rows in kind.rows]
IDS = [f"{kind.name}-{colour}-{rows}" for kind, colour, rows in ALL]


def mean_of(image: Image) -> NDArray[np.float64]:
    return np.asarray(image.reshape(-1, 3).mean(axis=0), np.float64)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_random_texts_are_of_the_kind_asked_for_and_differ(kind: Kind) -> None:
    rng = np.random.default_rng(7)
    texts = [random_text(kind, rng) for _ in range(40)]
    assert all(kind.matches(text) for text in texts)
    assert len(set(texts)) > 35
    again = np.random.default_rng(7)
    assert [random_text(kind, again) for _ in range(40)] == texts


@pytest.mark.parametrize(("kind", "colour", "rows"), ALL, ids=IDS)
def test_every_kind_is_drawn_in_its_size_and_its_rows(kind: Kind, colour: Colour, rows: int) -> None:
    text = random_text(kind, np.random.default_rng(3))
    plate = draw(text, kind, colour, rows)
    assert plate.image.shape == (220 if rows == 2 else 140, 480 if colour == "green" else 440, 3)
    assert (plate.text, plate.kind, plate.colour, plate.rows) == (text, kind, colour, rows)
    inner = plate.image[12:-12, 12:-12].astype(int)
    dark_ground = colour in {"blue", "black"}
    ink = inner[..., 2] > 150 if dark_ground else inner[..., 1] < 80  # white, black and red alike
    assert 0.1 < ink.mean() < 0.6
    # The gap between the rows, and none where there is one row.
    assert ink[66:76].any() == (rows == 1)


def test_grounds_can_be_told_apart() -> None:
    """Where the ground lies bare, above the first character, each has the colour that it is named for."""
    hue = {
        kind.name + colour: cv2.cvtColor(
            draw(random_text(kind, np.random.default_rng(1)), kind, colour).image, cv2.COLOR_BGR2HSV
        )
        for kind, colour, _ in ALL
    }
    assert 100 < np.median(hue["ordinaryblue"][..., 0]) < 125
    assert 15 < np.median(hue["ordinaryyellow"][..., 0]) < 30
    small, large = hue["new_energy_smallgreen"], hue["new_energy_largegreen"]
    assert small[15, 50, 1] < 60 < small[130, 50, 1], "from white to green"
    assert 15 < large[130, 50, 0] < 30, "yellow"
    assert 45 < large[130, 300, 0] < 75, "then green"
    assert np.median(hue["policewhite"][..., 2]) > 200
    assert np.median(hue["embassyblack"][..., 2]) < 60


def test_the_last_character_of_the_police_is_red() -> None:
    image = draw("皖A0123警", KINDS["police"]).image
    red = (image[..., 2].astype(int) - image[..., 1]) > 100
    assert not red[:, :360].any()
    assert red[25:115, 375:430].mean() > 0.2


@pytest.mark.parametrize("other", ["粤T12346", "粤T1234S", "粤I12345"])
def test_only_what_the_kind_allows_is_drawn(other: str) -> None:
    if KINDS["ordinary"].matches(other):
        a, b = (draw(text, KINDS["ordinary"]).image for text in ("粤T12345", other))
        assert np.array_equal(a[:, :370], b[:, :370])
        assert not np.array_equal(a[:, 370:], b[:, 370:])
    else:
        with pytest.raises(AssertionError, match="is no ordinary"):
            draw(other, KINDS["ordinary"])


def test_all_characters_look_different() -> None:
    """A font without a character would draw the same replacement for several."""
    kind = Kind.model_validate({**KINDS["ordinary"].model_dump(), "pattern": "[" + ALPHABET + "]{7}"})
    seen = {draw(c * 7, kind).image[20:120, 10:65].tobytes() for c in ALPHABET}
    assert len(seen) == len(ALPHABET)


def test_a_plate_lies_at_the_corners_it_was_put() -> None:
    scene = np.full((300, 500, 3), 90, np.uint8)
    plate = draw("粤T12345", KINDS["ordinary"])
    corners = corners_at((260.0, 140.0), 150.0, plate, turn_deg=12.0, keystone=0.2)
    seen = place(scene, plate, corners)
    inside = np.zeros(scene.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, np.rint(corners).astype(np.int32), 1)
    near = cv2.dilate(inside, np.ones((5, 5), np.uint8)) > 0
    assert np.array_equal(seen[~near], scene[~near]), "the scene around it is as it was"
    matrix = cv2.getPerspectiveTransform(
        corners, np.array([(0, 0), (440, 0), (440, 140), (0, 140)], np.float32)
    )
    flat = np.asarray(cv2.warpPerspective(seen, matrix, (440, 140)), np.uint8)
    likeness = cv2.matchTemplate(flat, plate.image, cv2.TM_CCOEFF_NORMED)[0, 0]
    assert likeness > 0.8
    turned = np.asarray(flat[::-1, ::-1], np.uint8)
    assert cv2.matchTemplate(turned, plate.image, cv2.TM_CCOEFF_NORMED)[0, 0] < 0.5, (
        "its own top left is first"
    )


def test_a_turn_is_clockwise_and_the_right_side_is_the_farther() -> None:
    plate = draw("粤T12345", KINDS["ordinary"])
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners_at((0.0, 0.0), 100.0, plate, turn_deg=10.0, keystone=0.3)
    assert y1 > y0, "the right end is lower in the picture"
    assert x0 < x1
    assert x3 < x2
    assert np.hypot(x2 - x1, y2 - y1) < 0.75 * np.hypot(x3 - x0, y3 - y0)


def test_a_bad_camera_is_bad_in_the_ways_asked_for_and_the_same_each_time() -> None:
    image = draw("粤T12345", KINDS["ordinary"]).image
    rng = np.random.default_rng
    assert np.array_equal(degrade(image, Degradation(), rng(1)), image)
    dark = degrade(image, Degradation(gain=0.5), rng(1))
    assert np.allclose(mean_of(dark), mean_of(image) / 2, atol=1)

    def edges(seen: Image, axis: int) -> float:
        return float(np.abs(np.diff(seen.astype(int), axis=axis)).max())

    blurred, smeared = (
        degrade(image, Degradation(blur_px=2), rng(1)),
        degrade(image, Degradation(motion_px=9), rng(1)),
    )
    assert edges(blurred, 1) < edges(image, 1) / 2
    assert edges(blurred, 0) < edges(image, 0) / 2
    assert edges(smeared, 1) < edges(image, 1) / 2
    assert edges(smeared, 0) > edges(image, 0) / 2, "only sideways"
    noisy = degrade(np.full((50, 50, 3), 128, np.uint8), Degradation(noise=8), rng(1))
    assert 7 < noisy.std() < 9
    packed = degrade(image, Degradation(jpeg=30), rng(1)).astype(int)
    assert 1 < np.abs(packed - image).mean() < 20
    for seed in range(5):
        how = seen_somehow(rng(seed))
        assert how == seen_somehow(rng(seed))
        assert np.array_equal(degrade(image, how, rng(seed)), degrade(image, how, rng(seed)))
