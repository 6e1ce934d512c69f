"""The bag head: what its cells mean, where its boxes lie, and which weights are taken."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from detectors.engines.base import Detections
from detectors.garbage.bags import BACKBONE, WEIGHTS, BagHead, decode, in_use
from detectors.models.manifest import entry
from detectors.models.store import default_cache_dir, model_path
from detectors.training.bag_network import BagNetwork, to_onnx
from detectors.training.network import torch
from lianfang.errors import ModelError
from tests.unit.detectors import bags


def test_a_cell_says_how_far_the_sides_are_from_its_middle() -> None:
    cells = np.full((5, 4, 6), -9, np.float32)
    cells[:, 2, 3] = (0, np.log(1), np.log(2), np.log(3), np.log(0.5))
    xyxy, confidence = decode(cells, 0.3)
    assert xyxy == pytest.approx(np.array([[56 - 16, 40 - 32, 56 + 48, 40 + 8]]))
    assert confidence == pytest.approx([0.5])


@pytest.mark.parametrize(("height", "width"), [(416, 416), (208, 416), (1248, 832), (208, 104)])
def test_a_bag_is_found_where_it_is_in_a_picture_of_any_shape(height: int, width: int) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    cell = 16 * max(height, width) / 416  # what 16 pixels of the input are
    rows, columns = (slice(round(cell * n), round(cell * (n + 1))) for n in (8, 4))
    image[rows, columns] = 255
    found = bags.finder().find(image, 0.5)
    assert len(found) == 1
    box = found.xyxyn[0] * (width, height, width, height) / cell
    assert box == pytest.approx([max(4.5 - 2, 0), 8.5 - 2, min(4.5 + 2, width / cell), 8.5 + 2], abs=0.1)


def test_what_the_object_model_knows_is_less_of_a_bag() -> None:
    image = np.zeros((416, 416, 3), np.uint8)
    image[128:144, 64:80] = 255
    box = np.array([[40, 104, 104, 168]], np.float32) / 416
    alone = bags.finder().find(image, 0.5)
    for at, factor in ((box, 0.4), (box + np.float32(0.3), 1.0)):
        others = Detections(at.astype(np.float32), np.array([0.6], np.float32), np.array([5]))
        found = bags.finder(others).find(image, 0.1)
        assert found.confidence == pytest.approx(alone.confidence * factor)


@pytest.mark.parametrize("harm", [b"", b"no model", bags.content()[:-9]])
def test_what_is_no_bag_head_is_refused(harm: bytes) -> None:
    with pytest.raises(ModelError, match="not of a bag head"):
        BagHead("1" * 64, harm)


def test_weights_for_another_backbone_are_refused() -> None:
    with pytest.raises(ModelError, match=f"trained on another {BACKBONE}"):
        BagHead("1" * 64, to_onnx(bags.arrays(), bags.THRESHOLDS, "2" * 64))


def test_the_package_brings_weights_for_the_model_of_the_manifest(tmp_path: Path) -> None:
    sha256, content = WEIGHTS.in_use(tmp_path)
    assert (sha256, content) == WEIGHTS.packaged()
    assert len(content) < 2_000_000
    head = BagHead(sha256, content)
    assert 0 < head.thresholds.other_to < head.thresholds.bag_from < 1


def test_without_the_object_model_it_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"lianfang models install {BACKBONE}"):
        in_use(tmp_path)


def test_nothing_in_a_grey_picture_is_a_bag() -> None:
    if not model_path(BACKBONE, default_cache_dir()).is_file():
        pytest.skip(f"{BACKBONE} is not installed")
    finder = in_use(None)
    grey = np.full((300, 400, 3), 120, np.uint8)
    assert len(finder.find(grey, finder.thresholds.bag_from)) == 0


@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed (extra train)")
def test_the_file_computes_what_was_trained() -> None:
    package = torch()
    package.manual_seed(3)
    network = BagNetwork()
    for name in ("joined", "norm0", "norm3"):
        network.modules[name].running_mean.normal_()
        network.modules[name].running_var.uniform_(0.5, 2)
    random = np.random.default_rng(3)
    features = {
        name: random.normal(0, 1, (1, channels, 104 // step, 208 // step)).astype(np.float32)
        for name, channels, step in (("f8", 128, 2), ("f16", 256, 4), ("f32", 512, 8))
    }
    network.modules.eval()
    with package.no_grad():
        wanted = network.cells({name: package.from_numpy(a) for name, a in features.items()})[0].numpy()
    content = to_onnx(network.arrays(), bags.THRESHOLDS, entry(BACKBONE).onnx_sha256)
    xyxy, confidence = BagHead("3" * 64, content).boxes(features, 0.0)
    in_order, _ = decode(wanted, 0.0)
    assert len(xyxy) > 10
    nearest = np.abs(xyxy[:, None] - in_order[None]).max(axis=2).min(axis=1)
    assert nearest.max() < 0.5
    assert confidence.max() == pytest.approx(1 / (1 + np.exp(-wanted[0].max())), abs=1e-3)
