"""Which zones are seen and heard: by walk tests, listening tests, and how devices are."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.map.covering import Covered, Hearing, Known, Sight, covered
from alerts.store.walks import AudibilityRow, WalkTestRow
from lianfang.config import Config
from tests.support.configs import loaded
from tests.support.observations import at

DAY = timedelta(days=1)
BANK = (("points.bank.longitude", 120.0), ("points.bank.latitude", 30.0))
HORN = ("receivers.horn.position", {"longitude": 120.0004, "latitude": 30.0})  # 39 m to the east
NOW = at(0) + 400 * DAY


def walk(zone: str = "water", distance: float = 10, days: float = 1, **columns: Any) -> WalkTestRow:  # noqa: ANN401
    row = {"id": "w", "camera": "cam", "zone": zone, "distance_m": distance, "pictures": 9, "seen": 3}
    began = NOW - days * DAY
    return WalkTestRow(
        **(row | {"started_at": began, "until": began, "ended_at": began, "counts": True} | columns)
    )


def listened(heard: str, distance: float, zone: str = "", days: float = 1) -> AudibilityRow:
    camera = "cam" if zone else ""
    return AudibilityRow(
        speaker="horn", heard=heard, distance_m=distance, camera=camera, zone=zone, at=NOW - days * DAY
    )


def zone(config: Config, **known: Any) -> Covered:  # noqa: ANN401
    given = {"blind": frozenset(), "healths": {"horn": "ready"}, "walks": (), "heard": ()} | known
    found = covered(config, Known(**given), NOW)
    return next(one for one in found if (one.camera, one.zone) == ("cam", "water"))


@pytest.mark.parametrize(
    ("walks", "expected", "metres"),
    [
        ((), Sight.UNTRIED, None),
        ((walk(zone="shore"),), Sight.UNTRIED, None),
        ((walk(),), Sight.SEEN, 10),
        ((walk(days=182),), Sight.SEEN, 10),
        ((walk(days=183),), Sight.OLD, 10),
        ((walk(days=200), walk(distance=30)), Sight.SEEN, 30),
        ((walk(seen=0, distance=50), walk(days=0.5)), Sight.MISSED, 50),  # another distance does not heal it
    ],
)
def test_a_zone_is_seen_where_the_last_walk_at_every_distance_was(
    tmp_path: Path, walks: tuple[WalkTestRow, ...], expected: Sight, metres: float | None
) -> None:
    found = zone(loaded(tmp_path), walks=walks)
    assert (found.sight, found.walk.distance_m if found.walk else None) == (expected, metres)


def test_a_camera_that_is_off_or_blind_sees_nothing_whatever_was_tried(tmp_path: Path) -> None:
    off = loaded(tmp_path, ("cameras.cam.enabled", False))
    assert zone(off, walks=(walk(),)).sight is Sight.DISABLED
    assert zone(loaded(tmp_path), walks=(walk(),), blind=frozenset({"cam"})).sight is Sight.OFFLINE


def test_a_point_without_a_camera_is_a_gap_of_its_own(tmp_path: Path) -> None:
    config = loaded(tmp_path)
    found = covered(config, Known(frozenset(), {}, (), ()), NOW)
    assert [one for one in found if not one.camera] == [Covered("gate", "", "", Sight.NONE, Hearing.NONE)]
    assert len(found) == 3


@pytest.mark.parametrize(
    ("changes", "heard", "expected"),
    [
        ((), (), Hearing.UNTRIED),
        ((), (listened("hardly", 10),), Hearing.HEARD),  # it stands at the point itself
        ((), (listened("not", 50),), Hearing.UNTRIED),
        ((*BANK, HORN), (listened("clearly", 50),), Hearing.HEARD),
        ((*BANK, HORN), (listened("clearly", 30),), Hearing.UNTRIED),  # 39 m are more
        ((*BANK, HORN), (listened("clearly", 10), listened("not", 30)), Hearing.NOT_HEARD),
        ((HORN,), (listened("clearly", 50),), Hearing.UNTRIED),  # nobody knows how far it is
        ((HORN,), (listened("not", 10),), Hearing.NOT_HEARD),
        ((*BANK, HORN), (listened("not", 50, "water"), listened("clearly", 50)), Hearing.NOT_HEARD),
        ((*BANK, HORN), (listened("not", 5, "water", 9), listened("hardly", 30, "water")), Hearing.HEARD),
        ((("cameras.cam.zones.water.speakers", []),), (listened("clearly", 50),), Hearing.NONE),
    ],
)
def test_who_stood_in_the_zone_is_believed_and_else_the_distance(
    tmp_path: Path, changes: tuple[tuple[str, Any], ...], heard: tuple[AudibilityRow, ...], expected: Hearing
) -> None:
    assert zone(loaded(tmp_path, *changes), heard=heard).hearing is expected


def test_a_speaker_that_does_not_work_is_not_heard(tmp_path: Path) -> None:
    heard = (listened("clearly", 10),)
    assert zone(loaded(tmp_path), heard=heard, healths={"horn": "silent"}).hearing is Hearing.FAULTY


def test_places_of_two_datums_are_not_compared(tmp_path: Path) -> None:
    config = loaded(tmp_path, *BANK, HORN, ("points.bank.datum", "gcj02"))
    assert zone(config, heard=(listened("clearly", 50),)).hearing is Hearing.UNTRIED
