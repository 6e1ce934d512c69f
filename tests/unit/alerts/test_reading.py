"""Readings of sensors: over a threshold for a while, faults of the sensor, and silence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.pipeline.order import Dropped
from lianfang.config import Config
from lianfang.errors import ConfigError
from lianfang.events import Reading
from tests.support.configs import loaded
from tests.support.observations import at
from tests.support.readings import GAUGE, reading, silence
from tests.unit.alerts.test_incidents import Play

FLOOD = {"kind": "reading", "name": "水位过高", "sensors": ["gauge"], "at_least": 3.0, "join_s": 60}


def config(folder: Path, **keys: object) -> Config:
    sensors = {"gauge": GAUGE, "gauge2": {**GAUGE, "name": "二号水位"}}
    return loaded(folder, ("sensors", sensors), ("rules.entry", {**FLOOD, **keys}))


def levels(*values: float | None, start: float = 0, every: float = 10) -> list[Reading]:
    return [reading(start + i * every, value) for i, value in enumerate(values)]


TABLE = [
    ("at the threshold it begins, below it is over", {}, [2.9, 3.0, 2.9], [(10, "opened"), (20, "cleared")]),
    ("with hysteresis it lasts", {"until": 2.5}, [3.0, 2.6, 2.5], [(0, "opened"), (20, "cleared")]),
    ("it must be so for a while", {"for_s": 20}, [3.1, 2.0, 3.1, 3.2, 3.3], [(40, "opened")]),
    ("and be over for a while", {"for_s": 10}, [3, 3, 2, 3, 2, 2], [(10, "opened"), (50, "cleared")]),
    (
        "too low",
        {"at_least": None, "at_most": 1.0, "until": 1.2},
        [1.1, 1.0, 1.1, 1.2],
        [(10, "opened"), (30, "cleared")],
    ),
    ("what the gauge cannot measure is no flood", {}, [2.0, 900.0, 2.0], []),
    ("nor the end of one", {}, [3.5, -1.0, 3.5], [(0, "opened")]),
    (
        "one that comes again soon is the same",
        {},
        [3, 2, 3],
        [(0, "opened"), (10, "cleared"), (20, "returned")],
    ),
]


@pytest.mark.parametrize(
    ("keys", "values", "expected"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_thresholds(
    tmp_path: Path, keys: dict[str, object], values: list[float], expected: list[tuple[float, str]]
) -> None:
    assert Play(config(tmp_path, **keys))(levels(*values)).changes == expected


def test_it_is_at_the_sensors_point_and_says_the_newest_value(tmp_path: Path) -> None:
    play = Play(config(tmp_path))(levels(3.1, 3.4))
    incident = play.only
    assert (incident.place, incident.point, incident.camera, incident.zone) == ("bank", "bank", "gauge", "")
    assert incident.figures == {"gauge": {"water_level": 3.4}}


def test_two_gauges_of_a_point_are_one_flood_and_both_must_fall(tmp_path: Path) -> None:
    play = Play(config(tmp_path, sensors=["gauge", "gauge2"]))
    play([reading(0, 3.1), reading(5, 3.2, sensor="gauge2"), reading(10, 2.0)])
    assert play.changes == [(0, "opened")]
    play([reading(20, 2.0, sensor="gauge2")])
    assert play.kinds == ["opened", "cleared"]


def test_another_unit_is_a_fault_and_no_flood(tmp_path: Path) -> None:
    centimetres = [reading(t, 7.0, unit="cm") for t in range(5)]
    assert Play(config(tmp_path))(centimetres).changes == []


def test_who_falls_silent_in_a_flood_leaves_it_unknown(tmp_path: Path) -> None:
    play = Play(config(tmp_path))([*levels(3.1, 3.2), silence(610), reading(700, 3.0), reading(710, 2.0)])
    assert play.changes == [(0, "opened"), (610, "unseen"), (700, "seen"), (710, "cleared")]


def test_repeated_and_late_readings_are_dropped(tmp_path: Path) -> None:
    script = levels(2.0, 3.1, 2.0)
    play = Play(config(tmp_path))([*script, *script])
    assert play.kinds == ["opened", "cleared"]
    assert play.dropped == [Dropped.LATE] * 3


def faults(folder: Path, **keys: object) -> Play:
    stanza = {"kind": "device", "name": "设备故障", "sensors": ["gauge"], **keys}
    return Play(loaded(folder, ("sensors", {"gauge": GAUGE}), ("rules.entry", stanza)))


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([reading(0, 2.0), silence(600), reading(700, 2.0)], [(600, "opened"), (700, "cleared")]),
        ([reading(0, 2.0), silence(599), reading(700, 2.0)], []),
        ([silence(599)], [(599, "opened")]),
        ([reading(0, 2.0), reading(10, None), reading(20, 2.0)], [(10, "opened"), (20, "cleared")]),
        ([reading(0, 99.0), reading(10, 2.0)], [(0, "opened"), (10, "cleared")]),
    ],
    ids=["silent", "not silent enough", "never heard", "it says so itself", "implausible"],
)
def test_faults_of_a_sensor(tmp_path: Path, events: list[Reading], expected: list[tuple[float, str]]) -> None:
    assert faults(tmp_path)(events).changes == expected


def test_being_called_silent_makes_no_reading_late(tmp_path: Path) -> None:
    """The clock of the host that says so is an hour ahead."""
    play = faults(tmp_path)([reading(0, 2.0), silence(3600), reading(10, 2.0)])
    assert play.dropped == []
    assert play.kinds == ["opened", "cleared"]


def test_only_the_faults_that_it_is_about(tmp_path: Path) -> None:
    play = faults(tmp_path, conditions=["sensor_silent"])([reading(0, 99.0), reading(10, 2.0)])
    assert play.changes == []


VALUES = st.lists(st.sampled_from([1.0, 2.6, 3.0, 3.5, 99.0, None]), min_size=1, max_size=30)


@given(values=VALUES, data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_restarted_from_any_point_with_duplicates_it_decides_the_same(
    tmp_path: Path, values: Sequence[float | None], data: st.DataObject
) -> None:
    site = config(tmp_path, until=2.5, for_s=15)
    script = levels(*values)
    live = Play(site)(script)
    cut, again = data.draw(st.integers(0, len(script))), data.draw(st.integers(0, len(script)))
    before, after = Play(site)(script[:cut]), Play(site)
    after.decider.hold(i for i in before.incidents.values() if i.ended_at is None)
    for event in script[:cut]:
        after.order.admit(event)
        after.decider.remember(event)
    after([*script[min(cut, again) : cut], *script[cut:]])
    assert before.changes + after.changes == live.changes
    assert before.incidents | after.incidents == live.incidents


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"at_most": 1.0}, "exactly one of 'at_least' and 'at_most'"),
        ({"until": 3.0}, "an 'until' below 'at_least'"),
        ({"sensors": ["buoy"]}, "rules.entry.sensors.0: found 'buoy'; allowed: one of gauge, gauge2"),
        ({"at_least": 9.0}, "rules.entry.at_least: found 9.0; allowed: a value that 东岸水位 can give"),
        ({"speakers": ["police"]}, "rules.entry.speakers.0: found 'police'; allowed: one of horn"),
        ({"cameras": ["cam"]}, "rules.entry.cameras"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, keys: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config(tmp_path, **keys)


@pytest.mark.parametrize(
    ("sensor", "message"),
    [
        ({"low": 8}, "a 'high' above 'low', which is 8"),
        ({"point": "moon"}, "sensors.gauge.point: found 'moon'; allowed: one of bank, gate"),
    ],
)
def test_what_is_wrong_with_a_sensor_is_named(
    tmp_path: Path, sensor: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        loaded(tmp_path, ("sensors", {"gauge": {**GAUGE, **sensor}}))


def test_a_sensor_is_not_called_as_a_camera_is(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="found 'cam'; allowed: an id that no camera has"):
        loaded(tmp_path, ("sensors", {"cam": GAUGE}))


def test_a_reading_that_is_older_than_the_last_is_late(tmp_path: Path) -> None:
    play = Play(config(tmp_path))([reading(10, 2.0), reading(5, 3.5)])
    assert (play.changes, play.dropped) == ([], [Dropped.LATE])
    assert reading(5, 3.5).captured_at == at(5)
