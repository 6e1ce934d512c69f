"""What cameras cost and what fits: measured on a real film, and on a generated one where nobody answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.cameras.costs import Cost
from deploy.cameras.measure import Reading
from deploy.cameras.plan import PLANNED, Plan
from ingest.encode import Jpeg
from lianfang.cli import main
from lianfang.config import Runtime
from lianfang.config.way import Way
from tests.support.configs import write
from tests.support.reading import configured
from tests.support.video import write_clip


def site(folder: Path) -> Path:
    """Write a configuration with a camera that answers and one that does not; nothing looks at them."""
    film = write_clip(folder / "film.mp4", count=75, fps=25)
    away = {"kind": "rtsp", "url": "rtsp://127.0.0.1:1/a", "sub_url": "rtsp://127.0.0.1:1/b"}
    common = {"point": "gate", "detectors": []}
    cameras = {
        "near": {
            "name": "近",
            "source": {"kind": "file", "path": str(film), "pace": "asap"},
            "fps": 5,
            **common,
        },
        "away": {"name": "远", "source": away, "fps_hours": [NIGHT], "sub_width": 320, **common},
        "off": {"name": "关", "source": away, "enabled": False, **common},
    }
    return write(
        folder,
        {
            "community": {"name": "测试社区"},
            "points": {"gate": {"name": "校门"}},
            "detectors": {"objects": {"kind": "objects", "engine": {"kind": "onnx"}}},
            "cameras": cameras,
        },
    )


NIGHT = {"active": {"windows": [{"begin": "22:00", "end": "05:00"}]}, "fps": 12.5}


def test_each_camera_is_measured_and_said_with_its_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(site(tmp_path))
    assert main(["cameras", "plan", file, "--json", "--cores", "100"]) == 0
    plan = json.loads(capsys.readouterr().out)
    near, away = plan["cameras"]["near"], plan["cameras"]["away"]
    assert list(plan["cameras"]) == ["near", "away"]
    assert (near["stream"], near["why"], near["not_measured"]) == ("main", "no sub-stream", "")
    assert (near["width"], near["height"]) == (320, 240)
    assert near["source_fps"] == pytest.approx(25, rel=0.02)
    assert near["published_fps"] == pytest.approx(5, rel=0.1)
    size_mbit = (tmp_path / "film.mp4").stat().st_size * 8e-6
    assert near["mbit_s"] == pytest.approx(size_mbit / 3, rel=0.3)  # three seconds; the container adds little
    assert away["stream"] == "sub"
    assert away["not_measured"].startswith("refused")
    assert "generated film of 320x180" in away["not_measured"]
    assert away["published_fps"] == pytest.approx(12.5, rel=0.1)  # at the hour with the most
    for camera in (near, away):
        parts = sum(camera[f"{part}_cores"] for part in ("decode", "encode", "detect", "bus"))
        assert 0 < camera["decode_cores"] < camera["cores"] == pytest.approx(parts, abs=2e-4)
    assert plan["cores"] == pytest.approx(near["cores"] + away["cores"], abs=2e-3)


def test_what_does_not_fit_is_named_and_the_exit_code_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(site(tmp_path))
    assert main(["cameras", "plan", file, "--camera", "near", "--cores", "0.00001"]) == 1
    said = capsys.readouterr().out
    assert "it bears 0 of 1" in said
    assert "does not fit: near" in said
    assert main(["cameras", "plan", file, "--camera", "nobody"]) == 2
    assert "no camera nobody; allowed: away, near, off" in capsys.readouterr().err
    assert main(["cameras", "plan", str(tmp_path / "none.yaml")]) == 2


def cost(name: str, decode: float, *, vital: bool = False, look_s: float = 0.0) -> Cost:
    jpeg = Jpeg(b"", 640, 360, None)  # type: ignore[arg-type]  # its samples are not asked for
    reading = Reading(640, 360, 25, 5, decode, 0.0, 0.5, 0, (jpeg,))
    return Cost(name, Way("main", "no sub-stream"), vital, reading, look_s)


@pytest.mark.parametrize(
    ("given", "cores", "borne", "wrong"),
    [
        ([cost("a", 0.5), cost("b", 0.5)], 2, 2, ""),
        ([cost("a", 0.5), cost("b", 0.5)], 1, 1, ""),  # a fifth is kept free
        (
            [cost("a", 0.7), cost("b", 0.4, vital=True), cost("c", 0.2)],
            1,
            2,
            "",
        ),  # lives first, then what fits
        ([cost("a", 1.2)], 8, 1, "a is too much for one core"),
        ([cost("a", 0.1, look_s=0.5)], 8, 1, "runtime.detect_threads is 2"),  # 5 × 0.5 s
    ],
)
def test_the_sum_and_what_fits(given: list[Cost], cores: float, borne: int, wrong: str) -> None:
    config = configured({}).model_copy(update={"runtime": Runtime(detect_threads=2)})
    plan = Plan(config, given, cores)
    said = "\n".join(plan.lines())
    assert f"it bears {borne} of {len(given)}" in said
    assert plan.fits is (borne == len(given) and not wrong)
    assert wrong in said
    data: dict[str, Any] = plan.data()
    assert data["cores"] == pytest.approx(sum(one.cores for one in given), abs=1e-3)
    assert data["planned_cores"] == pytest.approx(PLANNED * cores)
    assert all(one["fits"] for name, one in data["cameras"].items() if one["vital"])
    left = [name for name, one in data["cameras"].items() if not one["fits"]]
    assert [f"does not fit: {name}" in said for name in left] == [True] * len(left)
