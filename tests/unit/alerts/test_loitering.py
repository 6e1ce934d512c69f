"""Dwell: per track, on the camera's time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from alerts.rules import loitering
from alerts.rules.loitering import Loitering
from tests.support.configs import loaded
from tests.support.observations import observation

People = Mapping[int, tuple[float, float]]
IN, OUT = (0.5, 0.9), (0.1, 0.9)


@pytest.fixture
def rule(tmp_path: Path) -> Loitering:
    stanza = {
        "kind": "loitering",
        "name": "逗留",
        "cameras": ["cam"],
        "zones": ["water"],
        "dwell_s": 10,
        "away_s": 3,
    }
    config = loaded(tmp_path, ("rules.entry", stanza))
    settings = config.rules["entry"]
    assert isinstance(settings, loitering.Config)
    return loitering.build(settings, config)


def first_member(rule: Loitering, script: Sequence[tuple[float, People]]) -> float | None:
    """Return when somebody first counts, None if nobody does: (seconds, who stands where) in order."""
    state = rule.initial()
    for seconds, people in script:
        state, sighting = rule.step(state, observation(seconds, dict(people.items())))
        if sighting.members:
            return seconds
    return None


def test_a_stay_counts_from_the_dwell_time_on(rule: Loitering) -> None:
    assert first_member(rule, [(t, {1: IN}) for t in range(30)]) == 10


def test_pictures_may_be_rare(rule: Loitering) -> None:
    assert first_member(rule, [(t * 2.5, {1: IN}) for t in range(12)]) == 10


def test_two_people_who_stay_half_as_long_are_no_loiterer(rule: Loitering) -> None:
    script = [(t, {1: IN}) for t in range(7)] + [(t, {2: IN}) for t in range(7, 15)]
    assert first_member(rule, script) is None


def test_who_is_hidden_for_a_moment_goes_on_staying(rule: Loitering) -> None:
    script = [(t, {} if t in {5, 6} else {1: IN}) for t in range(30)]
    assert first_member(rule, script) == 10


def test_who_steps_out_for_a_moment_goes_on_staying(rule: Loitering) -> None:
    script = [(t, {1: OUT if t in {5, 6} else IN}) for t in range(30)]
    assert first_member(rule, script) == 10


def test_who_was_away_begins_anew(rule: Loitering) -> None:
    script = [(t, {1: OUT if 5 <= t < 9 else IN}) for t in range(30)]
    assert first_member(rule, script) == 19


def test_nobody_counts_while_out_of_the_zone(rule: Loitering) -> None:
    state = rule.initial()
    for t in range(12):
        state, _ = rule.step(state, observation(t, {1: IN}))
    state, sighting = rule.step(state, observation(12, {1: OUT}))
    assert not sighting.members
    assert not sighting.present
    assert sighting.elsewhere == {"e1:1"}
    _, sighting = rule.step(state, observation(13, {1: IN}))
    assert [m.track_id for m in sighting.members] == ["e1:1"]


def test_who_stays_less_keeps_a_place_from_being_called_empty(rule: Loitering) -> None:
    state, sighting = rule.step(rule.initial(), observation(0, {1: IN}))
    assert [m.track_id for m in sighting.present] == ["e1:1"]
    assert rule.renumbered(state) == rule.initial()


def test_it_says_how_far_a_stay_is(rule: Loitering) -> None:
    state = rule.initial()
    for i in range(8):
        state, _ = rule.step(state, observation(i / 2, {1: IN, 2: OUT}))
    assert rule.progress(state, "e1:1") == "3.5 of 10 s"
    assert rule.progress(state, "e1:2") == "", "it has not begun to count"
