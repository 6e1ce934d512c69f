"""Cameras as they are now, through the API: who may look, what they get, what is written down."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from email.message import Message
from email.parser import BytesHeaderParser
from http import HTTPStatus

import pytest
from prometheus_client import CollectorRegistry, Counter

from alerts.api.camera_details import Rates
from alerts.store import Store, uptime
from alerts.store.looks import CameraLookRow
from lianfang.bus import Bus
from lianfang.bus.embedded import EmbeddedBus
from lianfang.clock import ManualClock
from lianfang.config import costs
from tests.support.api import START, Client, Site, config, wait_for
from tests.support.live import BOX, jpeg, publish_picture, running

CAMERA = "lake_north"
MEASURED = {
    "stream": "main",
    "width": 1920,
    "height": 1080,
    "source_fps": 25,
    "published_fps": 5,
    "mbit_s": 4.0,
    "decode_cores": 0.1,
    "encode_cores": 0.03,
    "detect_cores": 0.5,
    "bus_cores": 0.01,
    "cores": 0.64,
    "not_measured": "",
}


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    with closing(EmbeddedBus.own(tmp_path_factory.mktemp("bus"))) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory, bus: Bus) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with closing(Store(f"sqlite:///{folder / 'store.sqlite3'}")) as store:
        yield Site(config(folder, live_viewers=2, live_fps=10), store, live=bus)


@pytest.fixture(autouse=True)
def emptied(site: Site, client: Client) -> None:
    """Begin with an empty store, and logged in."""
    del site
    client.login()


def parts(stream: http.client.HTTPResponse) -> Iterator[tuple[Message, bytes]]:
    """Yield heads and pictures as they come."""
    assert stream.readline() == b"--picture\r\n"
    while True:
        head = b""
        while (line := stream.readline()) not in (b"\r\n", b""):
            head += line
        if not line:
            return
        message = BytesHeaderParser().parsebytes(head)
        yield message, stream.read(int(message["Content-Length"]))
        assert stream.readline() + stream.readline() == b"\r\n--picture\r\n"


def looks(client: Client, camera: str = CAMERA) -> list[Mapping[str, object]]:
    found: list[Mapping[str, object]] = client.get(f"/api/cameras/{camera}/history").json["looks"]
    return found


def test_whoever_looks_live_is_written_down_and_gets_what_detectors_saw(client: Client, bus: Bus) -> None:
    with running(bus, CAMERA, CAMERA):
        path = f"/api/cameras/{CAMERA}/live.mjpeg?annotated=true&fps=20&reason=%E5%BD%92%E8%BF%98"
        with client.connection("GET", path, headers={"Accept-Encoding": "gzip"}) as stream:
            assert stream.getheader("Content-Type") == "multipart/x-mixed-replace; boundary=picture"
            seen = [part for part, _ in zip(parts(stream), range(12), strict=False)]
            (look,) = looks(client)
            assert (look["by_name"], look["what"], look["reason"], look["until"]) == (
                "王芳",
                "live",
                "归还",
                None,
            )
            others = [client.connection("GET", f"/api/cameras/{CAMERA}/live.mjpeg") for _ in range(2)]
            with others[0] as second, others[1] as third:
                assert (second.status, third.status) == (HTTPStatus.OK, HTTPStatus.TOO_MANY_REQUESTS)
                assert json.loads(third.read())["code"] == "too_many_viewers"
                second.close()
            stream.close()
        assert {picture for _, picture in seen} == {jpeg()}
        times = [datetime.fromisoformat(head["X-Captured-At"]) for head, _ in seen]
        assert times == sorted(set(times))
        # Twenty a second are published and asked for, and ten are what the configuration allows.
        assert times[-1] - times[1] > timedelta(seconds=0.7)
        (person,) = json.loads([head for head, _ in seen if "X-Objects" in head][-1]["X-Objects"])
        assert person == {"label": "person", "confidence": 0.87, "xyxyn": list(BOX)}
        wait_for(lambda: all(look["until"] for look in looks(client)))
    assert "lianfang_live_viewers 0.0" in client.get("/metrics").body.decode()


def test_a_stream_ends_with_the_session(client: Client, bus: Bus) -> None:
    path = f"/api/cameras/{CAMERA}/live.mjpeg"
    with running(bus, CAMERA, CAMERA), client.connection("GET", path) as stream:
        client.post("/api/logout")
        assert list(parts(stream))  # to its end


def test_one_picture_is_a_look_and_without_pictures_there_is_none(
    site: Site, client: Client, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.api.live._FIRST_S", 0.1)
    for path in ("picture.jpg", "live.mjpeg"):
        assert client.get(f"/api/cameras/gate_cam/{path}").json["code"] == "no_picture"
        assert client.get(f"/api/cameras/nowhere/{path}").json["code"] == "no_camera"
    assert looks(client, "gate_cam") == []
    publish_picture(bus, "gate_cam", 0, jpeg(10))
    shown = client.get("/api/cameras/gate_cam/picture.jpg")
    assert (shown.body, shown.headers["Content-Type"]) == (jpeg(10), "image/jpeg")
    with site.store.read() as session:
        (row,) = session.query(CameraLookRow).all()
    assert (row.what, row.by, row.reason) == ("picture", "duty", "")


def test_cost_rate_and_last_fault_of_each_camera(site: Site, client: Client) -> None:
    site.config.data_dir.mkdir(exist_ok=True)
    costs.keep(site.config.data_dir, START, {CAMERA: MEASURED})
    costs.keep(site.config.data_dir, START + timedelta(hours=1), {"gate_cam": MEASURED})
    with site.store.write() as session:
        wrong = "offline", START, "unauthorized", "401 from rtsp://u:hunter2@10.0.0.8/"
        uptime.camera_changed(session, CAMERA, *wrong)
        uptime.camera_changed(session, CAMERA, "online", START, faults=("covered", "turned"))
        uptime.camera_changed(session, CAMERA, "online", START + timedelta(minutes=1))
    picture = site.picture(site.open_incident(1))
    found = {camera["id"]: camera for camera in client.get("/api/cameras/details").json}
    north, gate = found[CAMERA], found["gate_cam"]
    assert (north["cost"]["cores"], north["cost"]["at"]) == (0.64, "2026-07-01T08:00:00Z")
    assert gate["cost"]["at"] == "2026-07-01T09:00:00Z"
    assert (north["last_fault"]["condition"], north["last_fault"]["faults"]) == (
        "online",
        ["covered", "turned"],
    )
    assert (gate["last_fault"], found["lake_south"]["cost"]) == (None, None)
    assert (north["fps"], north["zones"], north["detectors"]) == (5, 1, ["objects"])
    assert [rule["id"] for rule in north["rules"]] == ["river", "gate", "fault"]
    assert (north["picture"], gate["picture"]) == (picture, None)
    history = client.get(f"/api/cameras/{CAMERA}/history").json["changes"]
    assert [change["condition"] for change in history] == ["online", "online", "offline"]
    assert history[2]["reason"] == "unauthorized"
    assert "hunter2" not in history[2]["detail"]
    assert client.get("/api/cameras/nowhere/history").json["code"] == "no_camera"


def test_pictures_a_second_are_those_of_the_last_two_minutes() -> None:
    registry, clock = CollectorRegistry(), ManualClock(START)
    counter = Counter("lianfang_frames_published", "Frames.", ["camera"], registry=registry)
    rates = Rates(registry, clock)
    counter.labels(CAMERA).inc(100)
    assert rates.now() == {}
    for seconds, published, expected in ((3, 30, 0), (7, 20, 5), (130, 130, 1), (130, 0, 0)):
        clock.advance_to(clock.now() + timedelta(seconds=seconds))
        counter.labels(CAMERA).inc(published)
        assert rates.now().get(CAMERA, 0) == pytest.approx(expected)
