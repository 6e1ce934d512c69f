from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from alerts.rules import zone_entry
from alerts.zones import StandingRule
from lianfang.config import Config
from tests.support.configs import loaded
from tests.support.observations import observation

IN, OUT = (0.5, 0.9), (0.1, 0.9)


def rule(config: Config) -> StandingRule:
    settings = config.rules["entry"]
    assert isinstance(settings, zone_entry.Config)
    return zone_entry.build(settings, config)


def members_after(
    rule: StandingRule, places: Sequence[tuple[float, float] | None], confidence: float = 0.9
) -> list[int]:
    """Return the number of members after each of the frames in which track 1 stood at ``places``."""
    state, counts = rule.initial(), []
    for i, place in enumerate(places):
        seen = observation(i * 0.2, {} if place is None else {1: place}, confidence=confidence)
        state, sighting = rule.step(state, seen)
        counts.append(len(sighting.members))
    return counts


@pytest.mark.parametrize(
    ("places", "want"),
    [
        # The third frame in a row is the first that counts: not the second, not the fourth.
        ([IN, IN, IN, IN], [0, 0, 1, 1]),
        # One errant box is not an entry.
        ([OUT, IN, OUT, OUT], [0, 0, 0, 0]),
        # Leaving starts the count again.
        ([IN, IN, OUT, IN, IN, IN], [0, 0, 0, 0, 0, 1]),
        # So does an observation without the track.
        ([IN, IN, None, IN, IN, IN], [0, 0, 0, 0, 0, 1]),
        # Feet on the edge of the zone are in it: the picture's lower border, its own left border.
        ([(0.5, 1.0)] * 3, [0, 0, 1]),
        ([(0.2, 0.9)] * 3, [0, 0, 1]),
        # The anchor is the bottom centre: a box that reaches into the zone from above is not in it.
        ([(0.5, 0.19)] * 3, [0, 0, 0]),
    ],
)
def test_frames_in_a_row(tmp_path: Path, places: list[tuple[float, float] | None], want: list[int]) -> None:
    assert members_after(rule(loaded(tmp_path)), places) == want


def test_confidence_below_the_minimum_is_present_but_no_member(tmp_path: Path) -> None:
    state = (entry := rule(loaded(tmp_path))).initial()
    for i in range(5):
        state, sighting = entry.step(state, observation(i, {1: IN}, confidence=0.39))
    assert (len(sighting.members), len(sighting.present)) == (0, 1)
    assert members_after(entry, [IN] * 3, confidence=0.4) == [0, 0, 1]


def test_an_unconfirmed_track_is_present_but_no_member(tmp_path: Path) -> None:
    state = (entry := rule(loaded(tmp_path))).initial()
    for i in range(5):
        state, sighting = entry.step(state, observation(i, {None: IN}))
    assert (len(sighting.members), len(sighting.present)) == (0, 1)


def test_other_labels_do_not_count(tmp_path: Path) -> None:
    state = (entry := rule(loaded(tmp_path))).initial()
    for i in range(5):
        state, sighting = entry.step(state, observation(i, {1: IN}, label="boat"))
    assert not sighting.members
    assert not sighting.present


LEFT, RIGHT = [[0, 0], [0.6, 0], [0.6, 1], [0, 1]], [[0.4, 0], [1, 0], [1, 1], [0.4, 1]]


@pytest.mark.parametrize(
    ("match", "x", "inside"),
    [
        ("any", 0.2, True),
        ("any", 0.8, True),
        ("all", 0.2, False),
        ("all", 0.8, False),
        ("all", 0.5, True),
    ],
)
def test_several_zones_by_an_explicit_operator(tmp_path: Path, match: str, x: float, inside: bool) -> None:
    zones = {"left": {"polygon": LEFT}, "right": {"polygon": RIGHT}}
    config = loaded(
        tmp_path,
        ("cameras.cam.zones", zones),
        ("rules.entry.cameras", ["cam"]),
        ("rules.entry.zones", ["left", "right"]),
        ("rules.entry.match", match),
    )
    assert members_after(rule(config), [(x, 0.5)] * 3)[-1] == int(inside)


def test_a_step_is_pure(tmp_path: Path) -> None:
    entry = rule(loaded(tmp_path))
    state, _ = entry.step(entry.initial(), observation(0, {1: IN}))
    assert entry.step(state, observation(1, {1: IN})) == entry.step(state, observation(1, {1: IN}))
