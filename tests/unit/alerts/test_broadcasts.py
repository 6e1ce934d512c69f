"""The loop of a place: say it, look whether they left, say it again, then tell people."""

from __future__ import annotations

from pathlib import Path

import pytest

from lianfang.config import Config
from lianfang.errors import ConfigError
from lianfang.events import CameraCondition, CameraState
from tests.support.configs import loaded
from tests.support.observations import at
from tests.unit.alerts.test_incidents import A, B, Play, stay

SPEECH = {"text": "请离开{place}", "again_s": 30, "times": 2}


def config(folder: Path, **speech: object) -> Config:
    return loaded(folder, ("rules.entry.frames", 1), ("rules.entry.speech", {**SPEECH, **speech}))


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(config(tmp_path))


def test_who_stays_is_spoken_to_again_and_then_people_are_told(play: Play) -> None:
    play([*stay(0, 95, {1: A}), *stay(95, 100, {})])
    assert play.changes == [(0, "opened"), (30, "repeated"), (60, "escalated"), (96, "cleared")]
    assert (play.only.spoken, play.only.escalated_at) == (2, at(60))


def test_who_leaves_is_spoken_to_once(play: Play) -> None:
    play([*stay(0, 20, {1: A}), *stay(20, 100, {})])
    assert play.kinds == ["opened", "cleared"]
    assert play.only.spoken == 1


def test_who_comes_while_the_loop_runs_starts_no_second_one(play: Play) -> None:
    play([*stay(0, 20, {1: A}), *stay(20, 55, {1: A, 2: B})])
    assert play.changes == [(0, "opened"), (20, "raised"), (30, "repeated")]


def test_one_of_two_who_leaves_ends_nothing(play: Play) -> None:
    """Two people at one place, and one leaves: it is clear when the last one has left."""
    play([*stay(0, 20, {1: A, 2: B}), *stay(20, 50, {2: B}), *stay(50, 55, {})])
    assert play.changes == [(0, "opened"), (30, "repeated"), (51, "cleared")]


def test_nobody_is_spoken_to_who_is_not_seen(play: Play) -> None:
    play([*stay(0, 29, {1: A}), *stay(29, 29.8, {}), *stay(45, 50, {1: A})])
    assert play.changes == [(0, "opened"), (45, "repeated")]


def test_who_returns_soon_goes_on_in_the_loop(play: Play) -> None:
    play([*stay(0, 10, {1: A}), *stay(10, 20, {}), *stay(20, 70, {2: A})])
    assert play.changes == [
        (0, "opened"),
        (11, "cleared"),
        (20, "returned"),
        (30, "repeated"),
        (60, "escalated"),
    ]


def test_where_nobody_sees_whether_they_left_people_must_look(play: Play) -> None:
    lost = CameraState(camera_id="cam", condition=CameraCondition.OFFLINE, captured_at=at(12))
    play([*stay(0, 10, {1: A}), lost])
    assert play.changes == [(0, "opened"), (12, "unseen"), (12, "escalated")]


def test_a_camera_lost_after_the_place_was_clear_escalates_nothing(play: Play) -> None:
    lost = CameraState(camera_id="cam", condition=CameraCondition.OFFLINE, captured_at=at(20))
    play([*stay(0, 10, {1: A}), *stay(10, 19, {}), lost])
    assert play.kinds == ["opened", "cleared"]


def test_without_a_speech_there_is_no_loop(tmp_path: Path) -> None:
    play = Play(loaded(tmp_path, ("rules.entry.speech", None)))
    assert play(stay(0, 200, {1: A})).kinds == ["opened"]


def test_repeated_observations_say_nothing_twice(play: Play) -> None:
    script = stay(0, 95, {1: A})
    play([event for event in script for _ in range(3)])
    assert play.changes == [(0, "opened"), (30, "repeated"), (60, "escalated")]


def test_texts_and_loudness_of_each_time(tmp_path: Path) -> None:
    speech = config(tmp_path, then=["请马上离开", "最后警告"], volume_pct=75, louder_pct=10, times=5).rules[
        "entry"
    ]
    told = speech.speech  # type: ignore[attr-defined]
    assert [told.said(n).zh for n in range(1, 5)] == ["请离开{place}", "请马上离开", "最后警告", "最后警告"]
    assert [told.loudness_pct(n) for n in range(1, 5)] == [75, 85, 95, 100]


def test_fields_of_later_texts_are_checked_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rules.entry.speech.then: found .*only {fields} are {place}"):
        config(tmp_path, then=["请{name}离开"])


def test_a_person_who_stays_through_a_lost_number_and_is_seen_twice(tmp_path: Path) -> None:
    """Dwell 20, again after 30, twice: a new number at 35, a second camera from 40 on, away at 95."""
    rule = {
        "kind": "loitering",
        "name": "逗留",
        "cameras": ["cam", "cam2"],
        "zones": ["water"],
        "dwell_s": 20,
        "speech": SPEECH,
    }
    one = [*stay(0, 35, {1: A}), *stay(35, 95, {2: A}), *stay(95, 100, {})]
    two = [*stay(40.1, 95, {1: A}, camera="cam2", epoch="x"), *stay(95.1, 100, {}, camera="cam2", epoch="x")]
    play = Play(loaded(tmp_path, ("rules.entry", rule)))
    play(sorted([*one, *two], key=lambda event: event.captured_at))
    assert len(play.incidents) == 1
    assert play.kinds == ["opened", "repeated", "escalated", "cleared"]
    times = [t for t, _ in play.changes]
    assert times[:3] == [20, 50, 80]
    assert times[3] - times[0] == pytest.approx(75, abs=2)
