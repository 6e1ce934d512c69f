"""Crowds: so many at once, with hysteresis and for a while."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from alerts.rules import crowd
from alerts.rules.crowd import Crowd
from lianfang.config import Config
from lianfang.errors import ConfigError
from lianfang.events import Observation
from tests.support.configs import loaded
from tests.support.observations import observation
from tests.unit.alerts.test_incidents import Play


def config(folder: Path, **keys: object) -> Config:
    stanza = {
        "kind": "crowd",
        "name": "人群聚集",
        "cameras": ["cam"],
        "zones": ["water"],
        "at_least": 5,
        "until": 3,
        "for_s": 2,
        **keys,
    }
    return loaded(folder, ("rules.entry", stanza))


def people(count: int) -> dict[str | int | None, tuple[float, float]]:
    return {n: (0.25 + 0.05 * n, 0.9) for n in range(count)}


def counts(script: Iterable[int], epoch: str = "e1", start: int = 0) -> list[Observation]:
    """Return an observation a second, with so many people in the zone."""
    return [observation(start + t, people(n), epoch=epoch) for t, n in enumerate(script)]


def members(rule: Crowd, observations: Iterable[Observation]) -> list[int]:
    state, found = rule.initial(), []
    for seen in observations:
        state, sighting = rule.step(state, seen)
        found.append(len(sighting.members))
    return found


@pytest.fixture
def rule(tmp_path: Path) -> Crowd:
    loaded_config = config(tmp_path)
    settings = loaded_config.rules["entry"]
    assert isinstance(settings, crowd.Config)
    return crowd.build(settings, loaded_config)


@pytest.mark.parametrize(
    ("script", "want"),
    [
        ([5, 5, 5, 6], [0, 0, 5, 6]),  # two seconds of five make a crowd
        ([4] * 5, [0] * 5),
        ([5, 5, 4, 5, 5, 5], [0, 0, 0, 0, 0, 5]),  # not in a row: it begins anew
        ([5, 5, 5, 4, 4, 4, 4], [0, 0, 5, 4, 4, 4, 4]),  # four are too few to begin, and enough to go on
        ([5, 5, 5, 3, 3, 3, 5], [0, 0, 5, 3, 3, 0, 0]),  # two seconds of three end it
        ([5, 5, 5, 3, 4, 3, 3, 3], [0, 0, 5, 3, 4, 3, 3, 0]),
    ],
)
def test_hysteresis(rule: Crowd, script: list[int], want: list[int]) -> None:
    assert members(rule, counts(script)) == want


def test_without_a_crowd_nobody_is_there(rule: Crowd) -> None:
    _, sighting = rule.step(rule.initial(), observation(0, people(4)))
    assert (sighting.members, sighting.present) == ((), ())
    assert len(sighting.elsewhere) == 4


def test_one_alert_for_each_time_it_is_crowded(tmp_path: Path) -> None:
    play = Play(config(tmp_path, join_s=10))
    play(counts([5] * 20 + [4] * 20 + [3] * 30 + [5] * 10))
    assert play.changes == [(2, "opened"), (44, "cleared"), (51, "ended"), (72, "opened")]


def test_a_crowd_remains_one_when_the_detector_is_started_anew(tmp_path: Path) -> None:
    play = Play(config(tmp_path))
    play([*counts([5] * 5), *counts([5] * 10, epoch="e2", start=7)])
    assert play.kinds == ["opened"]


def test_it_must_end_below_where_it_begins(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'until' below 'at_least', which is 5"):
        config(tmp_path, until=5)
    assert crowd.Config(kind="crowd", name="x", cameras=("cam",), zones=("water",), at_least=10).over_at == 8
