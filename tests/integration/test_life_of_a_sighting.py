"""How far a case goes before a person has to look: a speaker first, where that may be enough."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from alerts.store import Store
from alerts.store.schema import EvidenceRow
from lianfang.events import CameraCondition, CameraState
from tests.support.configs import loaded
from tests.support.decided import Desk
from tests.support.observations import at, observation
from tests.unit.alerts import test_passage
from tests.unit.alerts.test_incidents import A, stay
from tests.unit.alerts.test_passage import PLATE, WAITED, came, left

LOOP = {"text": "请离开{place}", "again_s": 30, "times": 2}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path}/store.db")
    yield opened
    opened.close()


def desk(store: Store, folder: Path, **keys: object) -> Desk:
    changes = [(f"rules.entry.{name}", value) for name, value in keys.items()]
    return Desk(store, loaded(folder, ("rules.entry.frames", 1), ("rules.entry.speech", LOOP), *changes))


def way(desk: Desk) -> list[str]:
    """Return the states of the only incident, as its timeline says, from the second one on."""
    (row,) = desk.incidents()
    states = [str(change.data["state"]) for change in desk.changes() if "state" in change.data]
    assert row.state == (states[-1] if states else row.state)
    return states


def test_who_leaves_when_spoken_to_is_nobodys_business(store: Store, tmp_path: Path) -> None:
    played = desk(store, tmp_path)
    played(*stay(0, 10, {1: A}))
    assert way(played) == ["broadcasting"]
    played(*stay(10, 20, {}))
    assert way(played) == ["broadcasting", "cleared"]
    played(*stay(20, 25, {2: A}))
    assert way(played)[2:] == ["broadcasting"]


def test_who_stays_is_a_persons(store: Store, tmp_path: Path) -> None:
    played = desk(store, tmp_path)
    played(*stay(0, 70, {1: A}), *stay(70, 80, {}))
    assert way(played) == ["broadcasting", "escalated"], "that they left at last is for a person to say"


def test_whom_nobody_sees_any_more_is_a_persons(store: Store, tmp_path: Path) -> None:
    played = desk(store, tmp_path)
    lost = CameraState(camera_id="cam", condition=CameraCondition.OFFLINE, captured_at=at(12))
    played(*stay(0, 10, {1: A}), lost)
    assert way(played) == ["broadcasting", "escalated"]


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"life_safety": True}, "a life is not left to a speaker"),
        ({"speech": None}, "nothing is said"),
        ({"speech": {**LOOP, "active": {"windows": [{"begin": "01:00", "end": "02:00"}]}}}, "not now"),
    ],
)
def test_what_rings_at_once(store: Store, tmp_path: Path, keys: dict[str, object], why: str) -> None:
    played = desk(store, tmp_path, **keys)
    played(*stay(0, 10, {1: A}))
    assert [row.state for row in played.incidents()] == ["new"], why


def test_where_nothing_can_be_said_any_more_people_must_look(store: Store, tmp_path: Path) -> None:
    until_now = {"windows": [{"begin": "14:00", "end": "14:01"}]}
    played = desk(store, tmp_path, speech={**LOOP, "again_s": 61, "active": until_now})
    played(*stay(0, 65, {1: A}))
    assert way(played) == ["broadcasting", "new"]


def test_what_is_only_recorded_stays_so(store: Store, tmp_path: Path) -> None:
    played = desk(store, tmp_path, record_only=True, closes_itself=True)
    played(*stay(0, 100, {1: A}), *stay(100, 110, {}), observation(300, {1: A}))
    assert {row.state for row in played.incidents()} == {"recorded"}


def test_what_closes_itself_does_so_while_nobody_has_it(store: Store, tmp_path: Path) -> None:
    played = desk(store, tmp_path, closes_itself=True)
    played(*stay(0, 10, {1: A}), *stay(10, 20, {}), observation(300, {}))
    assert [row.state for row in played.incidents()] == ["closed"]


def test_who_is_somewhere_inside_is_in_no_picture(store: Store, tmp_path: Path) -> None:
    played = Desk(store, test_passage.config(tmp_path))
    played(*came(0), *left(300, None), *WAITED)
    (row,) = played.incidents()
    assert (row.subject, row.review) == (PLATE, True)
    with store.read() as session:
        assert session.scalars(select(EvidenceRow)).all() == []
