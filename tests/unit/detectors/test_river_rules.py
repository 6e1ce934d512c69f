"""What the stage says is what rules can ask for: from boxes to who fulfils a rule."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from alerts.rules import zone_entry
from detectors.stages.river import LABEL, Config, build
from lianfang.events import DetectedObject
from tests.support.configs import loaded
from tests.support.observations import at, observation
from tests.unit.detectors.river import BANK, HEIGHTS, PICTURE, WATER, Scene, person

ON_THE_BANK, IN_IT = person(0.2, 0.8), person(0.5, 0.5, 0.3, square=1.0, track="e:2")
CHILD = person(0.7, 0.8, 0.6, track="e:3")


def leaves(t: float) -> Iterable[DetectedObject]:
    return (ON_THE_BANK, IN_IT) if t <= 5 else (ON_THE_BANK,)


@pytest.mark.parametrize(
    ("rule", "scene", "first_s", "track"),
    [
        ({"having": {"in_water": [True]}}, lambda _t: (ON_THE_BANK, IN_IT, CHILD), 0.4, "e:2"),
        ({"having": {"child_size": [True]}}, lambda _t: (ON_THE_BANK, IN_IT, CHILD), 1.2, "e:3"),
        ({"having": {"still": [True]}}, lambda _t: (ON_THE_BANK, IN_IT, CHILD), 10.4, "e:2"),
        ({"having": {"alone": [True]}}, lambda _t: (CHILD,), 15.4, "e:3"),
        ({"labels": [LABEL]}, leaves, 13.4, f"e:{LABEL}2"),
        ({"labels": [LABEL]}, lambda _t: (ON_THE_BANK, IN_IT, CHILD), None, None),
        ({"having": {"in_water": [True]}}, lambda _t: (ON_THE_BANK, CHILD), None, None),
    ],
)
def test_a_rule_finds_whom_it_asks_for(
    tmp_path: Path, rule: dict[str, Any], scene: Scene, first_s: float | None, track: str | None
) -> None:
    entry = {
        "kind": "zone_entry",
        "name": "x",
        "cameras": ["cam"],
        "zones": ["river", "path"],
        "match": "any",
    }
    config = loaded(
        tmp_path,
        ("detectors.river", {"kind": "river"}),
        ("cameras.cam.detectors", ["objects", "river"]),
        ("cameras.cam.zones", {"river": WATER, "path": BANK}),
        ("cameras.cam.reference_heights", HEIGHTS),
        ("rules", {"asked": {**entry, **rule}}),
    )
    settings, stage = config.rules["asked"], config.detectors["river"]
    assert isinstance(settings, zone_entry.Config)
    assert isinstance(stage, Config)
    asked = zone_entry.build(settings, config)
    camera, state = build(stage, None).open_at(config.cameras["cam"], "cam", "e"), asked.initial()
    members: dict[float, list[str | None]] = {}
    for t in (i / 5 for i in range(101)):
        objects = camera.look(PICTURE, at(t), tuple(scene(t)))
        seen = observation(t, {}, epoch="e").model_copy(update={"objects": objects})
        state, sighting = asked.step(state, seen)
        if sighting.members:
            members[t] = [member.track_id for member in sighting.members]
    assert min(members, default=None) == first_s
    assert {track_id for found in members.values() for track_id in found} == ({track} if track else set())
