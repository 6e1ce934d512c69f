"""Bare heads of riders, as the rule counts them, and at the school gate."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from lianfang.config import Config
from lianfang.errors import ConfigError
from lianfang.events import Observation
from tests.support.configs import loaded
from tests.support.observations import observation
from tests.unit.alerts.test_incidents import A, Play

OBJECTS = {"kind": "objects", "engine": {"kind": "onnx"}, "labels": ["person", "bicycle", "motorcycle"]}


def config(folder: Path, **keys: object) -> Config:
    stanza = {"kind": "helmet", "name": "未戴头盔", "cameras": ["cam"], "zones": ["water"], **keys}
    return loaded(
        folder,
        ("detectors", {"objects": OBJECTS, "heads": {"kind": "helmet"}}),
        ("cameras.cam.detectors", ["objects", "heads"]),
        ("rules.entry", stanza),
    )


def rider(seconds: float, n: int, helmet: str | None) -> Observation:
    attributes = {} if helmet is None else {"helmet": helmet}
    return observation(seconds, {n: A}, attributes=attributes)


def test_a_bare_head_counts_once_however_long_it_waits(tmp_path: Path) -> None:
    play = Play(config(tmp_path))([rider(t, 1, "bare") for t in range(90)])
    assert play.changes == [(0, "opened")]
    assert play.only.members_total == 1


def test_helmets_caps_of_pedestrians_and_what_cannot_be_told_are_nothing(tmp_path: Path) -> None:
    script = [rider(t, t, helmet) for t, helmet in enumerate(["worn", "unknown", None, "worn", None])]
    assert Play(config(tmp_path))(script).changes == []


def test_at_the_gate_a_rush_is_one_record_that_is_spoken_to_once_a_minute(tmp_path: Path) -> None:
    """A rider every four seconds for twenty minutes, every fifth of them bare."""
    speech = {"text": "请戴好头盔", "again_s": 60, "times": 20, "louder_pct": 0}
    play = Play(config(tmp_path, speech=speech, record_only=True, join_s=3600))
    play(rider(4 * n, n, "bare" if n % 5 == 0 else "worn") for n in range(300))
    spoken = [t for t, kind in play.changes if kind in {"opened", "repeated"}]
    assert play.only.members_total == 60
    assert {b - a for a, b in pairwise(spoken)} == {60}
    assert all(t % 20 == 0 for t in spoken), "only while a bare head passes"
    assert "escalated" not in play.kinds


def test_a_camera_that_does_not_look_at_helmets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at camera cam2, none of whose detectors looks at helmets"):
        config(tmp_path, cameras=["cam", "cam2"])
