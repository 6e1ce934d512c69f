"""What a configuration may ask of left objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from detectors.stages.garbage import LABEL
from lianfang.errors import ConfigError
from tests.support.configs import loaded


@pytest.mark.parametrize(
    ("stages", "people", "faults"),
    [
        (["objects", "litter"], ["person"], []),
        (["litter", "objects"], ["person"], ["detectors.litter.people"]),
        (["litter"], ["person"], ["detectors.litter.people"]),
        (["objects", "litter"], ["dog"], ["detectors.litter.people"]),
        # A stage that no camera names is no fault.
        (["objects"], ["dog"], []),
    ],
)
def test_a_camera_that_finds_no_people_first_is_a_fault(
    tmp_path: Path, stages: list[str], people: list[str], faults: list[str]
) -> None:
    changes = (
        ("detectors.litter", {"kind": "garbage", "people": people, "confirm": "none"}),
        ("cameras.cam.detectors", stages),
        ("rules.entry.cameras", ["cam2"]),
    )
    assert [key for key in keys_at_fault(tmp_path, *changes) if "litter" in key] == faults


@pytest.mark.parametrize(("label", "faults"), [(LABEL, 0), ("bag", 1)])
def test_rules_can_ask_for_its_label(tmp_path: Path, label: str, faults: int) -> None:
    changes = (
        ("detectors.litter", {"kind": "garbage", "confirm": "none"}),
        ("cameras.cam.detectors", ["objects", "litter"]),
        ("rules.entry.cameras", ["cam"]),
        ("rules.entry.labels", [label]),
    )
    assert len([key for key in keys_at_fault(tmp_path, *changes) if "labels" in key]) == faults


def test_bags_cannot_be_confirmed_without_the_object_model(tmp_path: Path) -> None:
    changes = (
        ("detectors.litter", {"kind": "garbage"}),
        ("cameras.cam.detectors", ["objects", "litter"]),
        ("rules.entry.cameras", ["cam2"]),
        ("models_dir", str(tmp_path / "none")),
    )
    assert "detectors.litter.confirm" in keys_at_fault(tmp_path, *changes)


def keys_at_fault(folder: Path, *changes: tuple[str, Any]) -> list[str]:
    try:
        loaded(folder, *changes)
    except ConfigError as error:
        return [problem.key for problem in error.problems]
    return []
