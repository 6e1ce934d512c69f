"""The invented community: what is committed is what the command makes, and it is a whole and good one."""

from __future__ import annotations

import base64
from collections import Counter
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from deploy.community.__main__ import FOLDER, files
from lianfang import plugins
from lianfang.config import Config, load
from lianfang.config.sharing import log_keys
from lianfang.errors import ConfigProblem


@pytest.fixture(scope="module")
def community() -> Config:
    key = "whsec_" + base64.b64encode(b"k" * 32).decode()
    password = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("x")
    secrets = {
        "CAMERA_PASSWORD": "x",
        "SPEAKER_TOKEN": "x",
        "BROKER_PASSWORD": "x",
        "FRAUD_TOKEN": "a-token-of-a-platform",
        "POLICE_SECRET": key,
        "GRID_SECRET": key,
        "DUTY_PASSWORD_HASH": password,
        "LEAD_PASSWORD_HASH": password,
    }
    warned: list[ConfigProblem] = []
    with pytest.MonkeyPatch.context() as patch:
        for name, value in secrets.items():
            patch.setenv(f"LIANFANG_{name}", value)
        config = load(FOLDER / "site.yaml", warned.append)
    assert not warned
    return config


def test_the_files_are_what_the_command_makes() -> None:
    assert {file.name: file.read_text(encoding="utf-8") for file in FOLDER.iterdir()} == files()


def test_it_is_a_whole_community(community: Config) -> None:
    assert len(community.points) == 177
    assert len(community.cameras) == 264
    assert len(community.receivers_of("speaker")) == 30
    assert (len(community.grid_cells), len(community.uplinks)) == (12, 24)
    assert {rule.kind for rule in community.rules.values()} | {"late"} == set(plugins.kinds("alerts.rules"))  # type: ignore[attr-defined]
    assert {sensor.kind for sensor in community.sensors.values()} >= {"water_level", "fill", "smoke", "tilt"}


def test_everything_is_somewhere_and_told_apart(community: Config) -> None:
    points, cameras = community.points.values(), community.cameras.values()
    assert len({point.name for point in points}) == 177
    assert len({(point.longitude, point.latitude) for point in points}) == 177
    assert {camera.point for camera in cameras} == set(community.points)
    assert all(community.cell_of(point) for point in community.points)
    for said in (
        [camera.name for camera in cameras],
        [camera.device_code for camera in cameras],
        [camera.source.url for camera in cameras],  # type: ignore[attr-defined]
    ):
        assert Counter(said).most_common(1)[0][1] == 1
    heard = {name for camera in cameras for zone in camera.zones.values() for name in zone.speakers}
    assert heard == set(community.receivers_of("speaker"))


def test_its_cells_can_be_spread_over_several_services(community: Config) -> None:
    keys = log_keys(community)
    assert len(set(keys.values())) >= 12
    assert max(Counter(keys.values()).values()) < len(keys) / 4


def test_it_can_be_written_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["community", str(tmp_path / "new")])
    from deploy.community import __main__ as command  # noqa: PLC0415

    assert command.main() == 0
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == sorted(files())
