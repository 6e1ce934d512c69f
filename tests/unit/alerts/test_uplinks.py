"""Cameras that are lost together: one outage, one recovery, and no shouting when they come back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from lianfang.config import Config
from lianfang.errors import ConfigError
from lianfang.events import CameraCondition, CameraState, Observation
from tests.support.configs import BASE, SQUARE, loaded
from tests.support.observations import at, observation
from tests.unit.alerts.test_incidents import Play

IN = (0.5, 0.9)
Event = Observation | CameraState


def town(folder: Path, cameras: int) -> Config:
    """Return a configuration of so many cameras behind one switch, each at a point of its own."""
    ids = [f"c{n}" for n in range(cameras)]
    one = {**BASE["cameras"]["cam"], "uplink": "sw"}
    return loaded(
        folder,
        ("uplinks", {"sw": {"name": "二号交换机"}}),
        ("points", {f"p{n}": {"name": f"点{n}"} for n in range(cameras)}),
        ("cameras", {c: {**one, "point": f"p{n}"} for n, c in enumerate(ids)}),
        ("rules.entry.cameras", ids),
        ("rules.fault", {"kind": "device", "name": "设备故障", "cameras": ids}),
    )


def said(camera: str, condition: CameraCondition, seconds: float) -> CameraState:
    return CameraState(camera_id=camera, condition=condition, captured_at=at(seconds))


def lost(cameras: Iterable[str], seconds: float, step: float = 0.0) -> list[CameraState]:
    return [
        said(camera, CameraCondition.OFFLINE, seconds + n * step) for n, camera in enumerate(sorted(cameras))
    ]


def of(play: Play, rule: str) -> list[str]:
    """Return the places of the incidents of a rule."""
    return sorted(i.place for i in play.incidents.values() if i.rule == rule)


def test_forty_cameras_behind_one_switch_are_one_outage_and_one_recovery(tmp_path: Path) -> None:
    config = town(tmp_path, 40)
    play, cameras = Play(config), list(config.cameras)
    play(observation(t, {}, camera=c) for t in (0, 1) for c in cameras)
    play(lost(cameras, 2, 0.1))
    assert play.kinds == ["opened"]
    assert of(play, "fault") == ["sw"]
    play(said(c, CameraCondition.BLIND, 6 + minute * 30) for minute in range(20) for c in cameras)
    assert play.kinds == ["opened"], "it is said once"
    assert play.only.members_total == 40
    assert play.only.subject == "二号交换机"

    play.changes.clear()
    back = [
        observation(602 + t / 2, {1: IN} if n < 12 else {}, camera=c, epoch="e2", connection="d")
        for t in range(60)
        for n, c in enumerate(cameras)
    ]
    play(back)
    assert play.kinds == ["cleared"], "nobody is called for who has been there all along, for a moment"
    play.changes.clear()
    play(
        observation(632 + t / 2, {1: IN} if n < 12 else {}, camera=c, epoch="e2", connection="d")
        for t in range(4)
        for n, c in enumerate(cameras)
    )
    assert play.kinds == ["opened"] * 12
    assert {t for t, _ in play.changes} == {632}
    assert len(of(play, "entry")) == 12
    assert of(play, "fault") == ["sw"]


def test_where_somebody_may_drown_nobody_waits_for_a_camera_to_settle(tmp_path: Path) -> None:
    play = Play(loaded(tmp_path, ("rules.entry.life_safety", True)))
    play([observation(0, {}), *lost(["cam"], 1)])
    play(observation(100 + t, {1: IN}, epoch="e2", connection="d") for t in range(3))
    assert play.changes == [(102, "opened")]


@pytest.mark.parametrize(("away", "opened"), [(29.0, 2.0), (31.0, 30.0)])
def test_a_camera_that_was_away_for_a_moment_shows_what_it_showed(
    tmp_path: Path, away: float, opened: float
) -> None:
    play = Play(loaded(tmp_path))
    play([observation(0, {}), *lost(["cam"], 1)])
    play(observation(1 + away + t, {1: IN}, epoch="e2", connection="d") for t in range(60))
    assert play.changes == [(1 + away + opened, "opened")]


def test_who_was_there_before_the_camera_was_lost_is_the_same_incident(tmp_path: Path) -> None:
    play = Play(loaded(tmp_path))
    play([*(observation(t, {1: IN}) for t in range(5)), *lost(["cam"], 5)])
    play(observation(60 + t, {1: IN}, epoch="e2", connection="d") for t in range(60))
    assert play.kinds == ["opened", "unseen", "escalated", "seen"], "nobody saw whether they left"


def test_four_cameras_are_four_faults_after_a_wait(tmp_path: Path) -> None:
    config = town(tmp_path, 8)
    play, gone = Play(config), list(config.cameras)[:4]
    play(observation(0, {}, camera=c) for c in config.cameras)
    play(lost(gone, 2))
    play(said(c, CameraCondition.BLIND, 6) for c in gone)
    assert play.changes == []
    play(said(c, CameraCondition.BLIND, 36) for c in gone)
    assert of(play, "fault") == ["p0", "p1", "p2", "p3"]


def test_cameras_that_are_lost_one_after_another_are_no_outage(tmp_path: Path) -> None:
    config = town(tmp_path, 8)
    play, cameras = Play(config), list(config.cameras)
    play(observation(0, {}, camera=c) for c in cameras)
    for n, camera in enumerate(cameras):
        play(lost([camera], 10 + n * 10))
        play(said(c, CameraCondition.BLIND, 11 + n * 10) for c in cameras[: n + 1])
    assert "sw" not in of(play, "fault")


def test_a_camera_that_was_broken_before_stays_a_fault_of_its_own(tmp_path: Path) -> None:
    config = town(tmp_path, 8)
    play, cameras = Play(config), list(config.cameras)
    play(lost([cameras[0]], 0))
    play([said(cameras[0], CameraCondition.BLIND, 31)])
    assert of(play, "fault") == ["p0"]
    play(lost(cameras[1:], 100))
    play(said(c, CameraCondition.BLIND, 105) for c in cameras)
    assert of(play, "fault") == ["p0", "sw"]
    assert "cleared" not in play.kinds


def test_an_uplink_is_told_apart_from_points(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"uplinks\.bank.*an id that no point and no place has"):
        loaded(tmp_path, ("uplinks", {"bank": {"name": "交换机"}}))
    with pytest.raises(ConfigError, match=r"cameras\.cam\.uplink: found 'sw'"):
        loaded(tmp_path, ("cameras.cam.uplink", "sw"), ("cameras.cam.zones.water.polygon", SQUARE))
