"""A reading and a picture together: in any order within the window, after a restart, without the sensor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.pipeline.order import Event
from alerts.together import LATE_S
from lianfang.config import Config
from lianfang.errors import ConfigError
from lianfang.events import Reading
from tests.support.configs import loaded
from tests.support.observations import observation
from tests.support.readings import reading
from tests.unit.alerts.test_incidents import OUT, A, Play

MOTION = {"name": "红外", "point": "bank", "kind": "motion", "low": 0, "high": 1, "silent_s": 300}
TOGETHER = {"sensor": "pir", "at_least": 1, "within_s": 10}


def config(folder: Path, **together: object) -> Config:
    return loaded(
        folder,
        ("sensors", {"pir": MOTION}),
        ("rules.entry.frames", 1),
        ("rules.entry.cameras", ["cam"]),
        ("rules.entry.speech", ...),
        ("rules.entry.together", {**TOGETHER, **together}),
    )


def motion(seconds: float, value: float = 1) -> Reading:
    """Return a reading as it is copied into the stream of the camera."""
    said = reading(seconds, value, sensor="pir", kind="motion", unit="")
    return said.model_copy(update={"camera_id": "cam"})


def there(*seconds: float) -> list[Event]:
    return [observation(t, {1: A}) for t in seconds]


def away(*seconds: float) -> list[Event]:
    return [observation(t, {}) for t in seconds]


QUIET = motion(-100, 0)
TABLE: list[tuple[str, list[Event], list[tuple[float, str]]]] = [
    ("the sensor first", [motion(-5), *there(0, 1)], [(0, "opened")]),
    ("the picture first", [QUIET, *there(0, 1), motion(1.5)], [(0, "opened")]),
    ("the sensor alone", [motion(0), *away(1, 20)], []),
    ("the picture alone", [QUIET, *there(*range(30))], []),
    ("the sensor too early", [motion(-11), *there(*range(30))], []),
    ("a sensor that says that all is still", [QUIET, *there(0, 1), motion(2, 0), *there(*range(3, 30))], []),
    ("it comes late", [QUIET, *there(*range(14)), motion(9.5)], [(0, "opened")]),
    ("who stays while the sensor is still", [motion(0), *there(*range(60))], [(0, "opened")]),
    ("a broken sensor leaves it to the camera", there(*range(20)), [(0, "opened")]),
    ("so does one that says nonsense", [motion(-1, 7), *there(*range(20))], [(0, "opened")]),
]


@pytest.mark.parametrize(("events", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_together(tmp_path: Path, events: list[Event], expected: list[tuple[float, str]]) -> None:
    assert Play(config(tmp_path))(events).changes == expected


def test_the_evidence_is_the_picture_that_it_is_about(tmp_path: Path) -> None:
    play = Play(config(tmp_path))
    pictures = there(0, 1)
    play([QUIET, *pictures])
    (opened,) = [d for d in play.decider.decide(motion(1.5)) if d.changes]
    assert opened.event == pictures[0]


@given(
    where=st.lists(st.sampled_from([A, OUT, None]), min_size=5, max_size=60),
    fired=st.lists(st.integers(0, 60), unique=True, max_size=4),
    delays=st.lists(st.floats(-5, LATE_S - 0.6), min_size=4, max_size=4),
    data=st.data(),
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_neither_the_order_nor_a_restart_matters(
    tmp_path: Path,
    where: Sequence[tuple[float, float] | None],
    fired: Sequence[int],
    delays: Sequence[float],
    data: st.DataObject,
) -> None:
    site = config(tmp_path, within_s=3)
    pictures = [(i / 2, observation(i / 2, {1: foot} if foot else {})) for i, foot in enumerate(where)]
    # So much time goes by that nothing waits at the end.
    pictures += [(t, observation(t, {})) for t in range(40, 60)]
    readings = [QUIET, *(motion(t / 2 + 0.1) for t in sorted(fired))]

    def arriving(late: Sequence[float]) -> list[Event]:
        # Readings of one sensor keep their order.
        times, last = [], -200.0
        for said, by in zip(readings[1:], late, strict=False):
            last = max(last, (said.at - pictures[0][1].captured_at).total_seconds() + by)
            times.append((last, said))
        merged: list[tuple[float, Event]] = [*pictures, *times]
        return [readings[0], *(event for _, event in sorted(merged, key=lambda pair: pair[0]))]

    in_time, script = arriving([0.0] * 4), arriving(delays)
    live = Play(site)(script)
    assert live.changes == Play(site)(in_time).changes
    cut = data.draw(st.integers(0, len(script)))
    before, after = Play(site)(script[:cut]), Play(site)
    after.decider.hold(i for i in before.incidents.values() if i.ended_at is None)
    for event in script[:cut]:
        assert after.order.admit(event) is None
        after.decider.remember(event)
    after(script[cut:])
    assert before.changes + after.changes == live.changes
    assert before.incidents | after.incidents == live.incidents


@pytest.mark.parametrize(
    ("together", "message"),
    [
        ({"sensor": "radar"}, "rules.entry.together.sensor: found 'radar'; allowed: one of pir"),
        ({"at_most": 0}, "exactly one of 'at_least' and 'at_most'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, together: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config(tmp_path, **together)
