"""What the bag head learns from, and that it learns."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from detectors.garbage.bags import INPUT_PX, BagHead
from detectors.training.bag_features import Features, views
from detectors.training.bag_views import Photo, labelled, mirrored, part, plain, varied, without_bags
from detectors.training.bags import from_pictures
from lianfang.errors import ModelError
from tests.unit.detectors.bags import Brightness

NEEDS_TORCH = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed (extra train)")


def photo(folder: Path, number: int = 0, box: tuple[int, int, int, int] = (60, 100, 140, 220)) -> Photo:
    """Return a dark photo of 320 x 240 with one bright bag."""
    folder.mkdir(parents=True, exist_ok=True)
    image = np.full((240, 320, 3), 20, np.uint8)
    image[box[1] : box[3], box[0] : box[2]] = 230
    path = folder / f"{number:04}.png"
    cv2.imwrite(str(path), image)
    return Photo(path, np.array([box], np.float32), held=False)


def bright(square: np.ndarray) -> tuple[float, ...]:
    """Return the box of what is clearly brighter than the rest."""
    grey = cv2.GaussianBlur(square, (5, 5), 0).mean(axis=2)
    rows, columns = np.nonzero(grey > (grey.max() + np.median(grey)) / 2)
    return float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)


def test_the_box_goes_where_the_bag_goes(tmp_path: Path) -> None:
    given = photo(tmp_path)
    whole = plain(given)
    assert whole.bags[0] == pytest.approx(given.bags[0] * INPUT_PX / 320, abs=0.1)
    assert bright(whole.square) == pytest.approx(whole.bags[0], abs=3)
    turned = mirrored(whole)
    assert bright(turned.square) == pytest.approx(turned.bags[0], abs=3)
    random = np.random.default_rng(1)
    seen = [varied(given, random, coarse=False) for _ in range(12)]
    with_bag = [view for view in seen if len(view.bags) and (view.bags[0, 2:] - view.bags[0, :2]).min() > 40]
    assert len(with_bag) >= 6
    for view in with_bag:
        assert bright(view.square) == pytest.approx(view.bags[0], abs=12)
    assert (part(given, random).square.shape) == (INPUT_PX, INPUT_PX, 3)


def test_what_is_cut_off_is_neither_a_bag_nor_none(tmp_path: Path) -> None:
    given = photo(tmp_path)
    random = np.random.default_rng(2)
    seen = [varied(given, random, coarse=True) for _ in range(60)]
    assert any(len(view.unsure) for view in seen)
    assert all(len(view.bags) + len(view.unsure) <= 1 for view in seen)
    assert all(((view.bags >= 0) & (view.bags <= INPUT_PX)).all() for view in seen)


def test_labels_are_read_and_wrong_ones_refused(tmp_path: Path) -> None:
    photo(tmp_path / "images")
    (tmp_path / "labels").mkdir()
    label = tmp_path / "labels" / "0000.txt"
    label.write_text("1 0.5 0.5 0.25 0.5\n\n")
    (read,) = labelled(tmp_path)
    assert read.bags[0] == pytest.approx((120, 60, 200, 180))
    label.write_text("1 0.5 0.5\n")
    with pytest.raises(ModelError, match="allowed: class x y width height"):
        labelled(tmp_path)
    with pytest.raises(ModelError, match="no pictures"):
        without_bags(tmp_path)


def test_what_is_kept_of_the_views_is_read_back(tmp_path: Path) -> None:
    bags, none = (
        [photo(tmp_path / "a")],
        [Photo(photo(tmp_path / "b").path, np.zeros((0, 4), np.float32), True, False)],
    )
    features = Features(tmp_path / "kept")
    assert features.kept() == []
    made = list(views(bags, none, seed=5))
    features.write(made, Brightness())
    kept = features.kept()
    assert [k.row for k in kept] == list(range(len(made))) == list(range(11))
    assert [k.as_it_is for k in kept] == [i in (0, 8) for i in range(11)]
    assert [k.has_bags for k in kept] == [i < 8 for i in range(11)]
    assert [k.held for k in kept] == [i >= 8 for i in range(11)]
    assert kept[1].bags == pytest.approx(made[1][0].bags)
    stages = features.read([1, 0])
    wanted = [Brightness().look(made[row][0].square)[0]["f16"][0] for row in (1, 0)]
    assert stages["f16"] == pytest.approx(np.stack(wanted), abs=1e-3)


@NEEDS_TORCH
def test_training_comes_nearer_to_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures are few, and so is what is tried: it takes seconds."""
    small = {
        "bags.Backbone": lambda _: Brightness(),
        "bags.BATCH": 4,
        "bags.OTHERS_IN_BATCH": 1,
    }
    small |= {"bag_features.VIEWS": 2, "bag_features.PARTS": 1, "bag_views.BLOCK": 3}
    for name, value in small.items():
        monkeypatch.setattr(f"detectors.training.{name}", value)
    (tmp_path / "bags" / "labels").mkdir(parents=True)
    random = np.random.default_rng(0)
    for i in range(21):
        left, top = (int(v) for v in random.integers(10, 120, 2))
        photo(tmp_path / "bags" / "images", i, (left, top, left + 80, top + 100))
        x, y = (left + 40) / 320, (top + 50) / 240
        (tmp_path / "bags" / "labels" / f"{i:04}.txt").write_text(f"0 {x} {y} 0.25 {100 / 240}\n")
    for i in range(41):
        photo(tmp_path / "none", i, (0, 0, 0, 0))
    said: list[str] = []
    content, _ = from_pictures(tmp_path / "bags", tmp_path / "none", None, 40, 0, None, said.append)
    losses = [float(line.split("loss ")[1]) for line in said if line.startswith("step ")]
    assert losses[-1] < losses[0] / 2
    BagHead("0" * 64, content)
