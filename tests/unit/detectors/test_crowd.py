"""Crowds: counted per zone, smoothed over time, begun and ended at different counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from detectors.stages.crowd import LABEL, WHOLE, CameraCrowds, Config, build
from lianfang.config import Camera
from lianfang.errors import ConfigError
from lianfang.events import DetectedObject
from tests.support.configs import SQUARE, loaded

START = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
PICTURE = np.zeros((36, 64, 3), np.uint8)
LEFT = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]
# The lower middle of its bounds is outside it.
TENT = [[0.6, 1], [0.7, 0.2], [0.9, 0.2], [1, 1], [0.85, 0.5], [0.75, 0.5]]


def opened(zones: dict[str, Any] | None = None, **keys: object) -> CameraCrowds:
    settings = {"kind": "crowd", "at_least": 5, "window_s": 4, "zones": list(zones or {}), **keys}
    stage = build(Config.model_validate(settings), None)
    assert stage.models == ()
    if zones is None:
        return stage.open("cam", "e")
    camera = Camera.model_validate(
        {
            "name": "c",
            "point": "bank",
            "source": {"kind": "rtsp", "url": "rtsp://127.0.0.1/a"},
            "zones": {name: {"polygon": polygon} for name, polygon in zones.items()},
        }
    )
    return stage.open_at(camera, "cam", "e")


def people(count: int, x: float = 0.25, *, label: str = "person", first: int = 1) -> list[DetectedObject]:
    box = (x - 0.02, 0.3, x + 0.02, 0.6)
    return [
        DetectedObject(track_id=f"e:{n}", label=label, confidence=0.5, xyxyn=box)
        for n in range(first, first + count)
    ]


def play(
    camera: CameraCrowds,
    scene: Callable[[float], list[DetectedObject]],
    to_s: float,
    from_s: float = 0.0,
    fps: float = 2.0,
) -> dict[float, list[DetectedObject]]:
    """Return the crowds at each time."""
    found = {}
    for i in range(round((to_s - from_s) * fps) + 1):
        t = from_s + i / fps
        objects = tuple(scene(t))
        told = camera.look(PICTURE, START + timedelta(seconds=t), objects)
        assert told[: len(objects)] == objects
        found[t] = list(told[len(objects) :])
    return found


def crowded(found: dict[float, list[DetectedObject]]) -> list[float]:
    return [t for t, crowds in found.items() if crowds]


@pytest.mark.parametrize("fps", [0.5, 2.0, 10.0])
def test_a_crowd_begins_and_ends_after_half_a_window_of_it(fps: float) -> None:
    found = play(opened(), lambda t: people(6 if 20 <= t < 40 else 1), 60, fps=fps)
    times = crowded(found)
    assert times[0] == pytest.approx(22, abs=2 / fps)
    assert times[-1] == pytest.approx(42, abs=2 / fps)
    assert len(times) == pytest.approx(20 * fps, abs=2)
    (crowd,) = found[times[0]]
    assert (crowd.label, crowd.track_id, crowd.xyxyn) == (LABEL, f"e:{LABEL}1", WHOLE)
    assert crowd.attributes == {"count": 6, "zone": None}
    assert crowd.confidence == pytest.approx(0.6)


def test_a_model_that_sees_some_only_now_and_then_changes_nothing() -> None:
    steady = play(opened(), lambda t: people(2 if round(t) % 5 == 0 else 6), 60)
    assert crowded(steady) == [t for t in steady if t >= 4]
    assert crowded(play(opened(), lambda t: people(7 if round(t) % 5 == 0 else 2), 60)) == []


def test_what_holds_a_crowd_together_does_not_make_one() -> None:
    # It begins at 5 and is over at 4, or at what is configured.
    def scene(t: float) -> list[DetectedObject]:
        return people(4 if t < 10 else 5 if t < 20 else 4 if t < 30 else 3)

    assert crowded(play(opened(), scene, 50))[-1] == pytest.approx(22, abs=0.5)
    lasting = crowded(play(opened(until=3), scene, 50))
    assert lasting[0] == pytest.approx(12, abs=0.5)
    assert lasting[-1] == pytest.approx(32, abs=0.5)
    assert crowded(play(opened(until=3), lambda _t: people(4), 50)) == []


def test_each_zone_is_counted_for_itself_by_where_feet_stand() -> None:
    camera = opened({"left": LEFT, "tent": TENT})
    found = play(camera, lambda _t: [*people(6, 0.25), *people(4, 0.95, first=20)], 10)
    assert [crowd.attributes for crowd in found[10.0]] == [{"count": 6, "zone": "left"}]
    # Eight in both together are no crowd in either.
    camera = opened({"left": LEFT, "tent": TENT})
    assert crowded(play(camera, lambda _t: [*people(4, 0.25), *people(4, 0.7, first=20)], 10)) == []


def test_both_zones_may_be_crowded_and_rules_find_each_where_it_is() -> None:
    camera = opened({"left": LEFT, "tent": TENT})
    found = play(camera, lambda _t: [*people(6, 0.25), *people(9, 0.68, first=20)], 10)
    crowds = {crowd.attributes["zone"]: crowd for crowd in found[10.0]}
    assert {name: crowd.attributes["count"] for name, crowd in crowds.items()} == {"left": 6, "tent": 9}
    assert len({crowd.track_id for crowd in crowds.values()}) == 2
    for name, polygon in (("left", LEFT), ("tent", TENT)):
        x_min, _, x_max, y_max = crowds[name].xyxyn
        assert shapely.intersects_xy(shapely.Polygon(polygon), (x_min + x_max) / 2, y_max)
        assert x_max > x_min


def test_only_people_whom_the_tracker_knows_are_counted() -> None:
    unknown = [o.model_copy(update={"track_id": None}) for o in people(9)]
    assert crowded(play(opened(), lambda _t: unknown, 20)) == []
    assert crowded(play(opened(), lambda _t: people(9, label="car"), 20)) == []
    assert crowded(play(opened(people=["car"]), lambda _t: people(9, label="car"), 20))


def test_a_second_crowd_has_a_number_of_its_own() -> None:
    found = play(opened(), lambda t: people(6 if t % 40 < 20 else 0), 70)
    numbers = dict.fromkeys(crowds[0].track_id for crowds in found.values() if crowds)
    assert list(numbers) == [f"e:{LABEL}1", f"e:{LABEL}2"]


def test_time_without_pictures_does_not_count_and_ends_what_was() -> None:
    camera = opened()
    assert crowded(play(camera, lambda _t: people(6), 10))
    later = play(camera, lambda _t: people(6), 30, from_s=20)
    assert crowded(later)[0] == 24


@settings(max_examples=30, deadline=None)
@given(
    counts=st.lists(st.integers(0, 12), min_size=1, max_size=40),
    steps=st.lists(st.sampled_from([0.2, 1.0, 3.0, 9.0]), min_size=40, max_size=40),
)
def test_played_again_it_says_the_same(counts: list[int], steps: list[float]) -> None:
    runs: list[list[tuple[DetectedObject, ...]]] = []
    for _ in range(2):
        camera, at = opened({"left": LEFT}), START
        told = []
        for count, step_s in zip(counts, steps, strict=False):
            at += timedelta(seconds=step_s)
            told.append(camera.look(PICTURE, at, tuple(people(count))))
        runs.append(told)
    assert runs[0] == runs[1]
    assert all(len(told) <= count + 1 for count, told in zip(counts, runs[0], strict=True))


def test_over_is_below_begun() -> None:
    assert Config(kind="crowd", at_least=5, until=4).labels == (LABEL,)
    with pytest.raises(ValidationError, match="'until' below 'at_least', which is 5"):
        Config(kind="crowd", at_least=5, until=5)


@pytest.mark.parametrize(
    ("changes", "key", "found"),
    [
        ([("detectors.crowd.zones", ["square"])], "detectors.crowd.zones.0", "'square'"),
        ([("cameras.cam.detectors", ["crowd", "objects"])], "detectors.crowd.people", "['person']"),
    ],
)
def test_a_camera_that_cannot_use_it_is_refused(
    tmp_path: Path, changes: list[tuple[str, Any]], key: str, found: str
) -> None:
    good: list[tuple[str, Any]] = [
        ("detectors.crowd", {"kind": "crowd", "zones": ["water"]}),
        ("cameras.cam.detectors", ["objects", "crowd"]),
        ("cameras.cam.zones.path", {"polygon": SQUARE}),
        ("rules.entry.cameras", ["cam"]),
        ("rules.entry.labels", [LABEL]),
    ]
    assert isinstance(loaded(tmp_path, *good).detectors["crowd"], Config)
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, *good, *changes)
    assert (key, found) in [(problem.key, problem.found) for problem in caught.value.problems]
