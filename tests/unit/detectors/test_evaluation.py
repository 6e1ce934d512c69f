"""Measuring: precision worked out by hand, parts that are missing or break, and the page of figures."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.engines.base import Detections
from detectors.evaluation import objects, runner
from detectors.evaluation.ap import Matched, average_precision, match, miss_rate
from detectors.evaluation.base import Evaluate, Figure, Report
from detectors.evaluation.table import BEGIN, END, Outcome, write_rows
from detectors.evaluation.yolox import Yolox
from lianfang.errors import ModelError

PACKAGES = ("detectors.evaluation", "deploy.evaluation")
NONE = np.zeros((0, 4), np.float32)


def boxes(*rows: Sequence[float]) -> NDArray[np.float32]:
    return np.array(rows, np.float32).reshape(-1, 4)


def scores(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def matched(score: Sequence[float], hit: Sequence[bool], truths: int) -> Matched:
    return Matched(scores(*score), np.array(hit, np.bool_), truths)


TRUTH = boxes((0, 0, 10, 10), (20, 0, 30, 10))


@pytest.mark.parametrize(
    ("found", "score", "crowd", "hits"),
    [
        (boxes((0, 0, 10, 10), (20, 0, 30, 10)), (0.5, 0.9), NONE, [True, True]),
        # The second box on one object is wrong, and it is the weaker one.
        (boxes((0, 0, 10, 10), (0, 0, 10, 9)), (0.4, 0.9), NONE, [True, False]),
        # An overlap of 5 / 15.
        (boxes((5, 0, 15, 10)), (0.9,), NONE, [False]),
        # Half of it in a crowd: neither right nor wrong; less than that is wrong.
        (boxes((40, 0, 50, 10)), (0.9,), boxes((45, 0, 100, 100)), []),
        (boxes((40, 0, 50, 10)), (0.9,), boxes((46, 0, 100, 100)), [False]),
        # A crowd takes nothing from what is right.
        (boxes((0, 0, 10, 10)), (0.9,), boxes((0, 0, 100, 100)), [True]),
        (NONE, (), NONE, []),
    ],
)
def test_what_is_a_hit(
    found: NDArray[np.float32], score: Sequence[float], crowd: NDArray[np.float32], hits: list[bool]
) -> None:
    result = match(found, scores(*score), TRUTH, crowd)
    assert result.hit.tolist() == hits
    assert result.truths == 2
    assert list(result.score) == sorted(result.score, reverse=True)


@pytest.mark.parametrize(
    ("pictures", "expected"),
    [
        ([matched([0.9, 0.8], [True, True], 2)], 1.0),
        # Recalls up to .5, 51 of the 101, at a precision of 1; the others are never reached.
        ([matched([0.9, 0.8], [True, False], 2)], 51 / 101),
        # The miss comes first: one half all the way.
        ([matched([0.9, 0.8], [False, True], 1)], 0.5),
        # Precision 1 up to recall .5, then 2 / 3.
        ([matched([0.9, 0.7], [True, True], 2), matched([0.8], [False], 0)], (51 + 50 * 2 / 3) / 101),
        ([matched([], [], 3)], 0.0),
    ],
)
def test_average_precision(pictures: list[Matched], expected: float) -> None:
    figure = average_precision(pictures)
    assert figure.value == pytest.approx(expected)
    assert figure.count == sum(one.truths for one in pictures)
    assert figure.interval is None


def test_the_interval_is_that_of_other_pictures_of_the_kind() -> None:
    found, missed = matched([0.9], [True], 1), matched([], [], 1)
    figure = average_precision([found, missed] * 50)
    assert figure.value == pytest.approx(51 / 101)
    assert figure.interval is not None
    # Half of 100 pictures: 1.96 deviations are 0.098.
    assert figure.interval == pytest.approx((0.40, 0.60), abs=0.02)


def test_weak_boxes_do_not_count_as_found() -> None:
    pictures = [matched([0.9, 0.5, 0.3], [True, False, True], 3), matched([0.4], [True], 1)]
    figure = miss_rate(pictures, 0.4)
    assert (figure.value, figure.count) == (0.5, 4)


@pytest.mark.parametrize("measure", [average_precision, lambda pictures: miss_rate(pictures, 0.4)])
def test_nothing_to_find_is_no_figure(measure: Callable[[list[Matched]], Figure]) -> None:
    with pytest.raises(ValueError, match="no object of this class"):
        measure([matched([0.9], [False], 0)])


class Seeing:
    """An engine that sees the left half of everything as a person, and a boat where it is wide."""

    labels = objects.LABELS
    model_id = "seeing"

    def detect(self, image_bgr: NDArray[np.uint8]) -> Detections:
        wide = image_bgr.shape[1] > image_bgr.shape[0]
        rows = boxes((0, 0, 0.5, 1), (0, 0, 1, 1))[: 1 + wide]
        ids = np.array([0, objects.LABELS.index("boat")], np.int64)[: 1 + wide]
        return Detections(rows, scores(0.9, 0.3)[: 1 + wide], ids)


def coco(folder: Path) -> Path:
    """Two pictures: a person at the left of each; and one that is annotated, but not there."""
    (folder / "annotations").mkdir(parents=True)
    (folder / "images").mkdir()
    for name, shape in (("wide.png", (20, 40, 3)), ("high.png", (40, 20, 3))):
        assert cv2.imwrite(str(folder / "images" / name), np.zeros(shape, np.uint8))
    content = {
        "images": [{"id": i, "file_name": n} for i, n in enumerate(("wide.png", "high.png", "gone.png"))],
        "categories": [{"id": 1, "name": "person"}, {"id": 9, "name": "boat"}, {"id": 5, "name": "kite"}],
        "annotations": [
            {"image_id": 0, "category_id": 1, "bbox": [0, 0, 20, 20], "iscrowd": 0},
            {"image_id": 1, "category_id": 1, "bbox": [0, 0, 10, 40]},
            {"image_id": 1, "category_id": 9, "bbox": [0, 0, 20, 40]},
            {"image_id": 0, "category_id": 5, "bbox": [0, 0, 20, 20]},
        ],
    }
    (folder / "annotations" / "instances.json").write_text(json.dumps(content))
    return folder


def test_objects_are_measured_per_label_on_pixels(tmp_path: Path) -> None:
    pictures, missing = objects.read(coco(tmp_path))
    assert (len(pictures), missing) == (2, 1)
    by_engine, unreadable = objects.look(pictures, {"": Seeing()})
    figures = objects.of_engine("objects.", by_engine[""])
    assert unreadable == 0
    assert {name: figure.value for name, figure in figures.items()} == {
        "objects.person_ap50": pytest.approx(1.0),
        "objects.person_miss_rate": 0.0,
        # Seen, but in the other picture.
        "objects.boat_ap50": 0.0,
        "objects.boat_miss_rate": 1.0,
    }


def test_a_picture_that_does_not_decode_is_left_out_and_counted(tmp_path: Path) -> None:
    pictures, _ = objects.read(coco(tmp_path))
    pictures[0].path.write_bytes(b"no picture")
    by_engine, unreadable = objects.look(pictures, {"": Seeing()})
    assert unreadable == 1
    assert sum(one.truths for one in by_engine[""]["person"]) == 1


def test_annotations_that_are_none_name_their_file(tmp_path: Path) -> None:
    path = coco(tmp_path) / "annotations" / "instances.json"
    path.write_text('{"images": []}')
    with pytest.raises(ValueError, match=r"instances\.json: no COCO annotations"):
        objects.read(tmp_path)


def test_without_pictures_objects_are_not_measured(tmp_path: Path) -> None:
    assert objects.evaluate(tmp_path, None) is None


def test_the_reference_model_decodes_its_rows() -> None:
    model = object.__new__(Yolox)
    model._width, model._height, model._min_confidence, model._nms_iou = 64, 32, 0.3, 0.6
    rows = np.zeros((8 * 4 + 4 * 2 + 2 * 1, 5 + 80), np.float32)
    # The second cell of the second row of stride 8: centre 1.5 cells in, 2 strides wide, 1 high.
    rows[8 + 1, :5] = 0.5, 0.5, np.log(2), 0, 0.8
    rows[8 + 1, 5 + 3] = 0.5
    rows[-1, :6] = 0, 0, 0, 0, 0.5, 0.5  # 0.25: too weak
    found = model.decode(rows, (64, 32))
    assert found.xyxyn.tolist() == [pytest.approx([4 / 64, 8 / 32, 20 / 64, 16 / 32])]
    assert found.confidence.tolist() == [pytest.approx(0.4)]
    assert found.class_id.tolist() == [3]


GOOD = Report({"good.one": Figure(0.25, 4, (0.1, 0.5)), "good.two": Figure(3, 7)}, ("a note",))


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four parts in place of the real ones."""

    def breaks(error: Exception) -> Evaluate:
        def evaluate(_data: Path, _models_dir: Path | None) -> Report:
            raise error

        return evaluate

    known = {}
    evaluates: dict[str, Evaluate] = {
        "absent": lambda _data, _models: None,
        "broken": breaks(KeyError("xyxy")),
        "good": lambda _data, _models: GOOD,
        "unmodelled": breaks(ModelError("model m: run: lianfang models install m")),
    }
    for name, evaluate in evaluates.items():
        module = ModuleType(f"parts_{name}")
        module.__dict__["evaluate"] = evaluate
        monkeypatch.setitem(sys.modules, module.__name__, module)
        known[name] = module.__name__
    monkeypatch.setattr(runner, "found_tasks", lambda _packages: known)


@pytest.mark.usefixtures("parts")
def test_a_part_that_breaks_costs_the_others_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, page = tmp_path / "new" / "eval.json", tmp_path / "models.md"
    page.write_text(f"{BEGIN}\n{END}\n")
    assert runner.main(PACKAGES, [str(tmp_path), "--out", str(out), "--table", str(page)]) == 1
    assert "| good.one | 0.25 | 0.1 – 0.5 | 4 |" in page.read_text()
    assert json.loads(out.read_text()) == {"good.one": 0.25, "good.two": 3}
    said = capsys.readouterr()
    assert f"absent: skipped: {tmp_path} has no such part" in said.out
    assert "broken: FAILED: broke: KeyError: 'xyxy'" in said.out
    assert "unmodelled: FAILED: cannot run: model m: run: lianfang models install m" in said.out
    assert "0.1 – 0.5" in said.out
    assert "n=4" in said.out
    assert "(a note)" in said.out
    assert "Traceback" in said.err


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize(
    ("arguments", "code", "figures"),
    [
        (["--parts", "good"], 0, {"good.one": 0.25, "good.two": 3}),
        (["--parts", "absent"], 0, {}),
        (["--parts", "absent", "broken"], 1, {}),
        (["--parts", "other"], 2, None),
    ],
)
def test_parts_are_chosen(
    arguments: list[str], code: int, figures: dict[str, float] | None, tmp_path: Path
) -> None:
    out = tmp_path / "eval.json"
    assert runner.main(PACKAGES, [str(tmp_path), "--out", str(out), *arguments]) == code
    assert (json.loads(out.read_text()) if out.exists() else None) == figures


def test_a_folder_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(PACKAGES, [str(tmp_path / "gone")]) == 2
    assert "no such folder" in capsys.readouterr().err


def test_every_module_that_evaluates_is_a_part() -> None:
    parts = runner.found_tasks(PACKAGES)
    assert parts["objects"] == "detectors.evaluation.objects"
    assert parts["events"] == "deploy.evaluation.events"
    assert not {"base", "ap", "table", "yolox", "runner", "__main__"} & set(parts)


def test_the_page_keeps_the_rows_of_what_was_not_measured(tmp_path: Path) -> None:
    page = tmp_path / "models.md"
    page.write_text(f"before\n{BEGIN}\n{END}\nafter\n")
    write_rows(page, [Outcome("good", GOOD), Outcome("old", Report({"old.x": Figure(1, 1)}))])
    write_rows(page, [Outcome("good", Report({"good.one": Figure(0.5, 8)})), Outcome("old", None, "gone")])
    assert page.read_text().splitlines() == [
        "before",
        BEGIN,
        "| figure | value | 95 % interval | n |",
        "|---|---:|---|---:|",
        "| good.one | 0.5 |  | 8 |",
        "| old.x | 1 |  | 1 |",
        END,
        "after",
    ]


def test_a_page_without_marks_is_left_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "models.md"
    page.write_text("text\n")
    with pytest.raises(ValueError, match="lacks the marks"):
        write_rows(page, [Outcome("good", GOOD)])
    assert page.read_text() == "text\n"
