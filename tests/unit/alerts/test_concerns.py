"""A rule that says an observation does not concern it sees nobody in it, and learns nothing from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.ground import Ground
from alerts.pipeline.rulebook import RuleBook
from tests.support.configs import loaded
from tests.support.observations import observation

LABELS = ("person", "car", "camera_covered", "boat")
IN_ZONE = {"cameras": ["cam"], "zones": ["water"]}
RULES: dict[str, dict[str, Any]] = {
    "entry": {"kind": "zone_entry", "frames": 2, **IN_ZONE},
    "water": {"kind": "zone_entry", "having": {"in_water": [True]}, **IN_ZONE},
    "stay": {"kind": "loitering", "dwell_s": 2, **IN_ZONE},
    "crowd": {"kind": "crowd", "at_least": 2, "for_s": 1, **IN_ZONE},
    "fence": {"kind": "line_crossing", "cameras": ["cam"], "lines": ["fence"], "direction": "both"},
    "unread": {"kind": "plate", "report": "unread", "unread_s": 1, "labels": ["car"], **IN_ZONE},
    "fault": {"kind": "device", "cameras": ["cam"], "conditions": ["offline", "camera_covered"]},
}
PEOPLE = st.dictionaries(
    st.one_of(st.none(), st.integers(1, 3)),
    st.tuples(st.sampled_from([0.1, 0.45, 0.55, 0.9]), st.sampled_from([0.1, 0.9])),
    max_size=3,
)
SCRIPT = st.lists(st.tuples(st.sampled_from([0.5, 4.0, 12.0]), st.sampled_from(LABELS), PEOPLE), max_size=12)


@pytest.fixture
def book(tmp_path: Path) -> RuleBook:
    detectors = {
        "objects": {"kind": "objects", "engine": {"kind": "onnx"}, "labels": ["person", "boat", "car"]},
        "plate": {"kind": "plate"},
        "river": {"kind": "river"},
    }
    config = loaded(
        tmp_path,
        ("detectors", detectors),
        ("cameras.cam.detectors", list(detectors)),
        ("cameras.cam.zones.water.kind", "water"),
        ("cameras.cam.lines", {"fence": {"start": [0.5, 0], "end": [0.5, 1], "zone": "water"}}),
        ("rules", {name: {"name": name, **rule} for name, rule in RULES.items()}),
    )
    return RuleBook(config)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(SCRIPT)
def test_what_does_not_concern_a_rule_changes_nothing(book: RuleBook, script: list[Any]) -> None:
    ground = Ground.of(book.config.cameras["cam"])
    for name, ready in book.rules.items():
        assert ready.rule.renumbered(ready.rule.initial()) == ready.rule.initial(), name
        state, seconds = ready.rule.initial(), 0.0
        for pause, label, people in script:
            seconds += pause
            seen = observation(seconds, people, label=label, attributes={"in_water": True})
            after, sighting = ready.rule.step(state, seen)
            if not ready.rule.concerns(state, seen):
                assert after == state, name
                assert not sighting.members, name
                assert not sighting.present, name
            if ready.sleeps and state == ready.rule.initial() and not ground.standing(seen):
                assert not ready.rule.concerns(state, seen), name
            state = after
