"""Ingest against a real RTSP server that is killed, stopped and restarted."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import simplejpeg

from ingest import clock
from lianfang.clock import SystemClock
from lianfang.events import Frame
from tests.support.elementary import Encoding, elementary_stream
from tests.support.reading import Reading, reading
from tests.support.rtsp_server import Login, RtspServer, pattern
from tests.support.video import read_number, write_clip

PASSWORD = "p@ss:w/r d%#?é王"  # everything that an address must escape


@pytest.fixture
def server() -> Iterator[RtspServer]:
    with RtspServer() as running:
        yield running


def stanza(url: str, **more: Any) -> Mapping[str, Any]:  # noqa: ANN401 - the values of a configuration
    return {"source": {"kind": "rtsp", "url": url, **more}}


def numbers(frames: list[Frame]) -> list[int]:
    return [read_number(simplejpeg.decode_jpeg(frame.pixels, "rgb")) for frame in frames]


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def assert_growing(running: Reading, camera_id: str) -> None:
    moments = [frame.captured_at for frame in running.bus.frames(camera_id)]
    assert all(a < b for a, b in pairwise(moments))
    states = [state.captured_at for state in running.bus.states(camera_id)]
    assert all(a < b for a, b in pairwise(states))


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_pictures_come_at_the_target_rate(server: RtspServer, transport: str) -> None:
    with reading({"gate": stanza(server.url, transport=transport)}) as running:
        running.bus.wait(lambda: len(running.bus.frames("gate")) >= 15)
    frames = running.bus.frames("gate")
    assert [frame.seq for frame in frames] == list(range(len(frames)))
    assert running.bus.conditions("gate") == ["online"]
    settled = frames[5:15]  # what came before the reader had caught up with the stream was taken in a heap
    assert [b - a for a, b in pairwise(numbers(settled))] == [5] * 9  # 25 a second to 5
    for a, b in pairwise(settled):
        assert abs(b.captured_at - a.captured_at - timedelta(seconds=0.2)) < timedelta(milliseconds=60)
    assert running.dropped("gate", "fps") > 0
    assert running.count("lianfang_frames_published_total", camera="gate") == len(frames)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_pictures_of_h265_come_with_digest(monkeypatch: pytest.MonkeyPatch, transport: str) -> None:
    stream = elementary_stream(pattern(), Encoding("h265", width=640, height=360, keyframe_s=0.5))
    monkeypatch.setenv("CAMERA_PASSWORD", PASSWORD)
    login = {"username": "admin", "password": {"env": "CAMERA_PASSWORD"}}
    with RtspServer(login=Login("admin", PASSWORD), streams={"hevc": stream}) as server:
        source = stanza(server.at("hevc"), transport=transport, **login)
        with reading({"gate": source}) as running:
            running.bus.wait(lambda: len(running.bus.frames("gate")) >= 10)
    frames = running.bus.frames("gate")
    assert (frames[0].width, frames[0].height) == (640, 360)
    steps = [(b - a) % 500 for a, b in pairwise(numbers(frames))]
    assert all(0 < step < 100 for step in steps), "the numbered pictures, in their order"


def test_the_cameras_own_clock_is_told_apart(server: RtspServer) -> None:
    with reading({"gate": stanza(server.url)}) as running:
        running.bus.wait(lambda: any(frame.camera_time for frame in running.bus.frames("gate")))
        last = running.bus.frames("gate")[-1]
    assert last.camera_time is not None  # the server is on the same host: both clocks are one
    assert abs(last.camera_time - last.captured_at) < timedelta(seconds=30)
    assert last.camera_time != last.captured_at


class LateClock(SystemClock):
    """A host's clock behind which every camera is ahead."""

    def now(self) -> datetime:
        """Return the time of seven seconds ago."""
        return super().now() - timedelta(seconds=7)


def test_a_camera_whose_clock_is_off_says_so_once(
    server: RtspServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "EVERY_S", 0.01)
    with reading({"gate": stanza(server.url)}, clock=LateClock()) as running:
        running.bus.wait(lambda: any(state.faults for state in running.bus.states("gate")))
        published = len(running.bus.frames("gate"))
        running.bus.wait(lambda: len(running.bus.frames("gate")) > published + 5)
        states = running.bus.states("gate")
        offset_s = running.count("lianfang_camera_clock_offset_seconds", camera="gate")
    assert [(state.condition, state.faults) for state in states] == [
        ("online", ()),
        ("online", ("wrong_clock",)),
    ]
    assert states[1].clock is not None
    assert (states[1].clock.source, states[1].clock.off) == ("rtcp", True)
    assert states[1].clock.offset_s == pytest.approx(7, abs=1.5)
    assert offset_s == states[1].clock.offset_s


def test_a_killed_server_is_offline_once_and_back_with_a_new_epoch(server: RtspServer) -> None:
    with reading({"gate": stanza(server.url)}) as running:
        bus = running.bus
        bus.wait(lambda: len(bus.frames("gate")) >= 3)
        server.kill()
        bus.wait(lambda: "offline" in bus.conditions("gate"))
        attempts = running.count("lianfang_camera_connections_total", camera="gate")
        bus.wait(lambda: running.count("lianfang_camera_connections_total", camera="gate") >= attempts + 2)
        assert bus.conditions("gate") == ["online", "offline"]
        server.start()
        bus.wait(lambda: len(bus.states("gate")) == 3)
        bus.wait(lambda: bus.frames("gate")[-1].seq >= 2)
    assert bus.conditions("gate") == ["online", "offline", "online"]
    first, lost, second = bus.states("gate")
    assert first.epoch == lost.epoch != second.epoch
    assert lost.reason == "end_of_stream"
    assert list(dict.fromkeys(frame.epoch for frame in bus.frames("gate"))) == [first.epoch, second.epoch]
    assert_growing(running, "gate")


def test_a_stalled_server_is_offline_and_goes_on_afterwards(server: RtspServer) -> None:
    with reading({"gate": {**stanza(server.url, read_timeout_s=1, open_timeout_s=1), "fps": 25}}) as running:
        bus = running.bus
        bus.wait(lambda: len(bus.frames("gate")) >= 3)
        server.stop()
        bus.wait(lambda: bus.conditions("gate") == ["online", "offline"])
        assert bus.states("gate")[1].reason == "timed_out"
        published = [frame.published_at for frame in bus.frames("gate")]
        assert all(b - a < timedelta(seconds=1) for a, b in pairwise(published))  # nothing stale at the end
        server.cont()
        bus.wait(lambda: bus.conditions("gate") == ["online", "offline", "online"])
    assert_growing(running, "gate")


@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_a_password_is_given_and_shown_nowhere(
    scheme: Any,  # noqa: ANN401 - a Literal
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Right in the address, right in a secret, wrong, missing: side by side, none hinders another."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("GATE_PASSWORD", PASSWORD)
    secret = {"username": "ad min", "password": {"env": "GATE_PASSWORD"}}
    with RtspServer(login=Login("ad min", PASSWORD, scheme)) as server:
        cameras = {
            "address": stanza(server.url_with("ad min", PASSWORD)),
            "secret": stanza(server.url, **secret),
            "wrong": stanza(server.url_with("ad min", "not-the-s3cret")),
            "nobody": stanza(server.url),
        }
        with reading(cameras) as running:
            bus = running.bus
            bus.wait(lambda: all(bus.frames(camera_id) for camera_id in ("address", "secret")))
            bus.wait(lambda: all(bus.states(camera_id) for camera_id in ("wrong", "nobody")))
    for camera_id in ("address", "secret"):
        assert bus.conditions(camera_id) == ["online"]
    for camera_id in ("wrong", "nobody"):
        (state,) = bus.states(camera_id)
        assert (state.condition, state.reason) == ("offline", "unauthorized")
        assert not bus.frames(camera_id)
    output = capfd.readouterr()
    shown = output.out + output.err + caplog.text
    assert "camera_offline" in shown
    published = "".join(map(str, bus.states("wrong") + bus.states("secret")))
    for text in ("s3cret", PASSWORD, "p%40ss"):
        assert text not in shown
        assert text not in published


def test_a_camera_that_fails_leaves_the_others_alone(server: RtspServer, tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video", encoding="utf-8")
    cameras = {
        "good": stanza(server.url),
        "closed": stanza("rtsp://127.0.0.1:1/stream"),
        "elsewhere": stanza(server.url.replace("stream", "nothing")),
        "text": {"source": {"kind": "file", "path": text}},
    }
    with reading(cameras) as running:
        bus = running.bus
        bus.wait(lambda: all(bus.states(camera_id) for camera_id in cameras))
        before = len(bus.frames("good"))
        bus.wait(lambda: len(bus.frames("good")) >= before + 5)
    assert bus.conditions("good") == ["online"]
    reasons = {c: bus.states(c)[0].reason for c in ("closed", "elsewhere", "text")}
    assert reasons == {
        "closed": "refused",
        "elsewhere": "not_found",
        "text": "no_video",
    }


def test_the_stream_of_a_served_file_is_looped_without_a_break(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "short.mp4", count=13, fps=25)
    with RtspServer(clip) as server, reading({"gate": {**stanza(server.url), "fps": 25}}) as running:
        running.bus.wait(lambda: len(running.bus.frames("gate")) >= 60)
    assert running.bus.conditions("gate") == ["online"]
    shown = numbers(running.bus.frames("gate"))[20:60]
    assert [(b - a) % 13 for a, b in pairwise(shown)] == [1] * 39


def test_no_descriptor_is_left_open(server: RtspServer) -> None:
    before = open_descriptors()
    for _ in range(3):
        with reading({"gate": stanza(server.url)}) as running:
            running.bus.wait(partial(running.bus.frames, "gate"))
    assert open_descriptors() <= before
