"""Not this, here: what is held back at a spot, and who is seen there all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.suppression.said import Kind, Suppression
from alerts.suppression.spots import overlap
from lianfang.config import Config
from tests.support.configs import loaded
from tests.support.observations import at, observation, standing
from tests.unit.alerts.test_incidents import A, C, Play, stay
from tests.unit.alerts.test_mutes import played, word

BUOY = (0.5, 0.9)


def dismissal(since: float = 0, spot: tuple[float, float] = BUOY, **keys: object) -> Suppression:
    about: dict[str, Any] = {"rules": ("entry",), "camera": "cam", "label": "person", **keys}
    return word(Kind.DISMISSAL, since, xyxyn=standing(*spot), **about)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return loaded(tmp_path, ("rules.entry.frames", 2))


def test_a_thing_that_was_dismissed_opens_nothing(config: Config) -> None:
    assert played(config, [dismissal()], stay(0, 60, {1: BUOY})).kinds == []


def test_it_is_known_by_its_spot_whatever_number_it_has(config: Config) -> None:
    play = played(config, [dismissal()], [*stay(0, 10, {1: BUOY}), *stay(10, 20, {2: BUOY}, epoch="e2")])
    assert play.kinds == []


def test_its_box_may_jitter(config: Config) -> None:
    jitter = [observation(i / 2, {1: (0.5 + 0.012 * (i % 3), 0.9 - 0.02 * (i % 2))}) for i in range(40)]
    assert played(config, [dismissal()], jitter).kinds == []


@pytest.mark.parametrize(
    "keys",
    [{"rules": ("another",)}, {"camera": "cam2"}, {"label": "boat"}, {"since": 100}, {"spot": (0.6, 0.9)}],
    ids=["another rule", "another camera", "another kind", "later", "another spot"],
)
def test_anything_else_is_seen(config: Config, keys: dict[str, Any]) -> None:
    assert played(config, [dismissal(**keys)], stay(0, 5, {1: BUOY})).kinds == ["opened"]


def test_somebody_beside_it_is_seen(config: Config) -> None:
    play = played(config, [dismissal()], stay(0, 5, {1: BUOY, 2: (0.57, 0.9)}))
    assert play.kinds == ["opened"]
    assert play.only.people == 1


def test_who_walks_through_the_spot_and_stops_there_is_seen(config: Config) -> None:
    walk = [observation(i / 2, {1: (0.3 + 0.02 * i, 0.9)}) for i in range(11)]
    play = played(config, [dismissal()], [*walk, *stay(5.5, 60, {1: BUOY})])
    assert play.kinds == ["opened"]
    assert play.only.occupied


def test_who_came_to_the_spot_before_the_rule_knew_them_is_seen(config: Config) -> None:
    """Outside the zone they are nobody to the rule, and come from elsewhere all the same."""
    outside = [observation(i / 2, {1: (0.1, 0.9)}) for i in range(4)]
    assert played(config, [dismissal()], [*outside, *stay(2, 10, {1: BUOY})]).kinds == ["opened"]


def test_who_loses_their_number_at_the_spot_is_still_seen(config: Config) -> None:
    walk = [observation(i / 2, {1: (0.3 + 0.02 * i, 0.9)}) for i in range(11)]
    play = played(config, [dismissal()], [*walk, *stay(5.5, 10, {1: BUOY}), *stay(11, 60, {2: BUOY})])
    assert play.kinds == ["opened"]
    assert play.only.occupied


def test_who_passes_does_not_make_the_thing_count(config: Config) -> None:
    """The passer hides the thing, which gets another number behind them."""
    passing = [observation(5 + i / 2, {2: (0.3 + 0.02 * i, 0.9)}) for i in range(21)]
    away = [observation(15.5 + i / 2, {2: (0.75, 0.9), 3: BUOY}) for i in range(10)]
    gone = [observation(20.5 + i / 2, {2: (0.1, 0.9), 3: BUOY}) for i in range(10)]
    play = played(config, [dismissal()], [*stay(0, 5, {1: BUOY}), *passing, *away, *gone])
    assert play.kinds == ["opened", "cleared"]
    assert play.only.members_total == 1


def test_a_false_alarm_that_is_dismissed_clears(config: Config) -> None:
    play = played(config, [dismissal(20)], stay(0, 60, {1: BUOY}))
    assert play.changes == [(0.5, "opened"), (21, "cleared")]


def test_lifted_it_is_seen_again(config: Config) -> None:
    lifted = dismissal(lifted_at=at(30), lifted_by="li")
    assert played(config, [lifted], stay(0, 40, {1: BUOY})).changes == [(30, "opened")]


def test_several_spots_on_one_camera(config: Config) -> None:
    both = [dismissal(), dismissal(1, A)]
    assert played(config, both, stay(2, 20, {1: BUOY, 2: A})).kinds == []
    assert played(config, both, stay(2, 20, {1: BUOY, 2: A, 3: C})).kinds == ["opened"]


_STEPS = st.lists(st.tuples(st.floats(0.22, 0.78), st.floats(0.4, 1.0)), min_size=4, max_size=25)


@given(_STEPS)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nobody_who_was_away_from_the_spot_is_ever_held_back(
    config: Config, path: list[tuple[float, float]]
) -> None:
    """However they move afterwards, the zone sees them as it would without the dismissal."""
    events = [
        observation(0, {1: (0.25, 0.4)}),
        *(observation(0.5 + i / 2, {1: p}) for i, p in enumerate(path)),
    ]
    assert played(config, [dismissal()], events).changes == Play(config)(events).changes


_BOX = st.tuples(*[st.floats(0, 0.5)] * 2, *[st.floats(0.51, 1)] * 2)


@given(_BOX, _BOX)
def test_overlap_is_symmetric_and_a_share(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> None:
    assert overlap(one, other) == pytest.approx(overlap(other, one))
    assert 0 <= overlap(one, other) <= 1
    assert overlap(one, one) == pytest.approx(1)
