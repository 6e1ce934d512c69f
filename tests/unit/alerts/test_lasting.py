"""What outlives the read-back: kept now and then, and restored, it decides as if it had never been away."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.pipeline.order import Event
from lianfang.config import Config
from tests.support.configs import loaded
from tests.support.observations import observation
from tests.support.readings import GAUGE, reading
from tests.unit.alerts.test_incidents import OUT, A, B, C, Play

OBJECTS = {
    "kind": "objects",
    "engine": {"kind": "onnx"},
    "labels": ["person", "bicycle", "motorcycle", "car"],
}
WINDOW = {"windows": [{"begin": "14:00", "end": "14:01"}]}
KINDS: Mapping[str, Mapping[str, object]] = {
    "crowd": {"zones": ["water"], "at_least": 2, "until": 1, "for_s": 1},
    "plate": {"zones": ["water"], "labels": ["car"], "report": "overstay", "stay_s": 10, "away_s": 3},
    "helmet": {"zones": ["water"], "rush": WINDOW},
    "reading": {"sensors": ["gauge"], "at_least": 3, "until": 2, "for_s": 2},
}


def config(folder: Path, kind: str) -> Config:
    stanza: dict[str, Any] = {"kind": kind, "name": "规则", **KINDS[kind]}
    if kind != "reading":
        stanza["cameras"] = ["cam"]
    stages = {"objects": OBJECTS, "heads": {"kind": "helmet"}, "plates": {"kind": "plate"}}
    return loaded(
        folder,
        ("detectors", stages),
        ("cameras.cam.detectors", ["objects", "heads", "plates"]),
        ("sensors", {"gauge": GAUGE}),
        ("rules.entry", stanza),
    )


PLACES = st.sampled_from([A, B, C, OUT])
SAID = st.sampled_from(
    [
        {},
        {"helmet": "bare"},
        {"helmet": "unknown"},
        {"plate": "粤T12345", "plate_accepted": True},
        {"plate": "粤A98765", "plate_accepted": True},
    ]
)
Look = tuple[dict[Any, tuple[float, float]], Mapping[str, object], str]
LOOK = st.tuples(st.dictionaries(st.sampled_from([1, 2, 3]), PLACES, max_size=3), SAID, st.sampled_from("ef"))


def script(kind: str, looks: Sequence[Look]) -> list[Event]:
    if kind == "reading":
        return [reading(i * 2, 1.0 + len(people)) for i, (people, _, _) in enumerate(looks)]
    label = "car" if kind == "plate" else "person"
    # A tracker that begins anew now and then: from the first "f" on it is another one.
    turned = next((i for i, (_, _, epoch) in enumerate(looks) if epoch == "f"), len(looks))
    return [
        observation(i * 2, people, label=label, attributes=said, epoch="e1" if i < turned else "e2")
        for i, (people, said, _) in enumerate(looks)
    ]


@pytest.mark.parametrize("kind", KINDS)
@given(looks=st.lists(LOOK, min_size=5, max_size=40), data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_restored_at_any_point_it_decides_the_same(
    tmp_path: Path, kind: str, looks: Sequence[Any], data: st.DataObject
) -> None:
    site = config(tmp_path, kind)
    events = script(kind, looks)
    live = Play(site)(events)
    cut = data.draw(st.integers(0, len(events)), label="where it dies")
    kept = data.draw(st.integers(0, cut), label="up to where it had kept")
    before = Play(site)(events[:kept])
    checkpoint = json.loads(json.dumps(before.decider.lasting(["cam", "gauge"])))
    before(events[kept:cut])
    after = Play(site)
    after.decider.hold(i for i in before.incidents.values() if i.ended_at is None)
    after.decider.restore(checkpoint)
    # All that is read back is what came after the checkpoint, and for others a little of what came before.
    for i, event in enumerate(events[:cut]):
        assert after.order.admit(event) is None
        after.decider.remember(event, lasting=i >= kept)
    after(events[cut:])
    assert before.changes + after.changes == live.changes
    assert before.incidents | after.incidents == live.incidents


def test_a_rule_that_counts_otherwise_now_begins_anew(tmp_path: Path) -> None:
    before = Play(config(tmp_path, "reading"))([reading(0, 3.0), reading(2, 3.0)])
    assert before.kinds == ["opened"]
    kept = before.decider.lasting(["gauge"])
    after = Play(
        loaded(
            tmp_path,
            ("sensors", {"gauge": GAUGE}),
            ("rules.entry", {"kind": "reading", "name": "规则", **KINDS["reading"], "at_least": 4}),
        )
    )
    after.decider.restore(kept)
    assert after([reading(4, 3.5), reading(6, 3.5)]).changes == []


@pytest.mark.parametrize("broken", [{"format": 99}, {"state": {"on": "perhaps"}}])
def test_what_another_version_wrote_is_left_alone(tmp_path: Path, broken: dict[str, object]) -> None:
    site = config(tmp_path, "reading")
    kept = Play(site)([reading(0, 3.0)]).decider.lasting(["gauge"])
    kept["gauge"]["entry"] |= broken
    after = Play(site)
    after.decider.restore(kept)
    assert after([reading(2, 3.0), reading(4, 3.0)]).changes == [(4, "opened")]


def test_only_what_outlives_the_read_back_is_kept(tmp_path: Path) -> None:
    play = Play(loaded(tmp_path))([observation(0, {1: A})])
    assert play.decider.lasting(["cam", "cam2", "gone"]) == {}
