"""A speaker that nobody would hear is a fault of its place, until it says that it is well."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.suppression.reasons import Reason
from alerts.suppression.said import Kind
from lianfang.config import Config
from lianfang.config.sharing import log_keys
from lianfang.errors import ConfigError
from lianfang.events import CameraCondition, CameraState, SpeakerCondition, SpeakerState
from tests.support.configs import loaded
from tests.support.observations import at
from tests.unit.alerts.test_incidents import Play, stay
from tests.unit.alerts.test_mutes import played, word

HORN = {"kind": "speaker_http", "base_url": "http://127.0.0.1:1", "token": {"env": "TEST_TOKEN"}}


def config(folder: Path, **keys: object) -> Config:
    stanza = {"kind": "device", "name": "设备故障", "speakers": ["horn"], "join_s": 60, **keys}
    return loaded(folder, ("receivers.far", HORN), ("rules.entry", stanza))


def says(seconds: float, condition: SpeakerCondition, speaker: str = "horn") -> SpeakerState:
    return SpeakerState(speaker_id=speaker, condition=condition, captured_at=at(seconds))


TABLE = [
    (
        "silent, and back",
        [says(0, "ready"), says(60, "silent"), says(120, "silent"), says(150, "ready")],
        [(60, "opened"), (150, "cleared")],
    ),
    ("faulty, and back", [says(0, "faulty"), says(60, "ready")], [(0, "opened"), (60, "cleared")]),
    ("an emergency programme is no fault", [says(0, "emergency"), says(60, "ready")], []),
    (
        "one fault after another",
        [says(0, "silent"), says(6, "faulty"), says(12, "emergency")],
        [(0, "opened"), (12, "cleared")],
    ),
    (
        "comes and goes",
        [says(0, "silent"), says(20, "ready"), says(40, "silent")],
        [(0, "opened"), (20, "cleared"), (40, "returned")],
    ),
    ("one that no rule is about", [says(0, "silent", "far")], []),
]


@pytest.mark.parametrize(("events", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_faults(tmp_path: Path, events: list[SpeakerState], expected: list[tuple[float, str]]) -> None:
    play = Play(config(tmp_path))(events)
    assert play.changes == expected
    assert all((i.place, i.camera, i.zone) == ("bank", "horn", "") for i in play.incidents.values())


def test_only_what_is_asked_for(tmp_path: Path) -> None:
    assert Play(config(tmp_path, conditions=["speaker_faulty"]))([says(0, "silent")]).changes == []


def test_camera_and_speaker_of_a_point_are_one_incident_and_both_must_be_well(tmp_path: Path) -> None:
    play = Play(config(tmp_path, cameras=["cam"]))
    lost = CameraState(camera_id="cam", condition=CameraCondition.OFFLINE, captured_at=at(6), epoch="c")
    play([*stay(0, 5, {}), lost, says(10, "silent"), *stay(20, 22, {})])
    assert play.changes == [(6, "opened")]
    assert play([says(30, "ready")]).kinds == ["opened", "cleared"]


def test_nobody_hears_of_a_speaker_in_maintenance(tmp_path: Path) -> None:
    events = [says(0, "silent"), says(60, "silent"), says(120, "silent")]
    play = played(config(tmp_path), [word(Kind.MAINTENANCE, 0, 100, receiver="horn")], events)
    assert play.changes == [(0, "opened"), (120, "heard")]
    other = played(config(tmp_path), [word(Kind.MAINTENANCE, 0, 100, receiver="far")], events)
    assert other.only.muted is None
    assert (
        played(config(tmp_path), [word(Kind.MAINTENANCE, 0, 200, point="bank")], events).only.muted
        is Reason.MAINTENANCE
    )


def test_it_has_the_key_of_its_point(tmp_path: Path) -> None:
    assert log_keys(config(tmp_path)) == {"cam": "cam", "cam2": "cam", "horn": "cam"}


@pytest.mark.parametrize(
    ("speakers", "message"),
    [
        (["hron"], r"speakers.0: found 'hron'; allowed: one of cam2, far, horn"),
        (["far"], r"speakers.0: found 'far'; allowed: a speaker that the zone of a camera names"),
        (["cam2"], r"speakers.0: found 'cam2'; allowed: a speaker that no camera or sensor is called as"),
        ([], "'cameras', 'sensors' or 'speakers'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, speakers: list[str], message: str) -> None:
    stanza = {"kind": "device", "name": "设备故障", "speakers": speakers}
    with pytest.raises(ConfigError, match=message):
        loaded(tmp_path, ("receivers.far", HORN), ("receivers.cam2", HORN), ("rules.entry", stanza))
