"""Weights as files: those that cannot run are refused, nothing is fetched or left behind, exports agree."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from detectors.engines import ultralytics as engine
from detectors.models.boxes import iou
from detectors.models.export import export
from lianfang.errors import ModelError
from tests.support.yolo import LABELS, MARKS, SIDE, Models, built, picture

pytestmark = MARKS


def test_what_it_cannot_do_is_said_when_it_starts(models: Models, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"names: the model has no dog, only smoke, fire"):
        built(models.pt, names=["fire", "dog"])
    with pytest.raises(ModelError, match=r"input_size: the model looks at \[96, 96\] and nothing else"):
        built(models.onnx, input_size=[128, 96])
    with pytest.raises(ModelError, match=r"device: mps could not start"):
        built(models.onnx, device="mps")
    with pytest.raises(ModelError, match=r"cannot run it: .*CUDA"):
        built(models.pt, device="cuda:99")
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    (tmp_path / "broken.pt").write_bytes(b"no model")
    for name in ("broken.onnx", "broken.pt"):
        with pytest.raises(ModelError, match=f"{name}: ultralytics cannot run it: "):
            built(tmp_path / name)
    classifier = models.package.YOLO("yolo11n-cls.yaml")
    classifier.save(tmp_path / "classifier.pt")
    with pytest.raises(ModelError, match="is made to classify"):
        built(tmp_path / "classifier.pt")


def test_weights_that_changed_are_not_mixed_with_the_old_ones(models: Models, tmp_path: Path) -> None:
    path = tmp_path / "site.onnx"
    shutil.copy(models.onnx, path)
    shared = built(path)
    path.write_bytes(path.read_bytes() + b"\0")
    shared.detect(picture(201)[0])  # what is loaded stays
    assert isinstance(shared, engine._UltralyticsEngine)
    with pytest.raises(ModelError, match="has changed since it was loaded"):
        shared._load()


def test_nothing_is_sent_fetched_or_left_behind(models: Models, no_network: list[object], home: Path) -> None:
    built(models.onnx).detect(picture(201)[0])
    built(models.pt).detect(picture(201)[0])
    assert no_network == []
    assert models.package.settings["sync"] is False
    events = __import__("ultralytics.utils.events", fromlist=["events"]).events
    assert not events.enabled
    left = [path for path in home.rglob("*") if path.is_file() and "matplotlib" not in path.parts]
    assert left == []  # training, not looking, has matplotlib note its fonts


def test_exported_weights_find_what_their_origin_finds(
    models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("YOLO_CONFIG_DIR", "YOLO_AUTOINSTALL", "YOLO_VERBOSE", "YOLO_OFFLINE"):
        monkeypatch.setenv(name, "")
    path = export(str(models.pt), tmp_path / "site.onnx", (SIDE, SIDE), trusted=True)
    image, _ = picture(1000)
    by_weights = engine.build(
        engine.Config(kind="ultralytics", weights=models.pt, trusted=True, input_size=SIDE)
    )
    by_export = engine.build(engine.Config(kind="ultralytics", weights=path))
    first, second = by_weights.detect(image), by_export.detect(image)
    assert len(first) == len(second) > 0
    assert by_export.labels == LABELS
    np.testing.assert_allclose(first.confidence, second.confidence, atol=0.02)
    assert iou(first.xyxyn, second.xyxyn).max(axis=1).min() > 0.9
