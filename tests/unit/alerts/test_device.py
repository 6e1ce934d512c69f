"""Faults of cameras: lost, looked at by nobody, covered, turned or frozen."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.api.names import Names
from lianfang.config import Config
from lianfang.errors import ConfigError
from lianfang.events import CameraCondition, CameraState
from tests.support.configs import loaded
from tests.support.observations import at, observation
from tests.unit.alerts.test_incidents import A, Play, stay

LOST, BACK, BLIND = CameraCondition.OFFLINE, CameraCondition.ONLINE, CameraCondition.BLIND
TAMPER = {"kind": "tamper"}


def config(folder: Path, **keys: object) -> Config:
    stanza = {"kind": "device", "name": "摄像机故障", "cameras": ["cam", "cam2"], "join_s": 60, **keys}
    return loaded(
        folder,
        ("detectors.tamper", TAMPER),
        ("cameras.cam.detectors", ["objects", "tamper"]),
        ("cameras.cam2.detectors", ["objects", "tamper"]),
        ("rules.entry", stanza),
    )


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(config(tmp_path))


def state(seconds: float, condition: CameraCondition, camera: str = "cam", epoch: str = "c") -> CameraState:
    by = None if condition is BLIND else epoch
    return CameraState(camera_id=camera, condition=condition, captured_at=at(seconds), epoch=by)


def test_a_lost_camera_is_an_incident_at_its_point_until_somebody_looks_again(play: Play) -> None:
    play([*stay(0, 5, {}), state(6, LOST), state(30, BACK), *stay(31, 33, {})])
    assert play.changes == [(6, "opened"), (31, "cleared")]
    assert (play.only.place, play.only.camera, play.only.zone) == ("bank", "cam", "")


def test_a_stream_that_is_back_and_not_looked_at_is_no_end(play: Play) -> None:
    play([*stay(0, 5, {}), state(6, LOST), state(30, BACK)])
    assert play.kinds == ["opened"]
    assert play.only.occupied


def test_a_camera_that_nobody_looks_at_is_blind(play: Play) -> None:
    play([*stay(0, 5, {}), state(9.5, BLIND), *stay(20, 22, {})])
    assert play.changes == [(9.5, "opened"), (20, "cleared")]


def test_who_calls_a_camera_blind_that_is_looked_at_is_not_believed(play: Play) -> None:
    play([*stay(0, 5, {}), state(9.4, BLIND), *stay(10, 12, {})])
    assert play.changes == []
    assert play.dropped == []


def test_being_called_blind_makes_nothing_late(play: Play) -> None:
    """The clock of the host that says so is ten minutes ahead of the cameras'."""
    play([*stay(0, 5, {}), state(600, BLIND), *stay(10, 12, {})])
    assert play.dropped == []
    assert play.kinds[:2] == ["opened", "cleared"]


def test_a_camera_that_comes_and_goes_is_one_incident(play: Play) -> None:
    for t in range(0, 200, 20):
        play([*stay(t, t + 5, {}), state(t + 6, LOST), state(t + 12, BACK), *stay(t + 13, t + 15, {})])
    assert len(play.incidents) == 1
    assert play.kinds[:3] == ["opened", "cleared", "returned"]


def test_two_cameras_of_a_point_are_one_incident_and_both_must_be_back(play: Play) -> None:
    looked = [*stay(0, 5, {}), *stay(5, 6, {}, camera="cam2")]
    play([*looked, state(7, LOST), state(8, LOST, "cam2"), state(20, BACK), *stay(21, 23, {})])
    assert play.kinds == ["opened"]
    play([state(30, BACK, "cam2"), *stay(31, 32, {}, camera="cam2")])
    assert play.kinds == ["opened", "cleared"]


def test_blind_is_no_second_fault_of_a_lost_camera(play: Play) -> None:
    play([*stay(0, 5, {}), state(6, LOST), state(12, BLIND), state(42, BLIND)])
    assert play.kinds == ["opened"]
    assert play.only.people == 1


def test_who_was_there_when_a_camera_became_blind_is_unknown(tmp_path: Path) -> None:
    play = Play(loaded(tmp_path))
    play([*stay(0, 10, {1: A}), state(16, BLIND), *stay(20, 22, {1: A}, epoch="e2")])
    assert play.changes == [(1, "opened"), (16, "unseen"), (16, "escalated"), (20, "seen")]


def test_what_a_tamper_stage_finds(tmp_path: Path) -> None:
    play = Play(config(tmp_path, conditions=["camera_covered", "camera_frozen"], cleared_after=2))
    covered = [observation(t, {"camera_covered1": A}, label="camera_covered") for t in range(5, 8)]
    turned = [observation(t, {"camera_turned1": A}, label="camera_turned") for t in range(15, 18)]
    play([*stay(0, 5, {}), *covered, *stay(8, 10, {}), *turned, state(20, LOST)])
    assert play.changes == [(5, "opened"), (8.5, "cleared")]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"conditions": ["camera_covered"]}, "one with a tamper stage among the detectors of camera cam2"),
        ({"conditions": ["dirty"]}, "offline"),
        ({"speech": {"text": "请离开"}}, "rules.entry.speech: found a text; allowed: nothing"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, keys: dict[str, object], message: str) -> None:
    stanza = {"kind": "device", "name": "摄像机故障", "cameras": ["cam", "cam2"], **keys}
    with pytest.raises(ConfigError, match=message):
        loaded(
            tmp_path,
            ("detectors.tamper", TAMPER),
            ("cameras.cam.detectors", ["objects", "tamper"]),
            ("rules.entry", stanza),
        )


def test_what_incidents_are_about_chooses_the_words(tmp_path: Path) -> None:
    stanza = {"kind": "zone_entry", "name": "船", "cameras": ["cam"], "zones": ["water"], "labels": ["boat"]}
    boats = loaded(tmp_path, ("rules.boats", stanza))
    names = Names(lambda: boats)
    assert [names.about(rule) for rule in ("entry", "boats", "gone")] == ["people", "things", "people"]
    assert Names(lambda: config(tmp_path)).about("entry") == "device"
