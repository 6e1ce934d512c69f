"""Vehicles that came in and did not go out: two cameras, one state, and no claim that nobody can know."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lianfang.config import Config
from lianfang.config.sharing import log_keys
from lianfang.errors import ConfigError
from lianfang.events import Observation
from tests.support.configs import SQUARE, loaded
from tests.support.observations import observation
from tests.unit.alerts.test_incidents import OUT, A, Play

PLATE, LOOKS_LIKE, OTHER = "粤T12345", "粤T1234S", "粤A98765"
STAY = 600


def config(folder: Path, text: str | None = None, **keys: object) -> Config:
    stanza: dict[str, object] = {
        "kind": "plate",
        "name": "滞留车辆",
        "cameras": ["cam"],
        "exits": ["way_out"],
        "zones": ["water"],
        "report": "overstay",
        "stay_s": STAY,
        "away_s": 60,
        "labels": ["car"],
        **keys,
    }
    if text is not None:
        (folder / "residents.csv").write_text(text, encoding="utf-8")
        stanza["list"] = "residents.csv"
    stage = {"kind": "objects", "engine": {"kind": "onnx"}, "labels": ["car", "person"]}
    camera = {"name": "出口", "point": "gate", "source": {"kind": "rtsp", "url": "rtsp://127.0.0.1:8554/c"}}
    return loaded(
        folder,
        ("detectors.objects", stage),
        ("detectors.plates", {"kind": "plate"}),
        ("cameras.cam.detectors", ["objects", "plates"]),
        (
            "cameras.way_out",
            {**camera, "detectors": ["objects", "plates"], "zones": {"water": {"polygon": SQUARE}}},
        ),
        ("rules.entry", stanza),
    )


def seen(
    start: int, camera: str, plate: str | None, *, sure: bool = True, where: tuple[float, float] = A
) -> list[Observation]:
    """Return three pictures of a vehicle, and one of the empty lane."""
    said: dict[str, object] = {} if plate is None else {"plate": plate, "plate_accepted": sure}
    track: dict[str | int | None, tuple[float, float]] = {start: where}
    pictures = [
        observation(start + i, track, camera=camera, epoch=camera, label="car", attributes=said)
        for i in range(3)
    ]
    return [*pictures, observation(start + 3, {}, camera=camera, epoch=camera)]


def came(start: int, plate: str | None = PLATE, *, sure: bool = True) -> list[Observation]:
    return seen(start, "cam", plate, sure=sure)


def left(start: int, plate: str | None = PLATE, *, sure: bool = True) -> list[Observation]:
    return seen(start, "way_out", plate, sure=sure)


def empty(start: int, end: int, camera: str = "cam") -> list[Observation]:
    return [observation(t, {}, camera=camera, epoch=camera) for t in range(start, end, 5)]


WAITED = empty(595, 700)
TABLE = [
    ("stays", [*came(0), *WAITED], [(600, "opened")], False),
    ("leaves in time", [*came(0), *left(300), *WAITED], [], False),
    (
        "leaves too late",
        [*came(0), *empty(595, 640), *left(640), *empty(645, 700)],
        [(600, "opened"), (655, "cleared")],
        False,
    ),
    ("was not read when it came", [*came(0, None), *WAITED], [], False),
    ("was not surely read when it came", [*came(0, sure=False), *WAITED], [], False),
    ("left as what looks like it", [*came(0), *left(300, LOOKS_LIKE), *WAITED], [(600, "opened")], True),
    ("left, not surely read", [*came(0), *left(300, sure=False), *WAITED], [(600, "opened")], True),
    ("left, or another, unread", [*came(0), *left(300, None), *WAITED], [(600, "opened")], True),
    (
        "one was unread before it came",
        [*left(0, None), *came(20), *empty(30, 40), *empty(615, 700)],
        [(620, "opened")],
        False,
    ),
    ("another left", [*came(0), *left(300, OTHER), *WAITED], [(600, "opened")], False),
    (
        "another left, not surely read",
        [*came(0), *left(300, OTHER, sure=False), *WAITED],
        [(600, "opened")],
        True,
    ),
    (
        "left unseen, came again",
        [*came(0), *came(400), *WAITED, *empty(995, 1010)],
        [(1000, "opened")],
        False,
    ),
    (
        "waits at the entrance",
        [*came(0), *came(40), *WAITED],
        [(600, "opened")],
        False,
    ),
    (
        "the exit is heard of first",
        [*left(10), *came(0), *WAITED],
        [],
        False,
    ),
    (
        "beside the lane",
        [*came(0), *seen(300, "way_out", PLATE, where=OUT), *WAITED],
        [(600, "opened")],
        False,
    ),
    (
        "given up after a week",
        [*came(0), *empty(600, 620), *empty(8 * 86400, 8 * 86400 + 20)],
        [(600, "opened"), (8 * 86400 + 10, "cleared"), (8 * 86400 + 15, "ended")],
        False,
    ),
]


@pytest.mark.parametrize(
    ("events", "expected", "review"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_stays(tmp_path: Path, events: list[Observation], expected: object, review: bool) -> None:
    play = Play(config(tmp_path))(events)
    assert play.changes == expected
    assert all((i.subject, i.review, i.camera) == (PLATE, review, "cam") for i in play.incidents.values())


def test_a_track_that_was_misread_at_first_is_one_vehicle(tmp_path: Path) -> None:
    misread, read = came(0, LOOKS_LIKE)[:2], came(0)[2:]
    play = Play(config(tmp_path))([*misread, *read, *left(300), *WAITED])
    assert play.changes == []


def test_who_is_on_the_list_may_stay(tmp_path: Path) -> None:
    residents = config(tmp_path, f"plate,from,until\n{PLATE},,\n")
    assert Play(residents)([*came(0), *WAITED]).changes == []


def test_each_is_an_incident_of_its_own(tmp_path: Path) -> None:
    play = Play(config(tmp_path))([*came(0), *came(20, OTHER), *empty(595, 700)])
    assert sorted(i.subject for i in play.incidents.values()) == sorted([PLATE, OTHER])


def test_entrance_and_exit_have_one_key(tmp_path: Path) -> None:
    keys = log_keys(config(tmp_path))
    assert keys["cam"] == keys["way_out"] == keys["cam2"], "cam2 stands at the point of cam"


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"exits": ["nowhere"]}, r"exits.0: found 'nowhere'"),
        ({"exits": ["cam"]}, "not among the 'cameras'"),
        ({"report": "unread"}, "only with 'report: overstay'"),
        ({"exits": ["cam2"]}, "none of whose detectors reads plates"),
    ],
)
def test_an_exit_must_read_plates(tmp_path: Path, keys: dict[str, Any], found: str) -> None:
    with pytest.raises(ConfigError, match=found):
        config(tmp_path, **keys)


PASSES = st.tuples(
    st.sampled_from([came, left]), st.sampled_from([PLATE, LOOKS_LIKE, OTHER, None]), st.booleans()
)


@given(passes=st.lists(PASSES, min_size=2, max_size=12), data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_restored_at_any_point_it_decides_the_same(
    tmp_path: Path, passes: Sequence[tuple[object, str | None, bool]], data: st.DataObject
) -> None:
    site = config(tmp_path, stay_s=30)
    events = [
        event
        for i, (which, plate, sure) in enumerate(passes)
        for event in (came if which is came else left)(i * 12, plate, sure=sure)
    ]
    live = Play(site)(events)
    cut = data.draw(st.integers(0, len(events)), label="where it dies")
    kept = data.draw(st.integers(0, cut), label="up to where it had kept")
    before = Play(site)(events[:kept])
    checkpoint = json.loads(json.dumps(before.decider.lasting({e.camera_id for e in events[:kept]})))
    before(events[kept:cut])
    after = Play(site)
    after.decider.hold(i for i in before.incidents.values() if i.ended_at is None)
    after.decider.restore(checkpoint)
    for i, event in enumerate(events[:cut]):
        assert after.order.admit(event) is None
        after.decider.remember(event, lasting=i >= kept)
    after(events[cut:])
    assert before.changes + after.changes == live.changes
    assert before.incidents | after.incidents == live.incidents
