"""Faults of cameras: lost, looked at by nobody, covered, turned or frozen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from alerts.api.names import Names
from lianfang.config import Config
from lianfang.errors import ConfigError
from lianfang.events import CameraClock, CameraCondition, CameraState, Observation
from tests.support.configs import loaded
from tests.support.observations import at, observation
from tests.unit.alerts.test_incidents import A, Play, stay

LOST, BACK, BLIND = CameraCondition.OFFLINE, CameraCondition.ONLINE, CameraCondition.BLIND


def config(folder: Path, **keys: object) -> Config:
    stanza = {"kind": "device", "name": "摄像机故障", "cameras": ["cam", "cam2"], "join_s": 60, **keys}
    return loaded(folder, ("rules.entry", stanza))


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(config(tmp_path))


def state(
    seconds: float,
    condition: CameraCondition,
    camera: str = "cam",
    epoch: str = "c",
    faults: Sequence[str] = (),
) -> CameraState:
    by = None if condition is BLIND else epoch
    return CameraState(
        camera_id=camera, condition=condition, captured_at=at(seconds), epoch=by, faults=tuple(faults)
    )


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


COVERED, TURNED, FROZEN = ["covered"], ["turned"], ["frozen"]


def test_what_a_camera_shows_that_is_wrong_is_an_incident_until_it_says_that_it_is_over(
    tmp_path: Path,
) -> None:
    play = Play(config(tmp_path, conditions=["camera_covered", "camera_wrong_clock"], cleared_after=2))
    play([*stay(0, 5, {}), state(5, BACK, faults=COVERED), *stay(6, 10, {}), state(12, BLIND)])
    assert play.changes == [(5, "opened")], "an empty picture of a covered camera is no end"
    play([*stay(13, 15, {}), state(15, BACK, faults=TURNED), *stay(16, 18, {}), state(20, LOST)])
    assert play.changes == [(5, "opened"), (16, "cleared")]
    play([state(40, BACK, epoch="d", faults=["wrong_clock", "of a newer writer"])])
    assert play.kinds == ["opened", "cleared", "returned"]


def shows_clock(seconds: float, *, off: bool) -> Observation:
    clock = CameraClock(offset_s=30.0 if off else 0.1, source="osd", at=at(seconds), off=off)
    return observation(seconds, {}).model_copy(update={"clock": clock})


def test_a_wrong_time_in_the_picture_is_a_fault_until_it_is_right_or_the_stream_says_so_too(
    tmp_path: Path,
) -> None:
    play = Play(config(tmp_path, conditions=["camera_wrong_clock"]))
    play([*stay(0, 5, {}), shows_clock(5, off=False), *stay(6, 9, {})])
    assert play.changes == []
    play([shows_clock(10, off=True), *stay(11, 60, {}), state(60, BACK), *stay(61, 65, {})])
    assert play.changes == [(10, "opened")]
    play([state(70, BACK, faults=["wrong_clock"]), shows_clock(71, off=False), *stay(72, 75, {})])
    assert play.changes == [(10, "opened")], "its stream still says that it is off"
    play([state(80, BACK), *stay(81, 85, {})])
    assert play.kinds == ["opened", "cleared"]


def test_poor_pictures_are_a_fault_where_a_rule_asks_for_it(tmp_path: Path) -> None:
    usual, asking = Play(config(tmp_path)), Play(config(tmp_path, conditions=["degraded"]))
    poor = state(6, CameraCondition.DEGRADED)
    for play in (usual, asking):
        play([*stay(0, 5, {}), poor, *stay(7, 9, {}), state(10, BACK), *stay(11, 12, {})])
    assert usual.changes == []
    assert asking.changes == [(6, "opened"), (10, "cleared")]


def test_a_fault_outlives_the_service_that_was_told_of_it(tmp_path: Path) -> None:
    site = config(tmp_path, conditions=["camera_covered"])
    before = Play(site)([*stay(0, 5, {}), state(5, BACK, faults=COVERED)])
    after = Play(site)
    after.decider.restore(json.loads(json.dumps(before.decider.lasting(["cam"]))))
    after.decider.hold(before.incidents.values())
    after([*stay(700, 705, {})])
    assert after.changes == []
    after([state(710, BACK), *stay(711, 712, {})])
    assert after.kinds == ["cleared"]


@pytest.mark.parametrize("faults", [COVERED, TURNED, FROZEN])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_view_that_shows_nothing_of_its_scene_clears_nobody(
    tmp_path: Path, faults: list[str], *, restarted: bool
) -> None:
    site = loaded(tmp_path)
    play = Play(site)([*stay(0, 10, {1: A}), state(10, BACK), state(11, BACK, faults=faults)])
    assert play.kinds == ["opened", "unseen", "escalated"]
    if restarted:
        incidents = play.incidents.values()
        play = Play(site)
        play.decider.hold(incidents)
        play.decider.coverage.blinded = {"cam"}
    play([*stay(12, 30, {})])
    assert play.only.occupied if not restarted else not play.changes
    play([*stay(30, 32, {2: A})])
    assert "seen" not in play.kinds, "who is there in such a picture may be anybody, or of long ago"
    play([state(32, BACK), *stay(33, 36, {2: A}), *stay(36, 45, {})])
    assert play.kinds[-2:] == ["seen", "cleared"]


def test_what_a_camera_says_in_the_midst_of_its_stream_makes_no_picture_late(play: Play) -> None:
    poor = state(7, CameraCondition.DEGRADED)
    play([*stay(0, 5, {}), poor, *stay(5, 6.5, {}), state(6.8, LOST), *stay(6.6, 7.1, {})])
    assert play.dropped == ["late"], "what comes after a loss is late, as ever"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"conditions": ["dirty"]}, "offline"),
        ({"speech": {"text": "请离开"}}, "rules.entry.speech: found a text; allowed: nothing"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, keys: dict[str, object], message: str) -> None:
    stanza = {"kind": "device", "name": "摄像机故障", "cameras": ["cam", "cam2"], **keys}
    with pytest.raises(ConfigError, match=message):
        loaded(tmp_path, ("rules.entry", stanza))


def test_what_incidents_are_about_chooses_the_words(tmp_path: Path) -> None:
    stanza = {"kind": "zone_entry", "name": "船", "cameras": ["cam"], "zones": ["water"], "labels": ["boat"]}
    boats = loaded(tmp_path, ("rules.boats", stanza))
    names = Names(lambda: boats)
    assert [names.about(rule) for rule in ("entry", "boats", "gone")] == ["people", "things", "people"]
    assert Names(lambda: config(tmp_path)).about("entry") == "device"
