"""Which weights are used, and that altered ones never are."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from detectors.helmets.classifier import HeadClassifier
from detectors.helmets.heads import Head
from detectors.helmets.weights import LOCATOR, RECEIPT, in_use, packaged, put
from detectors.models.store import verify
from detectors.training.stem import Stem, linear_of, to_onnx, with_linear
from lianfang.errors import ModelError
from tests.unit.detectors import helmets

AT = datetime(2026, 1, 2, tzinfo=UTC)


def put_own(folder: Path, gain: float = 8.0) -> Path:
    return put(helmets.content(gain), folder, "helmet-head-{sha}.onnx", AT, "a test")


def test_the_package_brings_weights_that_run(tmp_path: Path) -> None:
    sha256, content = in_use(tmp_path)
    assert (sha256, content) == packaged()
    assert len(content) < 1_500_000
    classifier = HeadClassifier(sha256, content)
    assert classifier.model_id == f"helmet-head@{sha256[:12]}"
    crops = np.random.default_rng(0).integers(0, 255, (5, 96, 96, 3)).astype(np.uint8)
    together = classifier.bare(crops)
    assert together == pytest.approx([classifier.bare(one[None])[0] for one in crops], abs=1e-5)
    assert classifier.bare(crops[:, :, ::-1]) == pytest.approx(together, abs=1e-5)
    assert classifier.bare(crops[:0]).shape == (0,)


def test_a_site_s_own_come_first_and_the_latest_of_them(tmp_path: Path) -> None:
    first = put_own(tmp_path)
    second = put_own(tmp_path, gain=4.0)
    assert first.read_bytes() == helmets.content(), "what was in use stays"
    assert in_use(tmp_path)[1] == second.read_bytes() == helmets.content(4.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([first.name, second.name, RECEIPT])


@pytest.mark.parametrize("harm", [lambda b: b[:-1], lambda b: b + b"x", lambda b: b[:99] + b"!" + b[100:]])
def test_altered_weights_are_refused_and_not_replaced_by_others(tmp_path: Path, harm: object) -> None:
    path = put_own(tmp_path)
    path.write_bytes(harm(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(ModelError, match=r"expected sha256 [0-9a-f]{64}, found [0-9a-f]{64}; train again"):
        in_use(tmp_path)


def test_missing_weights_and_a_broken_receipt_are_refused(tmp_path: Path) -> None:
    path = put_own(tmp_path)
    path.unlink()
    with pytest.raises(ModelError, match=f"{path.name}: No such file"):
        in_use(tmp_path)
    (tmp_path / RECEIPT).write_text("{}")
    with pytest.raises(ModelError, match="no receipt"):
        in_use(tmp_path)


def test_a_receipt_cannot_point_elsewhere(tmp_path: Path) -> None:
    put_own(tmp_path)
    receipt = tmp_path / RECEIPT
    receipt.write_text(receipt.read_text().replace("helmet-head-", "../helmet-head-"))
    with pytest.raises(ModelError, match="no receipt"):
        in_use(tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="cannot write"):
        put_own(tmp_path / "file")


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08"])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match="not of a head classifier"):
        HeadClassifier("0" * 64, content)


def test_the_score_goes_into_the_file_and_out_of_it() -> None:
    assert np.array_equal(linear_of(helmets.content()).weight, helmets.by_brightness().weight)
    assert with_linear(helmets.content(4.0), helmets.by_brightness(8.0)) == helmets.content(8.0)


def test_both_networks_see_with_the_object_model(tmp_path: Path) -> None:
    try:
        stem = Stem.of_nanodet(verify("nanodet-g"))
    except ModelError as error:
        pytest.skip(str(error))
    _, content = packaged()
    classifier = HeadClassifier("0" * 64, content)
    again = HeadClassifier("0" * 64, to_onnx(stem, linear_of(content), classifier.thresholds))
    crops = np.random.default_rng(1).integers(0, 255, (3, 96, 96, 3)).astype(np.uint8)
    assert classifier.bare(crops) == pytest.approx(again.bare(crops), abs=1e-6)
    locator = onnx.load_from_string(LOCATOR.packaged()[1])
    held = {one.name: one.raw_data for one in locator.graph.initializer}
    assert all(held[one.name] == one.raw_data for one in stem.embedded("squares")[1])
    onnx.save(helper.make_model(helper.make_graph([], "nothing", [], [])), tmp_path / "another.onnx")
    with pytest.raises(ModelError, match="no layer"):
        Stem.of_nanodet(tmp_path / "another.onnx")


def test_bright_is_bare_in_the_classifier_of_these_tests() -> None:
    levels = np.array([0, 127, 255], np.uint8)
    crops = np.broadcast_to(levels[:, None, None, None], (3, 96, 96, 3))
    assert helmets.classifier().bare(crops) == pytest.approx([0, 0.5, 1], abs=0.02)


def test_heads_of_a_picture_are_judged_each_at_its_place() -> None:
    image = np.zeros((200, 400, 3), np.uint8)
    image[:, 200:] = 255
    heads = [Head(100, 100, 30), Head(300, 100, 30), Head(200, 100, 30)]
    dark, bright, between = helmets.classifier().bare_heads(image, heads)
    assert dark < 0.1
    assert bright > 0.9
    assert 0.2 < between < 0.8
    assert helmets.classifier().bare_heads(image, []).shape == (0,)
