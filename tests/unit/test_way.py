"""Which stream of a camera is read, why, and which ways are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lianfang.config import load
from lianfang.config.way import Way, way_of
from lianfang.errors import ConfigError, ConfigProblem
from tests.support.configs import SECRETS, SQUARE, changed, loaded, write

BOTH = ("cameras.cam.source", {"kind": "rtsp", "url": "rtsp://10.0.0.1/1", "sub_url": "rtsp://10.0.0.1/2"})
ENGINE = {"kind": "onnx", "input_size": [640, 384]}
WIDE = {"kind": "onnx", "input_size": [1280, 736]}


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("changes", "stream", "why"),
    [
        ([], "main", "no sub-stream"),
        ([BOTH], "sub", "640 px are enough for its detectors"),
        ([BOTH, ("cameras.cam.stream", "main")], "main", "so configured"),
        ([BOTH, ("cameras.cam.stream", "sub")], "sub", "so configured"),
        # What detectors need: the model's input, more of it with tiles.
        (
            [BOTH, ("detectors.objects.engine", WIDE)],
            "main",
            "objects needs 1280 px, the sub",
        ),
        (
            [BOTH, ("detectors.objects.tiles", [2, 1])],
            "main",
            "objects needs 1152 px, the sub",
        ),
        # More than is published does not help.
        ([BOTH, ("detectors.objects.engine", WIDE), ("cameras.cam.max_width", 640)], "sub", "640 px"),
        # A larger sub-stream serves; of a crop only its part counts.
        ([BOTH, ("detectors.objects.engine", WIDE), ("cameras.cam.sub_width", 1280)], "sub", "1280 px"),
        ([BOTH, ("cameras.cam.crop", {"x_max": 0.5})], "main", "the sub-stream gives 320"),
    ],
)
def test_the_way(changes: list[tuple[str, Any]], stream: str, why: str, tmp_path: Path) -> None:
    way = way_of(loaded(tmp_path, *changes), "cam")
    assert way.stream == stream
    assert why in way.why
    assert way_of(loaded(tmp_path, *changes), "cam2") == Way("main", "no sub-stream")


def said(folder: Path, *changes: tuple[str, Any]) -> tuple[list[ConfigProblem], list[ConfigProblem]]:
    """Return the faults and the warnings of a configuration."""
    warnings: list[ConfigProblem] = []
    try:
        load(write(folder, changed(*changes)), warn=warnings.append)
    except ConfigError as error:
        return error.problems, warnings
    return [], warnings


GATE = ("cameras.cam.gate", {"hold_s": 5})
ZONE = {"water": {"polygon": SQUARE, "kind": "water"}}
RULE = {"name": "x", "cameras": ["cam"], "zones": ["water"]}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ([GATE], None),
        ([GATE, ("rules.stay", {"kind": "loitering", **RULE})], "rule stay"),
        ([GATE, ("rules.stay", {"kind": "loitering", **RULE, "cameras": ["cam2"]})], None),
        ([GATE, ("rules.entry.life_safety", True)], "rule entry"),
        ([GATE, ("detectors.still", {"kind": "garbage"}), ("cameras.cam.detectors", ["objects", "still"])],
         "detector still"),
        ([GATE, ("detectors.river", {"kind": "river"}), ("cameras.cam.detectors", ["objects", "river"]),
          ("cameras.cam.zones", ZONE)], "detector river"),
    ],
)  # fmt: skip
def test_no_gate_where_stillness_matters(
    changes: list[tuple[str, Any]], found: str | None, tmp_path: Path
) -> None:
    faults, _ = said(tmp_path, *changes)
    assert [fault.key for fault in faults] == ([] if found is None else ["cameras.cam.gate"])
    assert all(found is not None and found in fault.found for fault in faults)


def test_a_sub_stream_that_there_is_not_is_a_fault_and_a_small_one_is_warned_of(tmp_path: Path) -> None:
    faults, _ = said(tmp_path, ("cameras.cam.stream", "sub"))
    assert [fault.key for fault in faults] == ["cameras.cam.stream"]
    faults, warnings = said(tmp_path, BOTH, ("cameras.cam.stream", "sub"), ("detectors.objects.engine", WIDE))
    assert not faults
    assert ["objects needs 1280" in warning.found for warning in warnings] == [True]


def test_hours_by_the_sun_need_a_place(tmp_path: Path) -> None:
    hours = [{"active": {"windows": [{"begin": "sunset", "end": "sunrise"}]}, "fps": 1}]
    faults, _ = said(tmp_path, ("cameras.cam.fps_hours", hours))
    assert [fault.key for fault in faults] == ["cameras.cam.fps_hours.0.active.windows"]
