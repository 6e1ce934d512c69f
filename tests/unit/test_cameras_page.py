"""The examples of docs/cameras.md load, and show every kind of source."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from lianfang import plugins
from tests.support.configs import SECRETS, loaded

PAGE = Path(__file__).parents[2] / "docs" / "cameras.md"
ENVIRONMENT = ("CAMERA_PASSWORD", "NVR_PASSWORD")


def examples() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the cameras and the sensors of the page; a source alone gets a camera."""
    cameras: dict[str, Any] = {}
    sensors: dict[str, Any] = {}
    for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        for source in re.findall(r"^ +source: (\{.*\})$", block, re.MULTILINE):
            if "sensors:" not in block:
                stanza = {"name": "一号", "point": "bank", "source": yaml.safe_load(source)}
                cameras[f"cam_{len(cameras)}"] = stanza
        if not block.startswith(" "):
            part = yaml.safe_load(block)
            cameras |= part.get("cameras", {})
            sensors |= part.get("sensors", {})
    return cameras, sensors


def test_the_examples_are_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*ENVIRONMENT, *SECRETS):
        monkeypatch.setenv(name, SECRETS.get(name, "x"))
    (tmp_path / "secrets").mkdir()
    for name in ("cameras", "wvp"):
        (tmp_path / "secrets" / name).write_text("x", encoding="utf-8")
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "bank.mp4").touch()
    cameras, sensors = examples()
    assert {camera["source"]["kind"] for camera in cameras.values()} == set(plugins.kinds("ingest.sources"))
    points = {stanza["point"]: {"name": "点"} for stanza in (*cameras.values(), *sensors.values())}
    config = loaded(
        tmp_path,
        ("cameras", cameras),
        ("sensors", sensors),
        ("points", points),
        ("rules", {}),
        ("receivers", {}),
    )
    assert len(config.cameras) == len(cameras)
    assert {sensor.kind for sensor in config.sensors.values()} == {"motion", "tamper"}
