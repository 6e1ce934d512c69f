"""Two drawn heights, and what follows from them; a kind of zone; stages that want to know of both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.camera import WatchedCamera
from detectors.river.scale import Scale
from detectors.stages.base import CameraStage
from lianfang.clock import ManualClock
from lianfang.config import Camera, ReferenceHeight
from lianfang.errors import ConfigError
from tests.support.configs import loaded
from tests.support.looking import Stage

NEAR = {"foot": [0.5, 0.9], "head_y": 0.5}
FAR = {"foot": [0.3, 0.4], "head_y": 0.25, "height_m": 2.0}


def reference(foot_y: float, height: float, height_m: float = 1.7) -> ReferenceHeight:
    return ReferenceHeight(foot=(0.5, foot_y), head_y=foot_y - height, height_m=height_m)


def test_a_grown_up_is_as_high_as_drawn_and_in_proportion_between() -> None:
    scale = Scale.of([reference(0.9, 0.4), reference(0.5, 0.2)])
    assert scale is not None
    assert scale.adult(0.9) == pytest.approx(0.4)
    assert scale.adult(0.5) == pytest.approx(0.2)
    assert scale.adult(0.7) == pytest.approx(0.3)
    assert scale.adult(0.1) is None, "the horizon"
    assert scale.adult(0.0) is None


def test_what_a_height_stands_for_counts() -> None:
    door, post = reference(0.9, 0.4, 2.0), reference(0.5, 0.1, 1.0)
    scale = Scale.of([door, post])
    assert scale is not None
    assert scale.adult(0.9) == pytest.approx(0.4 / 2.0 * 1.7)
    assert scale.adult(0.5) == pytest.approx(0.1 * 1.7)


def test_nothing_drawn_is_no_scale() -> None:
    assert Scale.of(()) is None


@given(
    horizon=st.floats(-2, 0.3),
    camera_m=st.floats(2, 20),
    feet=st.tuples(st.floats(0.35, 0.6), st.floats(0.66, 1)),
    person=st.floats(0.31, 1),
)
def test_it_is_what_a_level_camera_sees(
    horizon: float, camera_m: float, feet: tuple[float, float], person: float
) -> None:
    # A pinhole camera at ``camera_m`` sees h metres at a foot's y as h * (y - horizon) / camera_m.
    def seen(y: float, height_m: float) -> float:
        return height_m * (y - horizon) / camera_m

    drawn = [
        ReferenceHeight.model_construct(foot=(0.5, y), head_y=y - seen(y, m), height_m=m)
        for y, m in zip(feet, (1.2, 2.1), strict=True)
    ]
    scale = Scale.of(drawn)
    assert scale is not None
    assert scale.adult(person) == pytest.approx(seen(person, 1.7), rel=1e-6)


@pytest.mark.parametrize(
    ("drawn", "at", "allowed"),
    [
        ([NEAR], "", "two heights, or none"),
        ([NEAR, FAR, FAR], "", "two heights, or none"),
        ([NEAR, {**NEAR, "foot": [0.1, 0.92]}], "", "0.05 or more apart"),
        ([NEAR, {**FAR, "head_y": 0.4}], ".1", "a head_y above the foot"),
        ([NEAR, {**FAR, "head_y": 0.5}], ".1", "a head_y above the foot"),
        ([NEAR, {**FAR, "height_m": 0}], ".1.height_m", "greater than 0"),
        ([NEAR, {**FAR, "height_m": -1.7}], ".1.height_m", "greater than 0"),
        ([NEAR, {**FAR, "foot": [0.5, 1.4]}], ".1.foot.1", "less than or equal to 1"),
        # The farther one cannot be the larger one.
        ([NEAR, {**FAR, "head_y": 0.0, "height_m": 0.5}], "", "no smaller at the lower foot"),
    ],
)
def test_heights_that_cannot_be_are_refused(
    tmp_path: Path, drawn: list[dict[str, Any]], at: str, allowed: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, ("cameras.cam.reference_heights", drawn))
    (problem,) = caught.value.problems
    assert problem.key == f"cameras.cam.reference_heights{at}"
    assert allowed in problem.allowed


def test_a_zone_is_bank_or_water_or_neither(tmp_path: Path) -> None:
    assert loaded(tmp_path).cameras["cam"].zones["water"].kind is None
    config = loaded(
        tmp_path, ("cameras.cam.zones.water.kind", "water"), ("cameras.cam.reference_heights", [NEAR, FAR])
    )
    assert config.cameras["cam"].zones["water"].kind == "water"
    assert [one.height_m for one in config.cameras["cam"].reference_heights] == [1.7, 2.0]
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, ("cameras.cam.zones.water.kind", "ice"))
    assert "'bank' or 'water'" in str(caught.value)


class Placed(Stage):
    """Wants what is drawn, and remembers it."""

    def __init__(self, see: Callable[..., Any]) -> None:
        super().__init__(see)
        self.heights: list[tuple[ReferenceHeight, ...]] = []

    def open_at(self, camera: Camera, camera_id: str, track_epoch: str) -> CameraStage:
        self.heights.append(camera.reference_heights)
        return self.open(camera_id, track_epoch)


def test_a_stage_that_wants_what_is_drawn_gets_it_and_others_are_opened_as_before(tmp_path: Path) -> None:
    config = loaded(tmp_path, ("cameras.cam.reference_heights", [NEAR, FAR]))
    camera = config.cameras["cam"].model_copy(update={"detectors": ("plain", "placed")})
    plain, placed = Stage(lambda *_: ()), Placed(lambda *_: ())
    WatchedCamera(
        "cam", camera, {"plain": plain, "placed": placed}, ManualClock(datetime(2026, 7, 1, tzinfo=UTC))
    )
    assert placed.heights == [camera.reference_heights]
    assert plain.opened == placed.opened
    assert [name for name, _ in plain.opened] == ["cam"]
