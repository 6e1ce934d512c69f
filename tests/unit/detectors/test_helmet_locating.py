"""What the head locator learns from, and how the bounds of the stage are chosen from held pictures."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.engines import onnx
from detectors.engines.base import Detections
from detectors.helmets.heads import Head
from detectors.helmets.locator import CELL_PX, CELLS, SQUARE_PX, HeadLocator, peaks
from detectors.helmets.squares import Square
from detectors.training import commands
from detectors.training.bounds import Bounds, Found
from detectors.training.graphs import locator_to_onnx
from detectors.training.locate import VIEWS, Views, fit
from detectors.training.samples import BARE, WORN, Labelled
from detectors.training.scenes import Scene, scenes, target, varied
from detectors.training.stem import PLANES, Stem
from lianfang.errors import ModelError
from tests.unit.detectors import helmets

NEEDS_TORCH = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed (extra train)")
SURE = 6.0


class Bike:
    """An engine that finds one motorcycle, always the same."""

    labels = ("person", "motorcycle")
    model_id = "bike@0"

    def detect(self, image_bgr: NDArray[np.uint8]) -> Detections:
        del image_bgr
        box = np.array([[0.40, 0.45, 0.48, 0.70]], np.float32)
        return Detections(box, np.full(1, 0.5, np.float32), np.ones(1, np.int64))


def read(share: NDArray[np.float32], place: NDArray[np.float32]) -> list[tuple[float, float, float, float]]:
    """Return the peaks that a network would give that says the target exactly."""
    return peaks(np.concatenate([(2 * share[None] - 1) * SURE, place]), 0.9)


def test_the_target_says_where_heads_are_and_how_large() -> None:
    heads = [Head(30, 41, 22), Head(70.5, 33, 14)]
    found = [one[:3] for one in read(*target(heads))]
    for head in heads:
        assert any(one == pytest.approx((head.x, head.y, head.size_px), abs=1e-3) for one in found)
    for x, y, _ in found:
        assert min(np.hypot(x - head.x, y - head.y) for head in heads) < 1e-3, "cells of one head agree"


def test_without_heads_the_target_is_empty_and_a_tiny_head_has_a_cell() -> None:
    assert target([])[0].max() == 0
    share, _ = target([Head(33, 41, 3)])
    assert (share == 1).sum() == 1
    assert share[41 // CELL_PX, 33 // CELL_PX] == 1


def picture(x: float = 440, y: float = 250, size_px: float = 30) -> Labelled:
    image = np.full((600, 1000, 3), 30, np.uint8)
    cv2.circle(image, (int(x), int(y)), int(size_px / 2), (255, 255, 255), -1)
    return Labelled(image, (Head(x, y, size_px), Head(900, 500, 30)), (WORN, BARE), "0")


def test_scenes_are_what_is_above_two_wheelers_with_the_heads_there() -> None:
    first, again = scenes([picture()], [Bike(), Bike()])
    assert (first.square, first.heads) == (again.square, again.heads)
    (head,) = first.heads
    assert first.holds_head
    square = first.square.cut(first.part, SQUARE_PX)
    rows, columns = np.nonzero(square[:, :, 0] > 127)
    x, y = first.square.inside(head.x, head.y, SQUARE_PX)
    assert (columns.mean(), rows.mean()) == pytest.approx((x, y), abs=1.5)
    assert np.ptp(rows) == pytest.approx(head.size_px * SQUARE_PX / first.square.side, abs=4)


def test_a_two_wheeler_with_a_head_far_off_holds_none() -> None:
    (scene,) = scenes([picture(x=440, y=20)] * 5, [Bike()])  # of those without a head one in three
    assert not scene.holds_head


def test_variations_take_the_heads_along() -> None:
    (scene,) = scenes([picture()], [Bike()])
    off = []
    for seed in range(12):
        shown, share, _ = varied(scene, np.random.default_rng(seed))
        grey = shown.mean(axis=2)
        rows, columns = np.nonzero(grey > (grey.min() + grey.max()) / 2)
        cells = np.argwhere(share == 1)
        middle = (cells.mean(axis=0) + 0.5) * CELL_PX
        off.append(np.hypot(*(middle - (rows.mean(), columns.mean()))))
    assert max(off) < 1.2 * CELL_PX
    assert len({round(float(one), 4) for one in off}) == 12


def found(score: float, bare: float | None, truth: int | None, count: int = 1) -> list[Found]:
    return [Found(score, bare, truth)] * count


def test_bounds_keep_the_precision_asked_for() -> None:
    held = [
        *found(0.9, 0.9, BARE, 18),
        *found(0.9, 0.8, WORN, 2),
        *found(0.8, 0.7, WORN, 5),
        *found(0.8, 0.2, WORN, 38),
        *found(0.8, 0.3, BARE, 2),
        *found(0.8, None, WORN, 3),  # too small to be judged
        *found(0.0, None, BARE, 2),  # not found
        *found(0.2, 0.95, None, 60),
    ]
    bounds = Bounds.of(held)
    assert 0.2 < bounds.min_score <= 0.8
    assert bounds.thresholds.bare_from == pytest.approx(0.8)
    assert bounds.thresholds.worn_to == pytest.approx(0.3)
    assert "65 of 70 heads located and judged" in bounds.told(held)
    assert "18 of 20 right, of 22" in bounds.told(held)
    assert "0 others located" in bounds.told(held)


def disc(level: int, holds: bool, group: str) -> Scene:
    """Return a scene with a head, a bright disc, or without any."""
    part = np.full((224, 224, 3), level, np.uint8)
    if holds:
        cv2.circle(part, (112, 100), 11, (255, 255, 255), -1)
    return Scene(part, Square(112, 112, 112), (Head(112, 100, 22),) if holds else (), group)


def test_views_are_what_the_stage_sees_of_variations_with_their_targets() -> None:
    places = [disc(40, True, "0"), disc(60, False, "1"), disc(80, False, "2")]
    views = Views.of(places, helmets.stem(), 1)
    assert views.planes.shape == (VIEWS + 2, PLANES, CELLS, CELLS)
    assert views.holds_head.tolist() == [True] * VIEWS + [False] * 2
    assert views.group.tolist() == [0] * VIEWS + [1, 2]
    for plane, share in zip(views.planes[:, 0], views.share, strict=True):
        if share.any():
            brightest = np.unravel_index(plane.argmax(), plane.shape)
            assert share[brightest] > 0.3, "the disc is seen where the target says"
    assert not views.share[VIEWS:].any()
    again = Views.of(places, helmets.stem(), 1)
    assert (again.planes == views.planes).all()


@NEEDS_TORCH
def test_the_locator_learns_to_find_discs() -> None:
    places = [disc(40 + 10 * i, i % 2 == 0, str(i)) for i in range(8)]
    views = Views.of(places, helmets.stem(), 1)
    arrays = fit(views, views.group >= 0, 60, 1)
    locator = HeadLocator("0" * 64, locator_to_onnx(helmets.stem(), arrays, 0.5))
    maps = locator._maps(np.stack([place.square.cut(place.part, SQUARE_PX) for place in places]))
    best = maps[:, 0].reshape(len(places), -1).max(axis=1)
    assert best[::2].min() > best[1::2].max()
    assert maps.shape == (8, 4, CELLS, CELLS)


@NEEDS_TORCH
def test_the_locator_learns_only_from_what_is_kept() -> None:
    views = Views.of([disc(40, i < 4, str(i)) for i in range(8)], helmets.stem(), 1)
    with pytest.raises(ModelError, match="with labelled heads and some without"):
        fit(views, views.group < 4, 1, 1)


@NEEDS_TORCH
def test_training_from_pictures_gives_both_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    for i in range(12):
        image = picture().image if i % 4 else np.full((600, 1000, 3), 30, np.uint8)
        cv2.imwrite(str(tmp_path / "images" / f"{i:02}.png"), image)
        lines = f"{i % 2} 0.44 0.4167 0.03 0.05\n{1 - i % 2} 0.9 0.8 0.03 0.05" if i % 4 else ""
        (tmp_path / "labels" / f"{i:02}.txt").write_text(lines)
    monkeypatch.setattr(onnx, "build", lambda *_: Bike())
    monkeypatch.setattr(Stem, "of_nanodet", lambda _: helmets.stem())
    monkeypatch.setattr(commands, "verify", lambda *_: tmp_path)
    out = tmp_path / "out"
    assert commands.main(["helmet", "--data", str(tmp_path), "--out", str(out), "--steps", "3"]) == 0
    assert {path.name for path in out.iterdir()} == {
        "head.onnx",
        "helmet-head.json",
        "locator.onnx",
        "helmet-locator.json",
    }
