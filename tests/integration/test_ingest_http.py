"""Ingest from cameras that give pictures over HTTP, which go away and come back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import pytest
import simplejpeg

from deploy.simulators.server import Fault
from lianfang.events import Frame
from tests.support.http_camera import PASSWORD, USER, HttpCamera, in_thread
from tests.support.reading import reading
from tests.support.video import read_number


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpCamera]:
    monkeypatch.setenv("CAMERA_PASSWORD", PASSWORD)
    with in_thread(HttpCamera()) as running:
        yield running


def stanza(kind: str, url: str, **more: Any) -> Mapping[str, Any]:  # noqa: ANN401 - of a configuration
    login = {"username": USER, "password": {"env": "CAMERA_PASSWORD"}}
    return {"source": {"kind": kind, "url": url, **login, **more}, "fps": 10}


def numbers(frames: list[Frame]) -> list[int]:
    return [read_number(simplejpeg.decode_jpeg(frame.pixels, "rgb")) for frame in frames]


@pytest.mark.parametrize(
    ("kind", "path", "more"), [("mjpeg", "/stream", {}), ("http_snapshot", "/snap.jpg", {"every_s": 0.2})]
)
def test_pictures_come_with_digest_and_go_on_after_a_loss(
    camera: HttpCamera, kind: str, path: str, more: dict[str, Any]
) -> None:
    with reading({"gate": stanza(kind, camera.url + path, **more)}) as running:
        bus = running.bus
        bus.wait(lambda: len(bus.frames("gate")) >= 5)
        camera.misbehave(Fault("status", 503), Fault("close"), Fault("garbage"))
        camera.stands = True
        bus.wait(lambda: "offline" in bus.conditions("gate"))
        camera.stands = False
        bus.wait(lambda: bus.conditions("gate")[-1] == "online")
        known = len(bus.frames("gate"))
        bus.wait(lambda: len(bus.frames("gate")) >= known + 3)
    frames = running.bus.frames("gate")
    assert bus.conditions("gate") == ["online", "offline", "online"]
    assert len({frame.epoch for frame in frames}) == 2
    first = [frame for frame in frames if frame.epoch == frames[0].epoch]
    assert all(a < b for a, b in pairwise(numbers(first)))
    assert all(a.captured_at < b.captured_at for a, b in pairwise(frames))
    assert (frames[0].width, frames[0].height) == (320, 240)


@pytest.mark.parametrize(("kind", "path"), [("mjpeg", "/stream"), ("http_snapshot", "/snap.jpg")])
def test_a_refused_password_is_said_and_not_repeated(
    camera: HttpCamera, monkeypatch: pytest.MonkeyPatch, kind: str, path: str
) -> None:
    monkeypatch.setenv("CAMERA_PASSWORD", "s3cret")
    with reading({"gate": stanza(kind, camera.url + path)}) as running:
        running.bus.wait(lambda: running.bus.states("gate"))
    (state, *_) = running.bus.states("gate")
    assert state.reason == "unauthorized"


def test_nobody_sends_us_elsewhere() -> None:
    with in_thread(HttpCamera()) as other, in_thread(HttpCamera(f"{other.url}/open.jpg")) as camera:
        source = {"kind": "http_snapshot", "url": f"{camera.url}/elsewhere"}
        with reading({"gate": {"source": source}}) as running:
            running.bus.wait(lambda: running.bus.states("gate"))
        assert running.bus.conditions("gate")[0] == "offline"
        assert running.bus.frames("gate") == []


def test_no_such_picture(camera: HttpCamera) -> None:
    with reading({"gate": stanza("http_snapshot", f"{camera.url}/nothing.jpg")}) as running:
        running.bus.wait(lambda: running.bus.states("gate"))
    assert running.bus.states("gate")[0].reason == "not_found"
