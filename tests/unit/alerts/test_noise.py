"""A camera that alarms again and again is recorded only, and heard again when it is quiet."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from lianfang.events import CameraCondition, CameraState, Observation
from tests.support.configs import loaded
from tests.support.observations import at, observation
from tests.unit.alerts.test_incidents import Play

IN = (0.5, 0.9)
SHORT = ("rules.entry.join_s", 5)


def visit(start: float, n: int) -> Iterable[Observation]:
    """Yield the pictures of somebody who comes for 4 s, and of the empty place after."""
    yield from (observation(start + t, {n: IN}) for t in range(4))
    yield from (observation(start + 4 + t, {}) for t in range(8))


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(loaded(tmp_path, SHORT))


def reasons(play: Play) -> list[str]:
    """Return for each incident, in order, why nobody hears of it."""
    return [str(i.muted or "") for i in sorted(play.incidents.values(), key=lambda i: i.opened_at)]


def test_the_seventh_alarm_in_ten_minutes_is_only_recorded(play: Play) -> None:
    for n in range(9):
        play(visit(n * 30, n))
    assert reasons(play) == [""] * 6 + ["noisy"] * 3


def test_returns_count_as_alarms_do(tmp_path: Path) -> None:
    play = Play(loaded(tmp_path))
    for n in range(9):
        play(visit(n * 30, n))
    assert len(play.incidents) == 1
    assert play.only.muted == "noisy"
    assert [t for t, kind in play.changes if kind == "muted"] == [182]


def test_it_is_heard_again_when_it_is_quieter(play: Play) -> None:
    for n in range(7):
        play(visit(n * 30, n))
    play(observation(300 + t, {}) for t in range(300))
    play(visit(790, 50))
    assert reasons(play) == [""] * 6 + ["noisy", ""]


def test_another_camera_and_another_rule_are_heard(tmp_path: Path) -> None:
    other = {"kind": "loitering", "name": "逗留", "cameras": ["cam"], "zones": ["water"], "dwell_s": 1}
    play = Play(loaded(tmp_path, SHORT, ("rules.stay", {**other, "noisy_after": 100, "join_s": 5})))
    for n in range(8):
        play(visit(n * 30, n))
    muted = {(i.rule, str(i.muted or "")) for i in play.incidents.values()}
    assert muted == {("entry", ""), ("entry", "noisy"), ("stay", "")}
    play(observation(400 + t, {1: IN}, camera="cam2") for t in range(4))
    assert reasons(play)[-1] == ""


def test_where_somebody_may_drown_it_is_never_too_much(tmp_path: Path) -> None:
    play = Play(loaded(tmp_path, SHORT, ("rules.entry.life_safety", True)))
    for n in range(9):
        play(visit(n * 30, n))
    assert set(reasons(play)) == {""}


def test_alarms_before_a_restart_count(tmp_path: Path) -> None:
    play = Play(loaded(tmp_path, SHORT))
    play.decider.recall(("entry", "cam", at(-60 * n)) for n in (8, 6, 4, 3, 2, 1))
    play(visit(0, 1))
    assert reasons(play) == ["noisy"]


def test_a_noisy_camera_is_a_fault_until_it_has_been_quiet_for_ten_minutes(tmp_path: Path) -> None:
    play = Play(
        loaded(tmp_path, ("rules", {"fault": {"kind": "device", "name": "故障", "cameras": ["cam"]}}))
    )
    play(
        [observation(0, {}), CameraState(camera_id="cam", condition=CameraCondition.NOISY, captured_at=at(1))]
    )
    play([observation(300, {})])
    play([CameraState(camera_id="cam", condition=CameraCondition.NOISY, captured_at=at(400))])
    play(observation(t, {}) for t in range(900, 1010, 10))
    assert play.changes == [(1, "opened"), (1000, "cleared")]
    assert play.only.opened_at - at(1) == timedelta(0)


def test_what_is_known_late_is_recorded_and_heard_if_it_still_is_so(tmp_path: Path) -> None:
    play = Play(loaded(tmp_path))
    decisions = [d for t in range(4) for d in play.decider.decide(observation(t, {1: IN}), late=True)]
    assert decisions[-1].incident.muted == "late"
    assert decisions[-1].incident.spoken == 0
    fresh = play.decider.decide(observation(4, {1: IN}))
    assert [str(c.kind) for d in fresh for c in d.changes] == ["heard", "spoken"]
    assert fresh[-1].incident.spoken == 1
