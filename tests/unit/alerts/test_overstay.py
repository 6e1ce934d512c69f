"""Vehicles that stay longer than they may, by plate or by track, whatever happens in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from lianfang.config import Config
from lianfang.events import Observation
from tests.support.observations import observation
from tests.unit.alerts import test_plate
from tests.unit.alerts.test_incidents import A, B, Play
from tests.unit.alerts.test_plate import LISTED, OTHER, car


def config(folder: Path, text: str | None = None, **keys: object) -> Config:
    return test_plate.config(folder, text, **{"report": "overstay", "stay_s": 600, "away_s": 60, **keys})


def parked(
    start: int, end: int, plate: str | None = OTHER, *, track: int = 1, epoch: str = "e1"
) -> list[Observation]:
    said: dict[str, object] = {} if plate is None else {"plate": plate, "plate_accepted": True}
    return [
        observation(t, {track: A}, epoch=epoch, label="car", attributes=said) for t in range(start, end, 2)
    ]


def nothing(start: int, end: int, epoch: str = "e1") -> list[Observation]:
    return [observation(t, {}, epoch=epoch) for t in range(start, end, 2)]


TABLE = [
    ("one that stays", parked(0, 700), [(600, "opened")]),
    ("and leaves", [*parked(0, 620), *nothing(620, 700)], [(600, "opened"), (686, "cleared")]),
    ("one that leaves in time", [*parked(0, 590), *nothing(590, 700)], []),
    ("hidden by a passer-by", [*parked(0, 300), *nothing(300, 340), *parked(340, 700)], [(600, "opened")]),
    ("gone for longer", [*parked(0, 300), *nothing(300, 380), *parked(380, 700)], []),
    ("a new track", [*parked(0, 300), *parked(300, 700, track=7)], [(600, "opened")]),
    ("a new tracker", [*parked(0, 300), *parked(310, 700, epoch="e2")], [(600, "opened")]),
    ("nobody looked for an hour", [*parked(0, 300), *parked(3900, 3910)], [(3900, "opened")]),
    ("read only later", [*parked(0, 200, None), *parked(200, 700)], [(600, "opened")]),
    ("never read", parked(0, 700, None), [(600, "opened")]),
    (
        "never read, and another tracker",
        [*parked(0, 300, None), *parked(300, 700, None, epoch="e2")],
        [],
    ),
    ("two, one after the other", [*parked(0, 400), *parked(400, 800, LISTED, track=2)], []),
]


@pytest.mark.parametrize(("events", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_stays(tmp_path: Path, events: list[Observation], expected: list[tuple[float, str]]) -> None:
    assert Play(config(tmp_path))(events).changes == expected


def test_each_plate_is_a_subject(tmp_path: Path) -> None:
    play = Play(config(tmp_path))
    for t in range(0, 700, 2):
        one, two = car(t, OTHER), car(t, LISTED, track=2, where=B)
        play([one.model_copy(update={"objects": (*one.objects, *two.objects)})])
    assert sorted(i.subject for i in play.incidents.values()) == sorted([OTHER, LISTED])


def test_an_unsure_read_is_no_plate(tmp_path: Path) -> None:
    play = Play(config(tmp_path))(car(t, OTHER, sure=False) for t in range(0, 700, 2))
    assert play.only.subject == ""


def test_who_is_on_the_list_may_stay(tmp_path: Path) -> None:
    residents = config(tmp_path, f"plate,from,until\n{OTHER},,2026-07-01T14:05\n")
    assert Play(residents)(parked(0, 280)).changes == []
    assert Play(residents)(parked(0, 1000)).changes == [(900, "opened")], (
        "its time is over after five minutes"
    )
