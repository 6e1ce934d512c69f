"""Calibration: curves found again, errors worked out by hand, files refused, what a stage says with one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.calibration import Calibration, Curve, of_model, read
from detectors.calibration.curves import OTHERS, logit
from detectors.calibration.fit import Boxes, cross_fitted, error, fit, interval
from detectors.engines import onnx
from detectors.engines.base import Detections
from detectors.evaluation import calibration as evaluation
from detectors.evaluation.ap import Matched
from detectors.models.commands import main
from detectors.models.manifest import entry
from detectors.stages import objects
from lianfang.config import Config
from lianfang.errors import ModelError
from tests.support.configs import changed

LABELS = ("person", "car", "boat")


def drawn(slope: float, offset: float, count: int = 4000, seed: int = 0) -> Boxes:
    """Return boxes, 20 a picture, that are right as often as a curve says."""
    rng = np.random.default_rng(seed)
    score = rng.uniform(0.05, 0.95, count)
    probability = 1 / (1 + np.exp(-(slope * logit(score) + offset)))
    return Boxes(score, rng.random(count) < probability, np.arange(count) // 20)


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (3.0, 1.2), (0.5, -1.0)])
def test_a_curve_is_found_again(slope: float, offset: float) -> None:
    found = fit(drawn(slope, offset))
    assert found.slope == pytest.approx(slope, rel=0.1)
    assert found.offset == pytest.approx(offset, abs=0.15)
    assert found.boxes == 4000


def test_a_handful_of_boxes_proves_no_steep_curve() -> None:
    few = Boxes(np.array([0.3, 0.4, 0.6, 0.7]), np.array([False, False, True, True]), np.arange(4))
    assert 1 < fit(few).slope < 3


def test_scores_that_say_nothing_or_the_contrary_give_a_curve_that_rises_all_the_same() -> None:
    boxes = drawn(1.0, 0.0)
    assert 0 < fit(Boxes(boxes.score, ~boxes.right, boxes.picture)).slope < 0.01


@pytest.mark.parametrize("right", [[True, True], [False, False], []])
def test_nothing_is_fitted_where_there_is_nothing_to_tell_apart(right: list[bool]) -> None:
    boxes = Boxes(np.full(len(right), 0.5), np.array(right, np.bool_), np.arange(len(right)))
    with pytest.raises(ValueError, match="nothing to tell apart"):
        fit(boxes)


@given(
    scores=st.lists(st.floats(0, 1), min_size=2, max_size=20),
    slope=st.floats(0.01, 20),
    offset=st.floats(-20, 20),
)
def test_more_score_is_never_less_probable(scores: list[float], slope: float, offset: float) -> None:
    found = Curve(slope=slope, offset=offset, boxes=1, right=1).probability(np.array(sorted(scores)))
    assert (np.diff(found) >= 0).all()
    assert ((found >= 0) & (found <= 1)).all()


def test_the_error_by_hand() -> None:
    """Ten bins of one box: each is off by what is missing to 1, or by its probability."""
    probability = np.array([0.9, 0.1] * 5)
    assert error(probability, probability > 0.5) == pytest.approx(0.1)
    assert error(probability, probability < 0.5) == pytest.approx(0.9)
    # Half of those at .5 are right: nothing is off, whatever their order within a bin of 10.
    assert error(np.full(100, 0.5), np.arange(100) % 2 == 0) == pytest.approx(0.0)
    with pytest.raises(ValueError, match="no boxes"):
        error(np.zeros(0), np.zeros(0, np.bool_))


def test_cross_fitting_never_sees_the_picture_that_it_is_held_against() -> None:
    """One picture in ten is labelled the other way round: it must not move its own curve."""
    boxes = drawn(3.0, 1.0, count=600)
    wrong = boxes.picture == 7
    turned = Boxes(boxes.score, np.where(wrong, ~boxes.right, boxes.right), boxes.picture)
    straight, again = cross_fitted(boxes), cross_fitted(turned)
    assert np.array_equal(straight[wrong], again[wrong])
    assert not np.array_equal(straight[~wrong], again[~wrong])


def test_fitting_mends_the_error_on_other_pictures() -> None:
    boxes = drawn(3.0, 1.0)
    before, after = error(boxes.score, boxes.right), error(cross_fitted(boxes), boxes.right)
    assert after < 0.03
    assert before > 0.1
    low, high = interval(boxes.score, boxes, resamples=50)
    assert low < before < high


def test_what_comes_with_the_model_is_that_models() -> None:
    curves = of_model("nanodet-g")
    curves.require(f"nanodet-g@{entry('nanodet-g').onnx_sha256[:12]}")
    assert curves.curve("truck") == curves.curves[OTHERS]
    at_work = curves.curve("person").probability(np.array([0.2, 0.4, 0.6, 0.8]))
    assert at_work.tolist() == pytest.approx([0.05, 0.5, 0.92, 1.0], abs=0.02)
    with pytest.raises(ModelError, match=r"is that of nanodet-g@.*, and the model is nanodet-g@0"):
        curves.require("nanodet-g@000000000000")
    with pytest.raises(ModelError, match="no calibration comes with yolo26n, only with nanodet-g"):
        of_model("yolo26n")


GOOD: dict[str, Any] = {
    "model": "seeing@0",
    "pictures": 3,
    "pictures_sha256": "0" * 64,
    "curves": {"person": {"slope": 2.0, "offset": 1.0, "boxes": 9, "right": 4}},
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"curves": {}}, "curves"),
        ({"curves": {"person": {"slope": -1, "offset": 0, "boxes": 1, "right": 1}}}, "slope"),
        ({"pictures_sha256": "x"}, "pictures_sha256"),
        ({"more": 1}, "more"),
    ],
)
def test_files_that_hold_something_else_are_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    file = tmp_path / "site.json"
    file.write_text(json.dumps(GOOD | change))
    with pytest.raises(ModelError, match=said):
        read(file)
    with pytest.raises(ModelError, match="No such file"):
        read(tmp_path / "none.json")


class Seeing:
    """An engine that finds two people and a car at scores of .7, .5 and .5."""

    labels = LABELS
    model_id = "seeing@0"

    def detect(self, image_bgr: np.ndarray) -> Detections:
        del image_bgr
        boxes = np.array([[0.1, 0.1, 0.2, 0.4], [0.5, 0.1, 0.6, 0.4], [0.7, 0.5, 0.9, 0.6]], np.float32)
        return Detections(boxes, np.array([0.7, 0.5, 0.5], np.float32), np.array([0, 0, 1]))


def test_a_stage_says_probabilities_and_follows_as_before() -> None:
    config = objects.Config(kind="objects", engine=onnx.Config(), labels=("person", "car"))
    wanted = np.array([label in config.labels for label in LABELS])
    curves = Calibration.model_validate(
        GOOD | {"curves": {**GOOD["curves"], OTHERS: {"slope": 1, "offset": -1, "boxes": 9, "right": 4}}}
    )
    said = {}
    for name, calibration in {"raw": None, "calibrated": curves}.items():
        camera = objects.Objects(config, Seeing(), wanted, calibration).open("cam", "e")
        at = datetime(2026, 1, 1, tzinfo=UTC)
        for n in range(3):
            seen = camera.look(np.zeros((8, 8, 3), np.uint8), at + timedelta(seconds=n), ())
        said[name] = {one.track_id: (one.label, one.confidence) for one in seen}
    assert said["raw"].keys() == said["calibrated"].keys() == {"e:1", "e:2", "e:3"}
    assert [round(p, 3) for _, p in said["raw"].values()] == [0.7, 0.5, 0.5]
    # logit(.7) = .847, twice and 1 more; and 1 / (1 + e) of a car.
    assert [round(p, 3) for _, p in said["calibrated"].values()] == [0.937, 0.731, 0.269]


@pytest.mark.parametrize(
    ("calibration", "said"),
    [("none.json", "No such file"), ("model", None), (None, None)],
)
def test_a_configuration_with_a_missing_file_is_refused(calibration: str | None, said: str | None) -> None:
    config = Config.model_validate(changed(("detectors.objects.calibration", calibration)))
    (stage,) = config.detectors.values()
    assert isinstance(stage, objects.Config)
    found = [p.found for p in stage.check(config) if p.key == ("calibration",)]
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


def test_boxes_of_labels_are_put_together_by_picture() -> None:
    none = Matched(np.zeros(0, np.float32), np.zeros(0, np.bool_), 0)
    person = [Matched(np.array([0.9, 0.04], np.float32), np.array([True, False]), 1), none]
    car = [none, Matched(np.array([0.5], np.float32), np.array([False]), 0)]
    boxes = evaluation.together([person, car])
    assert boxes.score.tolist() == pytest.approx([0.9, 0.5])  # .04 is less than any engine gives
    assert boxes.right.tolist() == [True, False]
    assert boxes.picture.tolist() == [0, 1]


def test_without_pictures_there_is_nothing_to_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluation.evaluate(tmp_path, None) is None
    assert main(["calibrate", str(tmp_path)]) == 2
    assert "holds no pictures with annotations" in capsys.readouterr().err
