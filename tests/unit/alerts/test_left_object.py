"""Things left behind: outside the hours, a bag and not anything, until it is picked up."""

from __future__ import annotations

from pathlib import Path

import pytest

from lianfang.config import Config
from lianfang.errors import ConfigError
from lianfang.events import Observation
from tests.support.configs import loaded
from tests.support.observations import observation
from tests.unit.alerts.test_incidents import A, Play

HOURS = {"windows": [{"begin": "18:00", "end": "21:00"}], "outside": True}


def config(folder: Path, **keys: object) -> Config:
    stanza = {
        "kind": "left_object",
        "name": "乱丢垃圾",
        "cameras": ["cam"],
        "zones": ["water"],
        "active": HOURS,
        **keys,
    }
    return loaded(
        folder,
        ("detectors.litter", {"kind": "garbage"}),
        ("cameras.cam.detectors", ["objects", "litter"]),
        ("rules.entry", stanza),
    )


def lying(start: int, end: int, bag: bool | str = True) -> list[Observation]:
    """Return a thing that lies there, a picture a second; the script begins at 14:00 in Shanghai."""
    seen = {"label": "left_object", "attributes": {"bag": bag}}
    return [observation(t, {"left_object1": A}, **seen) for t in range(start, end)]  # type: ignore[arg-type]


def nothing(start: int, end: int) -> list[Observation]:
    return [observation(t, {}) for t in range(start, end)]


def test_a_bag_outside_the_hours_is_an_incident_until_it_is_picked_up(tmp_path: Path) -> None:
    play = Play(config(tmp_path))([*lying(0, 60), *nothing(60, 200)])
    assert play.changes == [(2, "opened"), (62, "cleared"), (179, "ended")]


def test_within_the_hours_it_is_none(tmp_path: Path) -> None:
    hours = {"windows": [{"begin": "13:00", "end": "15:00"}], "outside": True}
    assert Play(config(tmp_path, active=hours))(lying(0, 60)).changes == []


def test_what_is_no_bag_is_none(tmp_path: Path) -> None:
    assert Play(config(tmp_path))(lying(0, 60, bag=False)).changes == []


def test_what_may_be_a_bag_is_one_unless_only_sure_ones_count(tmp_path: Path) -> None:
    assert Play(config(tmp_path))(lying(0, 60, bag="unknown")).changes == [(2, "opened")]
    assert Play(config(tmp_path, having={"bag": [True]}))(lying(0, 60, bag="unknown")).changes == []


def test_where_anything_counts(tmp_path: Path) -> None:
    assert Play(config(tmp_path, having={}))(lying(0, 60, bag=False)).changes == [(2, "opened")]


def test_a_camera_that_looks_for_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"found 'left_object'; allowed: a label that the detectors of camera cam2"
    ):
        config(tmp_path, cameras=["cam", "cam2"])
