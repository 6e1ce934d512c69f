"""Rules about those who have an attribute, which a stage must give: a bare head, a person in the water."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lianfang.config import Config
from lianfang.errors import ConfigError
from lianfang.events import Observation
from tests.support.configs import RIVER, loaded
from tests.support.observations import observation
from tests.unit.alerts.test_incidents import A, Play

BARE, WORN, UNKNOWN = {"helmet": "bare"}, {"helmet": "worn"}, {"helmet": "unknown"}


RIDERS = {"kind": "objects", "engine": {"kind": "onnx"}, "labels": ["person", "bicycle", "motorcycle"]}


def config(folder: Path, having: dict[str, list[Any]]) -> Config:
    return loaded(
        folder,
        *RIVER,
        ("detectors.objects", RIDERS),
        ("detectors.heads", {"kind": "helmet"}),
        ("cameras.cam.detectors", ["objects", "heads", "river"]),
        ("rules.entry.cameras", ["cam"]),
        ("rules.entry.having", having),
    )


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(config(tmp_path, {"helmet": ["bare"]}))


def riding(start: int, end: int, helmet: dict[str, str], track: int = 1) -> list[Observation]:
    return [observation(t, {track: A}, attributes=helmet) for t in range(start, end)]


def test_who_has_it_counts(play: Play) -> None:
    assert play(riding(0, 10, BARE)).changes == [(2, "opened")]


@pytest.mark.parametrize("attributes", [WORN, UNKNOWN, {}, {"helmet_confidence": 0.9}])
def test_who_has_it_not_does_not(play: Play, attributes: dict[str, str]) -> None:
    assert play(riding(0, 10, attributes)).changes == []


def test_frames_count_in_a_row(play: Play) -> None:
    play([*riding(0, 2, BARE), *riding(2, 3, UNKNOWN), *riding(3, 6, BARE)])
    assert play.changes == [(5, "opened")]


def test_who_is_unknown_for_a_while_is_still_there(play: Play) -> None:
    assert play([*riding(0, 5, BARE), *riding(5, 30, UNKNOWN)]).kinds == ["opened"]


def test_who_has_put_it_on_is_there_no_more(play: Play) -> None:
    assert play([*riding(0, 5, BARE), *riding(5, 10, WORN)]).changes == [(2, "opened"), (7, "cleared")]


def test_another_who_has_it_not_is_not_taken_for_who_had_it(play: Play) -> None:
    """The bare rider goes out of sight, and one with a helmet stands at the same spot a second later."""
    assert play([*riding(0, 5, BARE), *riding(5, 10, WORN, track=2)]).kinds == ["opened", "cleared"]


def test_one_of_two_values_is_enough(tmp_path: Path) -> None:
    play = Play(config(tmp_path, {"in_water": [True], "helmet": ["bare", "unknown"]}))
    in_water = [observation(t, {1: A}, attributes={"in_water": True, **UNKNOWN}) for t in range(5)]
    dry = [observation(t, {1: A}, attributes={"in_water": False, **BARE}) for t in range(5, 10)]
    assert play([*in_water, *dry]).kinds == ["opened", "cleared"]


REFUSED = [
    # An attribute that no stage gives: a word that is misspelt, a stage that is missing.
    (
        {"in_watr": [True]},
        "having: found 'in_watr'; allowed: an attribute that the detectors of camera cam give:",
    ),
    ({"bag": [True]}, "having: found 'bag'; allowed: .* alone, child_size, helmet, in_water, still"),
    # A value that it never has.
    ({"helmet": ["bare", "off"]}, r"having.helmet.1: found 'off'; allowed: one of bare, unknown, worn"),
    ({"in_water": ["yes"]}, r"having.in_water.0: found 'yes'; allowed: one of false, true"),
]


@pytest.mark.parametrize(("having", "says"), REFUSED)
def test_what_no_stage_says_is_refused(tmp_path: Path, having: dict[str, list[Any]], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        config(tmp_path, having)


def test_each_camera_must_say_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="camera cam2 give: none: no stage there says any"):
        loaded(tmp_path, *RIVER, ("rules.entry.having", {"in_water": [True]}))
