"""Two stages of objects on one camera: their numbers are never the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from detectors.engines import onnx
from detectors.engines.base import Detections
from detectors.stages import objects
from lianfang.config import Config, Problem
from lianfang.events import DetectedObject
from tests.support.configs import changed

LABELS = ("person", "fire", "smoke")
START = datetime(2026, 1, 1, tzinfo=UTC)


class Seeing:
    """An engine that finds one thing of one class, always in the same place."""

    labels = LABELS
    model_id = "seeing@0"

    def __init__(self, label: str) -> None:
        self._class_id = LABELS.index(label)

    def detect(self, image_bgr: np.ndarray) -> Detections:
        del image_bgr
        box = np.array([[0.1, 0.1, 0.2, 0.4]], np.float32)
        return Detections(box, np.array([0.9], np.float32), np.array([self._class_id]))


def stage(label: str) -> objects.Objects:
    config = objects.Config(kind="objects", engine=onnx.Config(), labels=(label,))
    return objects.Objects(config, Seeing(label), np.array([one == label for one in LABELS]))


def test_people_and_fire_are_numbered_apart() -> None:
    cameras = [stage(label).open("cam", "epoch") for label in ("person", "fire")]
    seen: tuple[DetectedObject, ...] = ()
    for n in range(2):
        seen = ()
        for camera in cameras:
            seen = camera.look(np.zeros((8, 8, 3), np.uint8), START + timedelta(seconds=n), seen)
    assert [(one.label, one.track_id) for one in seen] == [("person", "epoch:1"), ("fire", "epoch:fire1")]


@pytest.mark.parametrize(
    ("first", "second", "wrong"),
    [
        (["person"], ["fire", "smoke"], 0),
        (["fire"], ["smoke"], 0),
        (["person"], ["fire", "person"], 2),
        (["smoke", "fire"], ["smoke"], 2),
    ],
)
def test_two_stages_that_number_alike_are_refused(
    first: Sequence[str], second: Sequence[str], wrong: int
) -> None:
    data = changed(("cameras.cam.detectors", ["one", "two"]), ("cameras.cam2.detectors", ["one"]))
    data["detectors"] = {
        name: {"kind": "objects", "engine": {"kind": "onnx"}, "labels": labels}
        for name, labels in (("one", first), ("two", second))
    }
    config = Config.model_validate(data)
    found: list[Problem] = []
    for one in config.detectors.values():
        assert isinstance(one, objects.Config)
        found += [problem for problem in one.check(config) if problem.key == ("labels",)]
    assert len(found) == wrong
    assert all("cam that numbers alike" in problem.found for problem in found)
