"""After people have done with a case: who stays is left alone, and whoever comes next is another case."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.configs import loaded
from tests.unit.alerts.test_incidents import OUT, A, B, C, Play, stay

AGAIN = ("rules.entry.speech.again_s", 10)


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Return a script in which somebody came, and people have done with it at 5 s."""
    played = Play(loaded(tmp_path, AGAIN))
    played(stay(0, 5, {1: A}))
    played.decider.settled = frozenset(played.incidents)
    played.changes.clear()
    return played


def test_nothing_more_is_said_to_whoever_stays(play: Play) -> None:
    play(stay(5, 60, {1: A}))
    assert play.changes == []


def test_whoever_comes_after_they_left_is_another_case(play: Play) -> None:
    play([*stay(5, 10, {}), *stay(10, 14, {2: C})])
    assert play.kinds == ["cleared", "ended", "opened"]
    assert len(play.incidents) == 2


def test_a_child_that_comes_beside_them_is_another_case(play: Play) -> None:
    play(stay(5, 8, {1: A, 2: C}))
    assert play.changes == [(6.0, "ended"), (6.0, "opened")]
    play(stay(8, 30, {1: A, 2: C}))
    assert play.kinds.count("repeated") == 1, "they are spoken to"


def test_another_number_of_the_same_person_is_not(play: Play) -> None:
    play([*stay(5, 20, {2: B}, epoch="e2"), *stay(20, 25, {2: OUT}, epoch="e2")])
    assert play.kinds == ["cleared"]


def test_nobody_comes_and_it_ends_as_ever(play: Play) -> None:
    play([*stay(5, 10, {}), *stay(140, 141, {})])
    assert play.kinds == ["cleared", "ended"]
    assert len(play.incidents) == 1
