"""What training learns from, what it is compared by, and when new weights take the place of old ones."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.helmets.classifier import HeadClassifier
from detectors.helmets.heads import Head
from detectors.helmets.weights import RECEIPT, in_use, packaged
from detectors.training import helmet
from detectors.training.commands import main
from detectors.training.fit import fit
from detectors.training.measure import average_precision, cut_for_precision, log_loss
from detectors.training.samples import BARE, WORN, Sample, of_crops, of_pictures, varied
from detectors.training.stem import COUNT, Linear
from lianfang.errors import ModelError
from tests.unit.detectors import helmets


def floats(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ("score", "positive", "expected"),
    [
        (floats(0.9, 0.8, 0.2), [True, True, False], 1.0),
        (floats(0.9, 0.8, 0.2), [False, True, True], (1 / 2 + 2 / 3) / 2),
        (floats(0.5, 0.5, 0.5, 0.5), [True, False, False, False], 0.25),  # equal scores rank nothing
        (floats(0.1, 0.9), [True, True], 1.0),
    ],
)
def test_average_precision(score: NDArray[np.float32], positive: list[bool], expected: float) -> None:
    truth = np.array(positive)
    assert average_precision(score, truth) == pytest.approx(expected)
    assert average_precision(score[::-1], truth[::-1]) == pytest.approx(expected)


def test_measures_without_one_class_are_not_a_number() -> None:
    assert np.isnan(average_precision(floats(0.5), np.array([False])))
    assert np.isnan(log_loss(floats(0.5, 0.5), np.array([True, True])))


def test_log_loss_weighs_the_classes_alike() -> None:
    truth = np.array([True] + [False] * 9)
    assert log_loss(np.full(10, 0.5, np.float32), truth) == pytest.approx(np.log(2))
    assert log_loss(floats(0.1, *[0.5] * 9), truth) == pytest.approx((np.log(10) + np.log(2)) / 2)


@pytest.mark.parametrize(
    ("score", "positive", "precision", "cut"),
    [
        (floats(0.9, 0.8, 0.7, 0.6), [True, True, False, True], 0.99, 0.8),
        (floats(0.9, 0.8, 0.7, 0.6), [True, True, False, True], 0.7, 0.6),
        (floats(0.9, 0.8, 0.4), [True, True, True], 0.99, 0.8),  # never under the least
        (floats(0.9, 0.8), [False, False], 0.5, 0.99),
    ],
)
def test_the_cut_that_keeps_a_precision(
    score: NDArray[np.float32], positive: list[bool], precision: float, cut: float
) -> None:
    found = cut_for_precision(score, np.array(positive), precision, least=0.5)
    assert found == pytest.approx(cut, abs=1e-6)


def pictures(folder: Path, lines: str) -> Path:
    for name in ("images", "labels"):
        (folder / name).mkdir()
    for i in range(6):
        cv2.imwrite(str(folder / "images" / f"{i}.png"), np.full((90, 160, 3), i * 20, np.uint8))
        (folder / "labels" / f"{i}.txt").write_text(lines)
    return folder


def test_heads_are_read_from_labelled_pictures(tmp_path: Path) -> None:
    samples = of_pictures(pictures(tmp_path, "0 0.5 0.4 0.1 0.2\n1 0.1 0.4 0.1 0.2"), 3)
    assert [sample.label for sample in samples] == [WORN, BARE] * 6
    assert [sample.group for sample in samples[::2]] == ["0", "0", "1", "1", "2", "2"]
    for i, sample in enumerate(samples):
        assert sample.head.size_px == pytest.approx(18)
        assert (sample.crop() == i // 2 * 20).all()


@pytest.mark.parametrize("lines", ["2 0.5 0.5 0.1 0.1", "0 0.5 0.5", "x 0.5 0.5 0.1 0.1", "0 0.5 0.5 0.1 0"])
def test_labels_that_are_none_are_refused(tmp_path: Path, lines: str) -> None:
    with pytest.raises(ModelError, match=r"0\.txt.*: found .*; allowed: "):
        of_pictures(pictures(tmp_path, lines), 3)


def test_a_folder_without_pictures_or_crops_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no pictures with labels"):
        of_pictures(tmp_path, 3)
    with pytest.raises(ModelError, match="no crops"):
        of_crops(tmp_path)
    (tmp_path / "worn").mkdir()
    (tmp_path / "worn" / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(ModelError, match=r"a\.jpg: no picture"):
        of_crops(tmp_path)


def test_variations_are_crops_and_differ() -> None:
    picture = np.random.default_rng(1).integers(0, 255, (200, 200, 3)).astype(np.uint8)
    sample = Sample(picture, Head(100, 100, 30), BARE, "g")
    seen = {varied(sample, np.random.default_rng(i)).tobytes() for i in range(20)}
    assert len(seen) == 20
    assert {len(one) for one in seen} == {96 * 96 * 3}


def crops(folder: Path, tracks: int = 12, per_track: int = 2) -> Path:
    """Write crops of which the bare ones are bright and the worn ones dark."""
    random = np.random.default_rng(3)
    for name, level in (("worn", 40), ("bare", 215)):
        (folder / name).mkdir(parents=True)
        for track in range(tracks):
            for n in range(per_track):
                noise = random.normal(0, 15, (80, 80, 3))
                square = np.clip(level + noise, 0, 255).astype(np.uint8)
                cv2.imwrite(str(folder / name / f"cam.{track}_{n}.png"), square)
    return folder


def trained(monkeypatch: pytest.MonkeyPatch, linear: Linear) -> list[Sample]:
    """Let training give this score; return what it is given."""
    given: list[Sample] = []

    def features(_: HeadClassifier, samples: list[Sample], __: int) -> NDArray[np.float32]:
        given.extend(samples)
        return np.zeros((0, 0), np.float32)

    def fit(*_: object) -> Linear:
        return linear

    monkeypatch.setattr(helmet, "features", features)
    monkeypatch.setattr(helmet, "fit", fit)
    return given


def own(monkeypatch: pytest.MonkeyPatch, gain: float) -> None:
    """Let the weights in use be those of these tests."""
    monkeypatch.setattr(helmet, "in_use", lambda _: ("0" * 64, helmets.content(gain)))


def command(folder: Path, models_dir: Path, *more: str) -> int:
    return main(["helmet", "--crops", str(folder), "--models-dir", str(models_dir), *more])


def test_better_weights_take_the_place_of_the_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own(monkeypatch, -8.0)  # takes dark for bare
    given = trained(monkeypatch, helmets.by_brightness())
    assert command(crops(tmp_path / "crops"), tmp_path / "models") == 0
    _, content = in_use(tmp_path / "models")
    assert content == helmets.content()
    # Three tenths of the tracks, whole, were held.
    assert len(given) == 2 * (12 - 4) * 2
    assert len({(sample.label, sample.group) for sample in given}) == 2 * (12 - 4)


@pytest.mark.parametrize("gain", [-8.0, 8.0, 6.0], ids=["worse", "the same", "less sure"])
def test_weights_that_are_not_better_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], gain: float
) -> None:
    own(monkeypatch, 8.0)
    trained(monkeypatch, helmets.by_brightness(gain))
    assert command(crops(tmp_path / "crops"), tmp_path / "models") == 1
    assert not (tmp_path / "models" / RECEIPT).exists()
    said = capsys.readouterr().out
    assert "not better: the weights in use stay" in said
    assert "in use (helmet-head@000000000000): AP of bare 1.000" in said


def test_too_few_tracks_to_compare_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own(monkeypatch, 8.0)
    assert command(crops(tmp_path / "crops", tracks=5, per_track=9), tmp_path / "models") == 2
    assert "5 tracks in worn/: want 10 or more of each" in capsys.readouterr().err


def test_without_torch_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    data = pictures(tmp_path, "0 0.5 0.4 0.1 0.2\n1 0.1 0.4 0.1 0.2")
    assert main(["helmet", "--data", str(data)]) == 2
    assert capsys.readouterr().err == "training needs torch: pip install 'lianfang[train]'\n"


def test_training_learns_from_crops_and_is_repeatable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own(monkeypatch, 1.0)  # hardly tells them apart
    folder = crops(tmp_path / "crops")
    assert command(folder, tmp_path / "a") == 0
    assert command(folder, tmp_path / "b") == 0
    first, again = in_use(tmp_path / "a"), in_use(tmp_path / "b")
    assert first == again
    assert first != packaged()


def test_the_score_tells_the_classes_apart_and_is_drawn_to_where_it_starts() -> None:
    random = np.random.default_rng(2)
    bare = np.arange(60) % 3 == 0
    seen = random.normal(0, 1, (60, COUNT)).astype(np.float32)
    seen[:, 5] += 2 * bare
    linear = fit(seen, bare)
    score = seen @ linear.weight + linear.bias
    assert score[bare].min() > score[~bare].max()
    assert np.argmax(linear.weight) == 5
    start = Linear(np.ones(COUNT, np.float32), 0.5)
    again = fit(seen, bare, start)
    assert abs(again.weight - start.weight).max() < 0.5
    with pytest.raises(ModelError, match="both classes"):
        fit(seen[bare], bare[bare])
