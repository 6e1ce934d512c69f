"""Drawn plates of every kind, read by the real models."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.plates.read import PlateReader
from lianfang.errors import ModelError
from lianfang.plates import KINDS
from tests.support.drawn_plates import cut_out, in_street, measure
from tests.support.plates import HAS_FONT, corners_at, draw, place

pytestmark = pytest.mark.skipif(not HAS_FONT, reason="OpenCV before 5.0 has no font with Chinese characters")


@pytest.fixture(scope="module")
def reader() -> PlateReader:
    try:
        return PlateReader(again_long_side=1280)
    except ModelError as error:
        pytest.skip(str(error))


def test_every_kind_is_understood_and_none_is_accepted_wrongly(reader: PlateReader) -> None:
    scores = measure(lambda plate, rng: reader.read_plate(cut_out(plate, rng)), each=1)
    assert len(scores) == 19
    assert sum(score.exact for score in scores.values()) >= 15
    assert sum(score.accepted for score in scores.values()) >= 8
    assert [name for name, score in scores.items() if score.wrongly] == []


@pytest.mark.parametrize(
    ("text", "kind", "colour", "rows"),
    [
        ("浙C5D7A8", "ordinary", "blue", 1),
        ("鲁F81K36", "ordinary", "yellow", 2),
        ("苏ED73619", "new_energy_small", "green", 1),
        ("豫B4813学", "learner", "yellow", 1),
    ],
)
def test_plates_are_found_where_they_hang(
    reader: PlateReader, text: str, kind: str, colour: str, rows: int
) -> None:
    plate = draw(text, KINDS[kind], colour, rows)  # type: ignore[arg-type]
    street = in_street(plate, np.random.default_rng(7))
    (reading,) = reader.read(street)
    assert (reading.text, reading.colour, reading.kind) == (text, colour, kind)
    assert np.abs(reading.corners.mean(axis=0) - (480, 330)).max() < 12


def test_several_plates_of_one_picture_are_all_read(reader: PlateReader) -> None:
    scene = np.full((600, 900, 3), 90, np.uint8)
    texts = ("浙C5D7A8", "苏E73L19", "豫B4813K")
    for i, text in enumerate(texts):
        plate = draw(text, KINDS["ordinary"], "blue")
        scene = place(scene, plate, corners_at((200 + 230 * i, 150 + 150 * i), 170, plate, 4 * i))
    assert {reading.text for reading in reader.read(scene)} == set(texts)


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (700, 3)])
def test_pictures_of_any_size_are_read(reader: PlateReader, size: tuple[int, int]) -> None:
    assert reader.read(np.zeros((*size, 3), np.uint8)) == ()
    assert not reader.read_plate(np.zeros((*size, 3), np.uint8)).accepted


def test_what_is_no_picture_is_refused(reader: PlateReader) -> None:
    with pytest.raises(ValueError, match="uint8"):
        reader.read(np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        reader.read_plate(np.zeros((0, 4, 3), np.uint8))
