"""Another configuration while people are watched: what goes on, what begins anew, what is raised."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.pipeline.decide import Decider, Decision
from alerts.pipeline.rulebook import RuleBook
from lianfang.config.profiles import EVERYDAY, in_profile
from lianfang.events import Observation
from tests.support.configs import BASE, changed, loaded, write
from tests.support.observations import observation
from tests.unit.alerts.test_incidents import A, Play, stay

LEFT = [[0.2, 0.2], [0.5, 0.2], [0.5, 1.0], [0.2, 1.0]]
RIGHT = [[0.5, 0.2], [0.8, 0.2], [0.8, 1.0], [0.5, 1.0]]
LINGER: dict[str, Any] = {
    "kind": "loitering",
    "name": "逗留",
    "cameras": ["cam", "cam2"],
    "zones": ["water"],
    "dwell_s": 20,
}


def book(folder: Path, *changes: tuple[str, Any], version: str = "") -> RuleBook:
    """Return the rules of the base configuration with loitering for 20 s beside entry."""
    return RuleBook(loaded(folder, ("rules.linger", dict(LINGER)), *changes), version)


# What is said, to whom, how urgent it is and when it applies changes nothing of what was counted.
@pytest.mark.parametrize(
    "change",
    [
        ("rules.linger.severity", "critical"),
        ("rules.linger.speech", {"text": "请离开"}),
        ("rules.linger.active", {"windows": [{"begin": "00:00", "end": "24:00"}]}),
        ("rules.linger.join_s", 5),
        ("rules.linger.cameras", ["cam"]),
        ("rules.entry.frames", 9),
        ("rules.entry.enabled", False),
        ("cameras.cam.zones.other", {"polygon": LEFT}),
        ("cameras.cam.zones.water.name", "岸"),
        ("cameras.cam2.zones.water.polygon", LEFT),
    ],
)
def test_a_stay_goes_on_where_the_rule_counts_as_before(tmp_path: Path, change: tuple[str, Any]) -> None:
    play = Play(loaded(tmp_path, ("rules.linger", LINGER)))(stay(0, 15, {1: A}))
    play.decider.follow(book(tmp_path, change))
    play(stay(15, 25, {1: A}))
    opened = [i for i in play.incidents.values() if i.rule == "linger"]
    assert [(i.opened_at - stay(0, 1, {})[0].captured_at).total_seconds() for i in opened] == [20]


@pytest.mark.parametrize(
    "change",
    [
        ("rules.linger.dwell_s", 19),
        ("rules.linger.having", {}),
        ("rules.linger.min_confidence", 0.1),
        (
            "cameras.cam.zones.water.polygon",
            [*BASE["cameras"]["cam"]["zones"]["water"]["polygon"], [0.2, 0.5]],
        ),
    ],
)
def test_a_rule_that_counts_otherwise_begins_anew(tmp_path: Path, change: tuple[str, Any]) -> None:
    play = Play(loaded(tmp_path, ("rules.linger", LINGER)))(stay(0, 15, {1: A}))
    play.decider.follow(book(tmp_path, change))
    play(stay(15, 33.5, {1: A}))
    assert not [i for i in play.incidents.values() if i.rule == "linger"] or change[1] == {}
    play(stay(33.5, 40, {1: A}))
    assert [i for i in play.incidents.values() if i.rule == "linger"]


def test_who_stands_in_a_zone_drawn_just_now_counts(tmp_path: Path) -> None:
    play = Play(loaded(tmp_path, ("cameras.cam.zones.water.polygon", RIGHT)))(stay(0, 5, {1: A}))
    assert not play.kinds
    play.decider.follow(RuleBook(loaded(tmp_path, ("cameras.cam.zones.water.polygon", LEFT))))
    assert play(stay(5, 8, {1: A})).changes == [(6.0, "opened")]


def test_an_incident_goes_on_under_another_polygon_and_is_cleared_there(tmp_path: Path) -> None:
    play = Play(loaded(tmp_path))(stay(0, 5, {1: A}))
    play.decider.follow(RuleBook(loaded(tmp_path, ("cameras.cam.zones.water.polygon", RIGHT))))
    play(stay(5, 10, {1: A}))
    assert play.changes == [(1.0, "opened"), (6.0, "cleared")]
    assert play.only.members_total == 1


def test_a_rule_that_is_off_opens_nothing_and_a_rule_that_comes_counts_from_then_on(tmp_path: Path) -> None:
    play = Play(loaded(tmp_path, ("rules.linger", {**LINGER, "enabled": False})))(stay(0, 30, {1: A}))
    play.decider.follow(book(tmp_path))
    play(stay(30, 51, {1: A}))
    assert [t for t, kind in play.changes if kind == "opened"] == [1.0, 50.0]
    play.decider.follow(RuleBook(loaded(tmp_path, ("rules.linger", {**LINGER, "enabled": False}))))
    play.decider.follow(book(tmp_path))  # nothing was seen in between: nothing was lost
    assert len(play(stay(51, 60, {1: A})).incidents) == 2


def test_a_muted_rule_says_nothing_clears_what_is_open_and_counts_on(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        ("profiles", {"race": {"name": "龙舟", "priority": 1, "muted": ["entry"]}}),
        ("rules.entry.join_s", 1),
        ("rules.entry.speech.again_s", 2),
    )
    everyday, race = RuleBook(in_profile(config, EVERYDAY)), RuleBook(in_profile(config, "race"))
    play = Play(config)(stay(0, 2, {1: A}))
    before = len(play.changes)
    play.decider.follow(race)
    play([*stay(2, 10, {1: A}), *stay(10, 13, {}), *stay(13, 20, {2: A})])
    assert play.changes[before:] == [(11.0, "cleared"), (11.5, "ended")]
    play.decider.follow(everyday)
    play(stay(20, 21, {2: A}))
    assert (20.0, "opened") in play.changes, "who is there when the race is over counts at once"


def test_each_decision_names_the_settings_that_it_was_made_by(tmp_path: Path) -> None:
    decider = Decider(book(tmp_path, version="v1"))
    decider.follow(book(tmp_path, version="v2"))
    assert decider.book.version == "v2"


OTHERS: list[tuple[tuple[str, Any], ...]] = [
    (),
    (("rules.entry.frames", 2),),
    (("rules.entry", ...),),
    (("rules.more", {**LINGER, "dwell_s": 3}), ("rules.entry.severity", "low")),
    (("cameras.cam.zones.other", {"polygon": RIGHT}), ("rules.linger.severity", "low")),
]
SEEN = st.lists(
    st.tuples(
        st.sampled_from([0.5, 0.5, 0.5, 2.0, 4.0]),
        st.sets(st.sampled_from([1, 2]), max_size=2),
        st.sampled_from(["e1", "e1", "e1", "e2"]),
    ),
    min_size=1,
    max_size=80,
)


def seen(script: Sequence[tuple[float, set[int], str]], camera: str) -> list[Observation]:
    moments, now = [], 0.0
    for pause, tracks, epoch in script:
        now += pause
        moments.append(observation(now, {t: (0.2 + t / 10, 0.9) for t in tracks}, camera=camera, epoch=epoch))
    return moments


def of(rule: str, decisions: Sequence[Decision]) -> list[Any]:
    return [(d.incident, d.changes) for d in decisions if d.rule == rule]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(script=SEEN, switches=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 4)), max_size=6))
def test_what_changes_elsewhere_changes_nothing_here(
    tmp_path: Path, script: Sequence[tuple[float, set[int], str]], switches: list[tuple[int, int]]
) -> None:
    books = [_book(tmp_path, n) for n in range(len(OTHERS))]
    steady, switched = Decider(books[0]), Decider(books[0])
    by_position = dict(switches)
    for i, event in enumerate(seen(script, "cam")):
        if i in by_position:
            switched.follow(books[by_position[i]])
        assert of("linger", switched.decide(event)) == of("linger", steady.decide(event))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    one=SEEN,
    two=SEEN,
    order=st.lists(st.booleans(), max_size=160),
    switches=st.lists(st.floats(0.1, 100), min_size=1, max_size=4, unique=True),
)
def test_a_switch_at_a_time_does_not_depend_on_how_cameras_are_mixed(
    tmp_path: Path,
    one: Sequence[tuple[float, set[int], str]],
    two: Sequence[tuple[float, set[int], str]],
    order: list[bool],
    switches: list[float],
) -> None:
    """Two cameras at points of their own: decided camera by camera it is the same."""
    books = [_book(tmp_path, n, ("cameras.cam2.point", "gate")) for n in (0, 1, 4, 3, 2)]
    bounds = sorted(observation(t, {}).captured_at for t in switches)

    def decided(events: Sequence[Observation]) -> dict[str, list[Any]]:
        decider, found = Decider(books[0]), dict[str, list[Any]]()
        for event in events:
            decider.follow(books[sum(bound <= event.captured_at for bound in bounds)])
            for d in decider.decide(event):
                found.setdefault(event.camera_id, []).append((d.rule, d.incident, d.changes))
        return found

    first, second = seen(one, "cam"), seen(two, "cam2")
    assert decided(_mixed(first, second, order)) == decided([*first, *second])


_BOOKS: dict[tuple[Any, ...], RuleBook] = {}


def _book(folder: Path, n: int, *more: tuple[str, Any]) -> RuleBook:
    """Return the ``n``-th of OTHERS; reading it takes longer than deciding by it."""
    if (n, *map(repr, more)) not in _BOOKS:
        write(folder, changed())
        _BOOKS[n, *map(repr, more)] = book(folder, *OTHERS[n], *more)
    return _BOOKS[n, *map(repr, more)]


def _mixed(
    one: Sequence[Observation], two: Sequence[Observation], order: Sequence[bool]
) -> list[Observation]:
    left, right, mixed = list(one), list(two), list[Observation]()
    for first in order:
        source = left if (first and left) or not right else right
        if source:
            mixed.append(source.pop(0))
    return [*mixed, *left, *right]


def test_the_mixing_keeps_each_camera_in_order() -> None:
    one, two = seen([(1, {1}, "e1")] * 9, "cam"), seen([(1, {1}, "e1")] * 9, "cam2")
    for camera in ("cam", "cam2"):
        own = [e.captured_at for e in _mixed(one, two, [True, False, False]) if e.camera_id == camera]
        assert len(own) == 9
        assert all(a < b for a, b in pairwise(own))
