"""The clocks of cameras by ONVIF, against strict simulators: read, set, left to NTP."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.cameras.command import main
from deploy.simulators.onvif_camera import PASSWORD, USER, OnvifCamera
from deploy.simulators.onvif_streams import streams
from lianfang import host_clock
from tests.support.channels import silent
from tests.support.configs import SECRETS, changed, write
from tests.support.http_camera import in_thread

RTSP = "rtsp://127.0.0.1:554/live"
OFF = timedelta(hours=-1)


@pytest.fixture(autouse=True)
def _site(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**SECRETS, "CAMERA_PASSWORD": PASSWORD, "OTHER": "of nobody"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(host_clock, "kernel_sync", lambda: "synchronised")


@contextmanager
def two(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[tuple[OnvifCamera, OnvifCamera]]:
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(in_thread(OnvifCamera(streams(RTSP), say=silent, **simulated)))
            for simulated in (first, second)
        )
        yield one, other


def site(
    folder: Path,
    *cameras: OnvifCamera,
    password: str = "CAMERA_PASSWORD",  # noqa: S107
    more: Sequence[tuple[str, Any]] = (),
) -> str:
    """Write a configuration of two cameras; the first one's password is that of ``password``."""
    sources = [
        {"kind": "onvif", "url": camera.url, "username": USER, "password": {"env": env}}
        for camera, env in zip(cameras, (password, "CAMERA_PASSWORD"), strict=True)
    ]
    named = zip(("cam", "cam2"), sources, strict=True)
    return str(write(folder, changed(*((f"cameras.{name}.source", source) for name, source in named), *more)))


def test_what_clocks_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with two({}, {"ahead": OFF}) as (right, wrong):
        file = site(tmp_path, right, wrong)
        assert main(["time", file]) == 1
        out = capsys.readouterr().out
        assert main(["time", file, "cam"]) == 0
    told = r"^\w+ .*: ([0-9.]+) s (ahead|behind), give or take [0-9.]+ s; set by hand$"
    by_size = sorted((float(seconds), way) for seconds, way in re.findall(told, out, re.MULTILINE))
    assert [seconds for seconds, _ in by_size] == [pytest.approx(0, abs=2), pytest.approx(3600, abs=2)]
    assert by_size[1][1] == "behind"
    assert "1 of 2 good" in out


def test_cameras_are_set_and_one_that_refuses_stops_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with two({"ahead": OFF}, {"ahead": OFF}) as (strange, known):
        assert main(["time", site(tmp_path, strange, known, password="OTHER"), "--set"]) == 1
        out = capsys.readouterr().out
        assert (strange.ahead, abs(known.ahead) < timedelta(seconds=2)) == (OFF, True)
    assert "cam (127.0.0.1): user name or password refused" in out
    assert re.search(r"^cam2 .*: was 3(600|599)\.\d s behind; now [0-2]\.", out, re.MULTILINE)
    assert "1 of 2 good" in out
    assert "of nobody" not in out


def test_cameras_are_left_to_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with two({"ahead": OFF}, {"http_digest": True}) as cameras:
        file = site(tmp_path, *cameras)
        assert main(["time", file, "--ntp", "10.0.0.7"]) == 0
        assert [(one.ntp_server, one.time_kind) for one in cameras] == [("10.0.0.7", "NTP")] * 2
        assert all(abs(one.ahead) < timedelta(seconds=2) for one in cameras)
        capsys.readouterr()
        assert main(["time", file]) == 0
    assert capsys.readouterr().out.count("by NTP from 10.0.0.7") == 2


class Deaf(OnvifCamera):
    """It says that it was done, and does nothing."""

    def _set_ntp(self, _message: object) -> str:
        return "<tds:SetNTPResponse/>"

    def _set_time(self, _message: object) -> str:
        return "<tds:SetSystemDateAndTimeResponse/>"


@pytest.mark.parametrize(
    ("ahead", "option", "says"),
    [
        (OFF, ["--set"], "it did not take the time: was 3"),
        (timedelta(0), ["--ntp", "10.0.0.7"], "it did not take the server 10.0.0.7: was "),
    ],
)
def test_what_was_not_done_is_not_believed(
    ahead: timedelta, option: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with in_thread(Deaf(streams(RTSP), say=silent, ahead=ahead)) as deaf:
        assert main(["time", site(tmp_path, deaf, deaf), *option]) == 1
    out = capsys.readouterr().out
    assert f"cam, cam2 (127.0.0.1): {says}" in out  # one device is asked once


@pytest.mark.parametrize(("host", "code", "ahead_s"), [("auto", 2, -3600), ("trusted", 0, 0)])
def test_no_camera_is_set_by_a_clock_that_nobody_vouches_for(
    host: str, code: int, ahead_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_clock, "kernel_sync", lambda: "unsynchronised")
    with in_thread(OnvifCamera(streams(RTSP), say=silent, ahead=OFF)) as camera:
        file = site(tmp_path, camera, camera, more=(("clocks", {"host": host}),))
        assert main(["time", file, "--set"]) == code
        assert camera.ahead.total_seconds() == pytest.approx(ahead_s, abs=2)
