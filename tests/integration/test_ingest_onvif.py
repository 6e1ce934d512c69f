"""Ingest from cameras that say by ONVIF where their streams are, with a real RTSP server behind them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.simulators.onvif_camera import PASSWORD, USER, OnvifCamera
from deploy.simulators.onvif_streams import Stream, streams
from ingest import clock as stream_clock
from ingest.onvif import Profile
from ingest.onvif.choice import Wanted, chosen
from ingest.sources.base import Asked
from ingest.sources.onvif import Config, build
from lianfang.clock import SystemClock
from lianfang.config import load
from lianfang.errors import ConfigError, UnknownName
from lianfang.events import CameraReason
from tests.support.channels import silent
from tests.support.configs import changed, write
from tests.support.http_camera import in_thread
from tests.support.reading import reading
from tests.support.rtsp_server import Login, RtspServer

GOES_ON = threading.Event()
Served = Callable[..., OnvifCamera]


@pytest.fixture(scope="module")
def rtsp() -> Iterator[RtspServer]:
    with RtspServer(login=Login(USER, PASSWORD)) as running:
        yield running


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Cameras, each given its streams."""
    monkeypatch.setenv("CAMERA_PASSWORD", PASSWORD)
    with ExitStack() as running:
        yield lambda *given, **how: running.enter_context(in_thread(OnvifCamera(given, say=silent, **how)))


def stanza(camera: OnvifCamera, **more: Any) -> Mapping[str, Any]:  # noqa: ANN401 - of a configuration
    login = {"username": USER, "password": {"env": "CAMERA_PASSWORD"}}
    return {"source": {"kind": "onvif", "url": camera.url, "networks": ["127.0.0.0/8"], **login, **more}}


def lost(camera: OnvifCamera, **more: Any) -> tuple[str, str]:  # noqa: ANN401
    """Return why no picture comes."""
    with reading({"gate": stanza(camera, **more)}) as running:
        running.bus.wait(lambda: running.bus.states("gate"))
    state = running.bus.states("gate")[0]
    assert state.reason is not None
    return state.reason, state.detail


def test_what_a_camera_says_of_its_clock_counts_until_its_stream_says_more(
    rtsp: RtspServer, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera = served(*streams(rtsp.url), ahead=timedelta(hours=1))
    with reading({"gate": stanza(camera)}) as running:
        bus = running.bus
        bus.wait(lambda: any(state.faults for state in bus.states("gate")))
        clock = next(state.clock for state in bus.states("gate") if state.faults)
        assert clock is not None
        assert clock.source == "onvif"
        assert clock.offset_s == pytest.approx(3600, abs=5)
        monkeypatch.setattr(stream_clock, "EVERY_S", 0.01)
        bus.wait(lambda: bus.states("gate")[-1].faults == ())
    clock = bus.states("gate")[-1].clock
    assert clock is not None
    assert (clock.source, clock.off) == ("rtcp", False)


def test_pictures_come_from_where_the_camera_says(
    rtsp: RtspServer, served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    camera = served(*streams(rtsp.url))
    with caplog.at_level(logging.DEBUG), reading({"gate": stanza(camera)}) as running:
        bus = running.bus
        bus.wait(lambda: len(bus.frames("gate")) >= 3)
        rtsp.kill()
        bus.wait(lambda: "offline" in bus.conditions("gate"))
        asked = camera.asked.count("GetStreamUri")
        rtsp.start()
        bus.wait(lambda: bus.conditions("gate")[-1] == "online")
    assert camera.asked.count("GetStreamUri") > asked, "the address may be another one by now"
    assert PASSWORD not in caplog.text


def test_behind_an_address_translation_its_host_is_kept(rtsp: RtspServer, served: Served) -> None:
    elsewhere = rtsp.url.replace("127.0.0.1", "192.168.1.64")
    camera = served(*streams(elsewhere), says_host="192.168.1.64")
    reason, detail = lost(camera)
    assert reason == CameraReason.BAD_ADDRESS
    assert "another host, 192.168.1.64: set `keep_host`" in detail
    with reading({"gate": stanza(camera, keep_host=True)}) as running:
        running.bus.wait(lambda: running.bus.frames("gate"))


@pytest.mark.parametrize(
    ("address", "more", "opened"),
    [
        ("rtsp://127.0.0.1:554/a", {}, "rtsp://127.0.0.1:554/a"),
        ("rtsp://root:other@127.0.0.1/a?b", {}, "rtsp://127.0.0.1/a?b"),
        ("rtsp://localhost/a", {}, "rtsp://localhost/a"),  # the same host by another name
        ("rtsp://10.0.0.9/a", {"stream_hosts": ["10.0.0.9"]}, "rtsp://10.0.0.9/a"),
        ("rtsp://0.0.0.0:8554/a", {"keep_host": True}, "rtsp://127.0.0.1:8554/a"),
        ("rtsp://10.0.0.9/a", {}, None),
        ("rtsp://169.254.169.254/a", {"stream_hosts": ["10.0.0.9"]}, None),
        ("file:///etc/passwd", {"keep_host": True}, None),
        ("rtsp://[bad/a", {"keep_host": True}, None),
    ],
)
def test_where_a_stream_may_be(
    served: Served, address: str, more: dict[str, Any], opened: str | None
) -> None:
    camera = served(*streams(address))
    source = build(Config.model_validate({**stanza(camera)["source"], **more}), SystemClock())
    if opened is None:
        with pytest.raises(Exception, match=r"^bad_address|^refused"):
            source.address_of("main", GOES_ON)
    else:
        login = f"{USER}:{PASSWORD}@"
        assert source.address_of("main", GOES_ON) == opened.replace("rtsp://", f"rtsp://{login}")


def test_main_and_sub_stream(served: Served) -> None:
    wide, small = (
        Stream("1", "rtsp://[::1]/wide", 2560, 1440),
        Stream("2", "rtsp://[::1]/s", 640, 360),
    )
    hosts = {"stream_hosts": ["::1"]}
    source = build(Config.model_validate(stanza(served(wide, small), **hosts)["source"]), SystemClock())
    assert source.streams == ("main", "sub")
    assert source.address_of("main", GOES_ON).endswith("@[::1]/wide")
    assert source.address_of("sub", GOES_ON).endswith("/s")
    only = build(Config.model_validate(stanza(served(wide), **hosts)["source"]), SystemClock())
    assert only.address_of("sub", GOES_ON).endswith("/wide")
    assert only.streams == ("main",)
    assert Asked().stream in only.streams


def test_who_is_not_let_in_is_told_so(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = served(*streams("rtsp://127.0.0.1:1/a"))
    assert lost(camera, profile="nothing")[0] == CameraReason.NOT_FOUND
    assert lost(camera, open_timeout_s=0.001)[0] in {CameraReason.TIMED_OUT, CameraReason.UNREACHABLE}
    assert lost(camera, networks=[])[0] == CameraReason.UNREACHABLE
    monkeypatch.setenv("CAMERA_PASSWORD", "s3cret")
    reason, detail = lost(camera)
    assert (reason, detail) == (
        CameraReason.UNAUTHORIZED,
        "user name or password refused: Sender not authorized",
    )
    monkeypatch.delenv("CAMERA_PASSWORD")
    assert lost(camera)[0] == CameraReason.SECRET_MISSING


def profile(token: str, width: int, height: int, encoding: str = "H264", source: str = "a") -> Profile:
    return Profile(token, token, source, encoding, width, height, 25)


P4K, P1080, P360 = profile("4k", 3840, 2160, "H265"), profile("1080", 1920, 1080), profile("360", 640, 360)
TINY, JPEG, OTHER = (
    profile("tiny", 176, 144),
    profile("jpeg", 4096, 2160, "JPEG"),
    profile("b", 800, 600, source="b"),
)
ALL = [P4K, P1080, P360, TINY, JPEG, OTHER]


@pytest.mark.parametrize(
    ("profiles", "wanted", "main", "sub"),
    [
        (ALL, Wanted(), P4K, P360),
        (ALL, Wanted(min_width=1280), P1080, P360),
        (ALL, Wanted(min_width=640), P360, None),
        (ALL, Wanted(min_width=8000), P4K, P360),
        (ALL, Wanted(lens="b"), OTHER, None),
        (ALL, Wanted(main="1080", sub="tiny"), P1080, TINY),
        (ALL, Wanted(main="jpeg"), JPEG, P360),
        ([JPEG], Wanted(), JPEG, None),
    ],
)
def test_which_profile(profiles: list[Profile], wanted: Wanted, main: Profile, sub: Profile | None) -> None:
    assert chosen(profiles, wanted) == (main, sub)


@pytest.mark.parametrize(
    ("profiles", "wanted", "said"),
    [
        ([], Wanted(), "no profile with video"),
        (ALL, Wanted(lens="c"), "no lens 'c', only a, b"),
        ([P360], Wanted(main="x"), "no profile 'x', only 360"),
        ([P360], Wanted(sub="x"), "no profile 'x', only 360"),
    ],
)
def test_a_profile_that_there_is_none_of(profiles: list[Profile], wanted: Wanted, said: str) -> None:
    with pytest.raises(UnknownName, match=said):
        chosen(profiles, wanted)


@pytest.mark.parametrize(
    ("more", "key", "found"),
    [
        ({"url": "http://192.168.1.64"}, "url", "192.168.1.64, which is no public address"),
        ({"url": "http://admin:x@10.0.0.1"}, "url", ""),
        ({"url": "rtsp://10.0.0.1"}, "url", ""),
        ({"password": {"env": "TEST_TOKEN"}}, "password", "no username"),
        ({"profile": "a", "min_width": 640}, "min_width", "a 'profile' too"),
        ({"keep_host": True, "stream_hosts": ["10.0.0.2"]}, "stream_hosts", "'keep_host' too"),
        ({"min_width": 0}, "min_width", ""),
    ],
)
def test_wrong_keys_are_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: dict[str, Any],
    key: str,
    found: str,
) -> None:
    source = {"kind": "onvif", "url": "http://10.0.0.1", **more}
    monkeypatch.setenv("TEST_TOKEN", "x")
    with pytest.raises(ConfigError) as wrong:
        load(write(tmp_path, changed(("cameras.cam.source", source))))
    problem = next(p for p in wrong.value.problems if p.key.startswith("cameras."))
    assert problem.key == f"cameras.cam.source.{key}"
    assert found in problem.found


def test_the_networks_of_the_file_hold_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TEST_TOKEN", "TEST_SECRET"):
        monkeypatch.setenv(name, "whsec_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
    source = {"kind": "onvif", "url": "http://10.0.0.1"}
    config = load(write(tmp_path, changed(("cameras.cam.source", source))))
    within = config.cameras["cam"].source
    assert isinstance(within, Config)
    assert within.within == config.networks != ()
