"""Channels of recorders: live addresses by make, and where a time is played back."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ingest.sources.nvr import Config, build
from lianfang.clock import SystemClock
from lianfang.config import load
from lianfang.errors import ConfigError
from tests.support.configs import changed, write

SHANGHAI = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 7, 1, 23, 59, 30, tzinfo=UTC)  # the 2nd at 07:59:30 there


def config(make: str = "hikvision", **more: Any) -> Config:  # noqa: ANN401
    return Config.model_validate({"kind": "nvr", "make": make, "host": "10.0.0.5", "channel": 3, **more})


@pytest.mark.parametrize(
    ("make", "main", "sub", "playback"),
    [
        (
            "hikvision",
            "/Streaming/Channels/301",
            "/Streaming/Channels/302",
            "/Streaming/tracks/301?starttime=20260702T075930Z&endtime=20260702T080030Z",
        ),
        (
            "dahua",
            "/cam/realmonitor?channel=3&subtype=0",
            "/cam/realmonitor?channel=3&subtype=1",
            "/cam/playback?channel=3&starttime=2026_07_02_07_59_30&endtime=2026_07_02_08_00_30",
        ),
        ("uniview", "/unicast/c3/s0/live", "/unicast/c3/s1/live", "/c3/b1782950370/e1782950430/replay/"),
    ],
)
def test_addresses_of_a_make(
    monkeypatch: pytest.MonkeyPatch, make: str, main: str, sub: str, playback: str
) -> None:
    monkeypatch.setenv("NVR", "p@ss")
    recorder = config(make, username="admin", password={"env": "NVR"}, port=8554)
    source = build(recorder, SystemClock())
    assert source.streams == ("main", "sub")
    assert source.address_of("main", threading.Event()) == f"rtsp://admin:p%40ss@10.0.0.5:8554{main}"
    assert source.address_of("sub", threading.Event()) == f"rtsp://admin:p%40ss@10.0.0.5:8554{sub}"
    assert recorder.playback(AT, 60, SHANGHAI) == f"rtsp://10.0.0.5:8554{playback}", "no password in it"


def test_paths_of_ones_own_and_addresses_of_version_6() -> None:
    own = config(host="fd00::5", main_path="live/{channel}", sub_path="/s", playback_path="/p/{start}")
    assert own.address_of("main") == "rtsp://[fd00::5]:554/live/3"
    assert own.address_of("sub") == "rtsp://[fd00::5]:554/s"
    assert own.playback(AT, 60, SHANGHAI) == "rtsp://[fd00::5]:554/p/20260702T075930Z"


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"main_path": "/live/{chanel}"}, "main_path"),
        ({"main_path": "/live/{start}"}, "main_path"),
        ({"sub_path": "/live/{channel:d}"}, "sub_path"),
        ({"playback_path": "/live/{channel"}, "playback_path"),
        ({"make": "other"}, "make"),
        ({"channel": 0}, "channel"),
        ({"host": "10.0.0.5/x"}, "host"),
        ({"password": {"env": "TEST_TOKEN"}}, "password"),
    ],
)
def test_wrong_keys_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], key: str
) -> None:
    monkeypatch.setenv("TEST_TOKEN", "x")
    source = {"kind": "nvr", "make": "dahua", "host": "10.0.0.5", "channel": 3, **more}
    with pytest.raises(ConfigError) as wrong:
        load(write(tmp_path, changed(("cameras.cam.source", source))))
    assert f"cameras.cam.source.{key}" in {problem.key for problem in wrong.value.problems}
