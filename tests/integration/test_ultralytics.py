"""The ultralytics engine on models that are made here: random weights of its own YAML, trained for seconds.

It needs the package, with torch some 6 GB: `tests/ultralytics.sh` installs it apart and runs this file there.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from detectors.engines import ultralytics as engine
from detectors.engines.base import Detections, Engine
from detectors.models import weights as files
from detectors.models.boxes import iou
from detectors.models.export import export
from detectors.stages import objects
from lianfang import plugins
from lianfang.errors import ModelError
from lianfang.events import DetectedObject

if find_spec("ultralytics") is None and "LIANFANG_NEEDS_ULTRALYTICS" not in os.environ:
    pytest.skip(
        "the package ultralytics is not installed; tests/ultralytics.sh does it", allow_module_level=True
    )

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    # What torch and its exporters say to each other.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:Converting a tensor to a Python"),
]

SIDE = 96
LABELS = ("cat", "block")  # no picture shows a cat: two classes take much longer to be told apart
Image = NDArray[np.uint8]


def picture(seed: int, shift: float = 0) -> tuple[Image, NDArray[np.float32]]:
    """Return a noisy picture, 128 x 96, of two red blocks side by side, and their boxes in 0-1.

    ``shift`` moves both to the right, in pixels.
    """
    rng = np.random.default_rng(seed)
    image = rng.integers(60, 80, (96, 128, 3), dtype=np.uint8)
    boxes = []
    for left in (4, 66):
        x, y = rng.integers(left, left + 20) + int(shift), rng.integers(2, 50)
        width, height = rng.integers(24, 36, 2)
        image[y : y + height, x : x + width] = (0, 0, 255)
        boxes.append((x / 128, y / 96, (x + width) / 128, (y + height) / 96))
    return image, np.array(boxes, np.float32)


@dataclass(frozen=True)
class Models:
    """Files of the same model, and the package itself to compare with."""

    package: Any
    pt: Path
    onnx: Path
    torchscript: Path


@pytest.fixture(scope="module")
def no_network() -> Iterator[list[object]]:
    """Let nothing out; give what tried."""
    tried: list[object] = []

    def refuse(*arguments: object, **_keys: object) -> None:
        tried.append(arguments)
        raise OSError("no network here")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", refuse)
        patch.setattr(socket.socket, "connect", refuse)
        yield tried


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty home folder."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            patch.delenv(name, raising=False)
        yield folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, no_network: list[object], home: Path) -> Models:
    """Train YOLO11n from nothing for a few seconds, and export it."""
    del home
    folder = tmp_path_factory.mktemp("models")
    package = engine._package()
    model = package.YOLO("yolo11n.yaml")

    def learn_quickly(trainer: Any) -> None:  # noqa: ANN401
        for module in trainer.model.modules():
            if type(module).__name__ == "BatchNorm2d":
                module.momentum = 0.2  # 30 steps are too few for the 0.03 of real trainings

    model.add_callback("on_train_start", learn_quickly)
    off = dict.fromkeys(("mosaic", "scale", "translate", "fliplr", "hsv_h", "hsv_s", "hsv_v", "erasing"), 0)
    model.train(
        **off,
        data=str(_data(folder)),
        epochs=3,
        imgsz=SIDE,
        batch=16,
        nbs=16,
        optimizer="AdamW",
        lr0=0.004,
        warmup_epochs=0,
        seed=0,
        workers=0,
        device="cpu",
        amp=False,  # its check would fetch a model
        plots=False,
        val=False,
        pretrained=False,
        verbose=False,
        project=str(folder / "runs"),
    )
    pt = folder / "site.pt"
    shutil.copy(model.trainer.last, pt)
    onnx = package.YOLO(str(pt)).export(format="onnx", imgsz=SIDE, simplify=False, device="cpu")
    script = package.YOLO(str(pt)).export(format="torchscript", imgsz=SIDE, device="cpu")
    no_network.clear()  # training asks for a font
    return Models(package, pt, Path(onnx), Path(script))


def _data(folder: Path) -> Path:
    for split, seeds in (("train", range(160)), ("val", range(160, 164))):
        (folder / split / "images").mkdir(parents=True)
        (folder / split / "labels").mkdir()
        for seed in seeds:
            image, boxes = picture(seed)
            cv2.imwrite(str(folder / split / "images" / f"{seed}.png"), image)
            lines = [
                f"1 {(box[0] + box[2]) / 2} {(box[1] + box[3]) / 2} {box[2] - box[0]} {box[3] - box[1]}\n"
                for box in boxes
            ]
            (folder / split / "labels" / f"{seed}.txt").write_text("".join(lines))
    file = folder / "data.yaml"
    names = dict(enumerate(LABELS))
    content = {"path": str(folder), "train": "train/images", "val": "val/images", "names": names}
    file.write_text(yaml.safe_dump(content))
    return file


def built(weights: Path, **keys: object) -> Engine:
    stanza = {"kind": "ultralytics", "weights": weights, "trusted": weights.suffix != ".onnx", **keys}
    return engine.build(engine.Config.model_validate(stanza))


def assert_same(found: Detections, wanted: Detections, tolerance: float) -> None:
    assert found.class_id.tolist() == wanted.class_id.tolist()
    np.testing.assert_allclose(found.confidence, wanted.confidence, rtol=0, atol=tolerance)
    np.testing.assert_allclose(found.xyxyn, wanted.xyxyn, rtol=0, atol=tolerance)


def said_by_ultralytics(package: Any, weights: Path, image: Image, **keys: object) -> Detections:  # noqa: ANN401
    boxes = package.YOLO(str(weights)).predict(image, verbose=False, device="cpu", **keys)[0].boxes
    xyxyn, confidence, class_id = (part.numpy() for part in (boxes.xyxyn, boxes.conf, boxes.cls))
    return Detections(xyxyn, confidence, class_id.astype(np.int64))


@pytest.mark.parametrize("form", ["pt", "onnx", "torchscript"])
def test_it_finds_what_it_was_trained_on(models: Models, form: str) -> None:
    weights: Path = getattr(models, form)
    found_by = built(weights)
    assert found_by.labels == LABELS
    assert found_by.model_id == f"site@{files.digest(weights)[:12]}"
    hits = []
    for seed in range(200, 212):
        image, boxes = picture(seed)
        found = found_by.detect(image)
        blocks = found.xyxyn[(found.class_id == 1) & (found.confidence > 0.3)]
        hits += [bool((iou(box[None], blocks) > 0.5).any()) for box in boxes]
    assert np.mean(hits) > 0.8


@pytest.mark.parametrize("form", ["pt", "onnx"])
@pytest.mark.parametrize("shape", [(96, 128), (480, 270)])
def test_it_says_what_ultralytics_says(models: Models, form: str, shape: tuple[int, int]) -> None:
    image = np.asarray(cv2.resize(picture(300)[0], shape[::-1]), np.uint8)
    found = built(getattr(models, form), min_confidence=0.01, nms_iou=0.5).detect(image)
    assert len(found) >= 2
    wanted = said_by_ultralytics(models.package, getattr(models, form), image, conf=0.01, iou=0.5)
    assert_same(found, wanted, tolerance=1e-6)


def test_formats_agree(models: Models) -> None:
    """At a square picture: .pt is run on the smallest rectangle, what is exported on its fixed square."""
    image = np.ascontiguousarray(picture(301)[0][:, :96])
    found = built(models.pt).detect(image)
    assert len(found)
    assert_same(built(models.onnx).detect(image), found, tolerance=1e-3)
    assert_same(built(models.torchscript).detect(image), found, tolerance=1e-3)


@pytest.mark.parametrize("end_to_end", [False, True])
def test_the_newest_family_says_what_ultralytics_says(
    models: Models, tmp_path: Path, end_to_end: bool
) -> None:
    """YOLO26 with random weights sees much once its biases let it; its export needs no suppression."""
    model = models.package.YOLO("yolo26n.yaml")
    head = model.model.model[-1]
    for sides, scores in zip((*head.cv2, *head.one2one_cv2), (*head.cv3, *head.one2one_cv3), strict=True):
        sides[-1].bias.data[:] = 2  # cells from the middle of the box to its sides
        scores[-1].bias.data[:] = 0
    weights = tmp_path / "random.pt"
    model.save(weights)
    if end_to_end:
        export = models.package.YOLO(str(weights)).export
        weights = Path(export(format="onnx", imgsz=SIDE, simplify=False, device="cpu", nms=False))
    image = picture(302)[0]
    found = built(weights, input_size=SIDE, min_confidence=0.4).detect(image)
    assert len(found) > 10
    assert (np.diff(found.confidence) <= 0).all()
    wanted = said_by_ultralytics(models.package, weights, image, imgsz=SIDE, conf=0.4)
    assert_same(found, wanted, tolerance=1e-6)


@pytest.mark.parametrize("form", ["pt", "onnx"])
def test_threads_share_one_engine(models: Models, form: str) -> None:
    shared = built(getattr(models, form), min_confidence=0.01)
    # Of several shapes, so that two at once would disturb each other's anchors.
    images = [np.ascontiguousarray(picture(seed)[0][: 40 + 14 * (seed % 5)]) for seed in range(400, 440)]
    alone = [shared.detect(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(shared.detect, images))
    for found, wanted in zip(together, alone, strict=True):
        assert_same(found, wanted, tolerance=1e-6)
    assert isinstance(shared, engine._UltralyticsEngine)
    assert len(shared._free) <= 4  # they are used again


@pytest.mark.parametrize("form", ["pt", "onnx"])
def test_pictures_of_any_shape_are_looked_at(models: Models, form: str) -> None:
    shared = built(getattr(models, form), min_confidence=0.01)
    rng = np.random.default_rng(0)
    for shape in [(1, 1), (2, 3), (1, 2000), (2000, 1), (96, 96), (541, 959)]:
        image = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
        for view in (image, image[::-1, ::-1]):
            found = shared.detect(view)
            assert ((found.xyxyn >= 0) & (found.xyxyn <= 1)).all()
            assert (found.xyxyn[:, :2] < found.xyxyn[:, 2:]).all()
    images: list[Any] = [np.zeros((9, 9)), np.zeros((0, 9, 3), np.uint8), np.zeros((9, 9, 3), np.float32)]
    for wrong in images:
        with pytest.raises(ValueError, match="want a uint8 image"):
            shared.detect(wrong)


@pytest.mark.parametrize("form", ["pt", "onnx"])
def test_a_stage_follows_its_objects(models: Models, form: str) -> None:
    weights: Path = getattr(models, form)
    stanza = {"kind": "ultralytics", "weights": str(weights), "trusted": True, "names": ["block"]}
    config = objects.Config.model_validate({"kind": "objects", "engine": stanza, "labels": ["block"]})
    stage = plugins.build("detectors.stages", config, None)
    assert stage.models == (f"site@{files.digest(weights)[:12]}",)
    camera = stage.open("cam", "epoch")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    seen: tuple[DetectedObject, ...] = ()
    for n in range(8):
        seen = camera.look(picture(201, shift=n)[0], start + timedelta(seconds=n / 5), ())
    assert {(o.label, o.track_id) for o in seen} == {("block", "epoch:1"), ("block", "epoch:2")}
    truth = picture(201, shift=7)[1]
    boxes = np.array(sorted(o.xyxyn for o in seen), np.float32)
    assert (np.diag(iou(truth, boxes)) > 0.5).all()


def test_what_it_cannot_do_is_said_when_it_starts(models: Models, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"names: the model has no dog, only cat, block"):
        built(models.pt, names=["block", "dog"])
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


@pytest.mark.parametrize(("input_size", "imgsz"), [(128, 128), ([128, 96], [96, 128])])
def test_sizes_may_be_chosen(models: Models, input_size: object, imgsz: object) -> None:
    image = np.asarray(cv2.resize(picture(303)[0], (500, 375)), np.uint8)
    found = built(models.pt, input_size=input_size, min_confidence=0.01).detect(image)
    assert len(found) >= 2
    wanted = said_by_ultralytics(models.package, models.pt, image, conf=0.01, imgsz=imgsz)
    assert_same(found, wanted, tolerance=1e-6)


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
