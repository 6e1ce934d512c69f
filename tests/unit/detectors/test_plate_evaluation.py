"""How plates are counted, and that a folder is read as it lies."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from detectors.evaluation.plates import (
    Labelled,
    Read,
    Seen,
    ccpd_text,
    evaluate,
    is_held,
    labelled,
    of_crops,
    of_pictures,
    without_plates,
)
from detectors.models.store import verify
from detectors.plates.reading import Candidate, Reading
from lianfang.errors import ConfigError, ModelError

DATA = Path(__file__).parents[4] / "shared" / "data"


def reading(text: str, accepted: bool = True) -> Reading:
    characters = tuple((Candidate(character, 0.9),) for character in text)
    corners = np.zeros((4, 2), np.float32)
    return Reading(corners, text, characters, 0.9, "blue", "ordinary", accepted)


def seen(plates: tuple[str, ...], *readings: Reading, took_s: float = 0.05) -> Seen:
    return Seen(Labelled(Path("a.jpg"), plates), readings, took_s)


@pytest.mark.parametrize(
    ("stem", "text"),
    [
        ("025-95_113-154&383_386&473-386&473_177&454_154&383_363&402-0_0_22_27_27_33_16-37-15", "皖AY339S"),
        ("0-90_90-0&0_1&1-1&1_0&1_0&0_1&0-0_0_3_25_25_25_30_30-228-16", "皖AD11166"),
        ("blur0", None),
        ("a-b-c-d-e", None),
        ("a-b-c-d-99_0_0", None),
    ],
)
def test_a_name_of_ccpd_holds_the_text(stem: str, text: str | None) -> None:
    assert ccpd_text(stem) == text


def test_crops_are_right_or_wrong_as_a_whole() -> None:
    figures = of_crops(
        [Read("皖A1", "皖A1", True), Read("皖A2", "皖A3", True), Read("皖A4", "皖A4", False)],
    )
    assert figures["plates.crops_exact"].value == pytest.approx(2 / 3)
    assert figures["plates.accepted_coverage"].value == pytest.approx(2 / 3)
    assert figures["plates.accepted_precision"].value == pytest.approx(1 / 2)


def test_a_half_is_held_by_the_text_alone() -> None:
    held = [is_held(f"皖A{n:05}") for n in range(1000)]
    assert 430 < sum(held) < 570
    assert held == [is_held(f"皖A{n:05}") for n in range(1000)]


def test_several_plates_of_a_picture_are_each_read_or_not() -> None:
    figures = of_pictures(
        [
            seen(("皖A1", "皖A2"), reading("皖A2"), reading("皖A9"), took_s=0.02),
            seen(("皖A3",), reading("皖A3", accepted=False), took_s=0.04),
            seen((), took_s=0.09),
        ]
    )
    assert figures["plates.full_read"].value == pytest.approx(2 / 3)
    assert figures["plates.full_read"].count == 3
    assert figures["plates.full_accepted_precision"].value == pytest.approx(1 / 2)
    assert figures["plates.ms_full"].value == 40


def test_one_reading_is_not_two_plates() -> None:
    figures = of_pictures([seen(("皖A1", "皖A1"), reading("皖A1"))])
    assert figures["plates.full_read"].value == 0.5


def test_pictures_are_labelled_by_their_names_and_by_lines(tmp_path: Path) -> None:
    for name in ("full/0-0-0-0-0_0_0_0-0-0.jpg", "full/car.jpg", "ccpd_difficult/np/np0.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "full_labelled").mkdir()
    lines = tmp_path / "full_labelled" / "labels.jsonl"
    lines.write_text('{"file": "images/a.jpg", "plates": ["皖A·12345", "粤bd12345"]}\n\n', encoding="utf-8")
    assert labelled(tmp_path) == [
        Labelled(tmp_path / "full" / "0-0-0-0-0_0_0_0-0-0.jpg", ("皖AAA",)),
        Labelled(tmp_path / "full_labelled" / "images" / "a.jpg", ("皖A12345", "粤BD12345")),
    ]


def test_a_line_that_is_none_says_which_and_what_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "full_labelled").mkdir()
    lines = tmp_path / "full_labelled" / "labels.jsonl"
    lines.write_text('{"file": "a.jpg", "plates": []}\n{"file": "b.jpg"}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"labels\.jsonl:2"):
        labelled(tmp_path)


def test_a_folder_without_plates_has_no_figures(tmp_path: Path) -> None:
    (tmp_path / "plates" / "full").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "plates" / "full" / "car.jpg"), np.zeros((8, 8, 3), np.uint8))
    assert evaluate(tmp_path, None) is None
    assert list(without_plates(tmp_path)) == []


@pytest.fixture
def some_of_the_data(tmp_path: Path) -> Path:
    try:
        for name in ("clp-det", "clp-rec", "ppocr-v4-rec"):
            verify(name)
    except ModelError as error:
        pytest.skip(str(error))
    if not (DATA / "plates" / "crops").is_dir():
        pytest.skip("there is no ../shared/data/plates")
    taken = {
        "plates/crops": sorted((DATA / "plates" / "crops").glob("*.jpg"))[:40:2],
        "plates/full": sorted((DATA / "plates" / "full").glob("*.jpg"))[5:],
        "plates/ccpd_difficult/np": sorted((DATA / "plates" / "ccpd_difficult" / "np").glob("*.jpg"))[:2],
    }
    for folder, files in taken.items():
        (tmp_path / folder).mkdir(parents=True)
        for file in files:
            (tmp_path / folder / file.name).symlink_to(file)
    return tmp_path


def test_a_part_of_the_data_is_measured_with_the_real_models(some_of_the_data: Path) -> None:
    report = evaluate(some_of_the_data, None)
    assert report is not None
    figures = report.figures
    assert figures["plates.crops_exact"].count == 20
    assert figures["plates.crops_exact"].value >= 0.95
    assert figures["plates.accepted_precision"].value == 1
    assert figures["plates.full_read"].value == 1
    assert figures["plates.false_reads"].value == 0
    assert figures["plates.false_reads"].count == 2
    assert figures["plates.ms_full"].value > 0
    assert figures["plates.ms_live"].value > 0
