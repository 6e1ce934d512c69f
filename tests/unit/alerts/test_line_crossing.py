"""Lines: crossed to one side, by feet that were clearly on the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from alerts.rules import line_crossing
from alerts.rules.line_crossing import LineCrossing
from lianfang.config import Config
from lianfang.errors import ConfigError
from tests.support.configs import loaded
from tests.support.observations import HEIGHT, observation

# From the top down in the middle of the picture: looking along it, what is left in the picture is its right.
LINE = {"start": [0.5, 0.2], "end": [0.5, 0.95], "zone": "water"}
EAST, WEST = (0.6, 0.8), (0.4, 0.8)


def config(folder: Path, **keys: object) -> Config:
    stanza = {
        "kind": "line_crossing",
        "name": "越线",
        "cameras": ["cam"],
        "lines": ["edge"],
        "direction": "to_right",
        "hold_s": 5,
        **keys,
    }
    return loaded(folder, ("cameras.cam.lines", {"edge": LINE}), ("rules.entry", stanza))


def build(config: Config) -> LineCrossing:
    settings = config.rules["entry"]
    assert isinstance(settings, line_crossing.Config)
    return line_crossing.build(settings, config)


def crossed(
    rule: LineCrossing, places: Sequence[tuple[float, float] | None], confidence: float = 0.9
) -> list[int]:
    """Return the number of members in each second in which track 1 stood at ``places``."""
    state, found = rule.initial(), []
    for t, place in enumerate(places):
        seen = observation(t, {} if place is None else {1: place}, confidence=confidence)
        state, sighting = rule.step(state, seen)
        found.append(len(sighting.members))
    return found


@pytest.mark.parametrize(
    ("direction", "places", "want"),
    [
        ("to_right", [EAST, WEST], [0, 1]),
        ("to_right", [WEST, EAST], [0, 0]),
        ("to_left", [WEST, EAST], [0, 1]),
        ("to_left", [EAST, WEST], [0, 0]),
        ("both", [EAST, WEST, EAST], [0, 1, 1]),
        # On the line is on neither side: who walks along it, or turns round on it, has not crossed.
        ("to_right", [EAST, (0.49, 0.8), (0.51, 0.8), EAST], [0, 0, 0, 0]),
        ("to_right", [EAST, (0.5, 0.8), WEST], [0, 0, 1]),
        # Who was never seen on the other side has not crossed.
        ("to_right", [WEST, WEST], [0, 0]),
        # Nor who walked round its end.
        ("to_right", [EAST, (0.6, 0.1), (0.4, 0.1), WEST], [0, 0, 0, 0]),
        # Hidden while crossing.
        ("to_right", [EAST, None, None, WEST], [0, 0, 0, 1]),
        # There for five seconds, unless they go back.
        ("to_right", [EAST] + [WEST] * 8, [0, 1, 1, 1, 1, 1, 1, 0, 0]),
        ("to_right", [EAST, WEST, EAST], [0, 1, 0]),
    ],
)
def test_crossing(
    tmp_path: Path, direction: str, places: list[tuple[float, float] | None], want: list[int]
) -> None:
    assert crossed(build(config(tmp_path, direction=direction)), places) == want


def test_the_margin_is_a_share_of_the_persons_height(tmp_path: Path) -> None:
    """In a picture of 640 x 360 px the person is 72 px high, and .1 of them are 7.2 px, .01125 of 640."""
    assert HEIGHT * 360 == 72
    rule = build(config(tmp_path))
    assert crossed(rule, [EAST, (0.5 - 0.0112, 0.8)]) == [0, 0]
    assert crossed(rule, [EAST, (0.5 - 0.0114, 0.8)]) == [0, 1]


def test_who_is_not_sure_does_not_cross(tmp_path: Path) -> None:
    assert crossed(build(config(tmp_path)), [EAST, WEST], confidence=0.39) == [0, 0]


def test_after_a_while_out_of_sight_a_track_is_another(tmp_path: Path) -> None:
    assert crossed(build(config(tmp_path)), [EAST, *[None] * 10, WEST])[-1] == 0


def test_the_incident_is_at_the_zone_of_the_line(tmp_path: Path) -> None:
    rule = build(config(tmp_path))
    state, _ = rule.step(rule.initial(), observation(0, {1: EAST}))
    state, sighting = rule.step(state, observation(1, {1: WEST}))
    assert [m.zone for m in sighting.members] == ["water"]
    assert rule.renumbered(state) == rule.initial()


@pytest.mark.parametrize(
    ("keys", "line", "message"),
    [
        ({"lines": ["kerb"]}, LINE, "found 'kerb'; allowed: a line of camera cam: edge"),
        ({"labels": ["dog"]}, LINE, "a label that the detectors of camera cam give: boat, person"),
        ({}, {**LINE, "zone": "lawn"}, "cameras.cam.lines.edge.zone: found 'lawn'; allowed: one of water"),
        ({}, {**LINE, "end": LINE["start"]}, "an 'end' that is not its 'start'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, keys: dict[str, object], line: object, message: str) -> None:
    stanza = {
        "kind": "line_crossing",
        "name": "越线",
        "cameras": ["cam"],
        "lines": ["edge"],
        "direction": "both",
        **keys,
    }
    with pytest.raises(ConfigError, match=message):
        loaded(tmp_path, ("cameras.cam.lines", {"edge": line}), ("rules.entry", stanza))
