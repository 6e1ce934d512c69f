"""What cameras themselves say that they see, as readings, from a strict ONVIF camera."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from deploy.simulators.onvif_camera import PASSWORD, USER, OnvifCamera
from deploy.simulators.onvif_events import MOTION, TAMPER
from deploy.simulators.onvif_streams import streams
from ingest.onvif import Event
from ingest.sensors.base import Said, Unread
from ingest.sensors.onvif import Config, OnvifSensors
from lianfang.clock import SystemClock
from tests.support.channels import silent
from tests.support.http_camera import in_thread
from tests.support.sensors import sensing


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> Iterator[OnvifCamera]:
    monkeypatch.setenv("CAMERA_PASSWORD", PASSWORD)
    with in_thread(OnvifCamera(streams("rtsp://127.0.0.1/a"), say=silent)) as running:
        yield running


def source(url: str, about: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    login = {"username": USER, "password": {"env": "CAMERA_PASSWORD"}, "networks": ["127.0.0.0/8"]}
    return {"kind": "motion", "source": {"kind": "onvif", "url": url, "about": about, **login, **more}}


def test_movement_and_tampering_are_readings_over_one_subscription(camera: OnvifCamera) -> None:
    sensors = {"moves": source(camera.url, "motion"), "hood": source(camera.url, "tamper")}
    with sensing(sensors, 1, connected=False) as running:
        running.until(lambda: running.values("moves") == [0] and running.values("hood") == [0])
        assert running.connected("moves")
        assert camera.pull_points.open == 1
        camera.motion(True)
        running.until(lambda: running.values("moves") == [0, 1])
        camera.tamper(True)
        camera.motion(False)
        running.until(lambda: running.values("moves") == [0, 1, 0] and running.values("hood") == [0, 1])
        last = running.readings("hood")[-1]
        assert last.attributes == {"topic": "RuleEngine/TamperDetector/Tamper"}
        assert last.device_time is not None
        assert abs(last.device_time - camera.now()) < timedelta(seconds=30)
        camera.pull_points.forget()  # it has started anew
        running.until(lambda: len(running.values("hood")) == 3 and running.connected("hood"))
        assert running.values("hood")[-1] == 1, "how it is now is told at the beginning"
    assert camera.pull_points.open == 0


def test_a_camera_that_does_not_let_us_in(camera: OnvifCamera, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMERA_PASSWORD", "wrong")
    with sensing({"moves": source(camera.url, "motion")}, 1, 0.1, connected=False) as running:
        running.until(lambda: running.readings("moves"))
        (lost, *_) = running.readings("moves")
        assert lost.value is None
        assert not running.connected("moves")


def event(topic: str, lens: str = "a", **data: str) -> Event:
    path = "/".join(step.partition(":")[2] or step for step in topic.split("/"))
    return Event(path, None, False, {"VideoSourceConfigurationToken": lens}, data)


ALARM = "tns1:VideoSource/MotionAlarm"


@pytest.mark.parametrize(
    ("events", "moves", "hood"),
    [
        ([event(MOTION, IsMotion="true"), event(MOTION, IsMotion="0")], [1, 0], []),
        # Several topics say the same: it moves as long as one of them says so.
        (
            [
                event(MOTION, IsMotion="true"),
                event(ALARM, State="1"),
                event(MOTION, IsMotion="false"),
                event(ALARM, State="False"),
            ],
            [1, 1, 1, 0],
            [],
        ),
        ([event(TAMPER, "b", IsTamper="true")], [], []),  # of another lens
        ([event(TAMPER, IsTamper="true")], [], [1]),
        ([event("tns1:VideoSource/ImageTooDark/ImagingService", State="true")], [], [1]),
        ([event("tns1:Device/Trigger/Relay", LogicalState="active"), event("")], [], []),
    ],
)
def test_what_events_say(events: list[Event], moves: list[float], hood: list[float]) -> None:
    sensors = heard()
    said = [what for given in events for what in sensors.read(given)]
    assert [s.value for s in said if isinstance(s, Said) and s.sensor_id == "moves"] == moves
    assert [s.value for s in said if isinstance(s, Said) and s.sensor_id == "hood"] == hood


def test_what_is_neither_true_nor_false_is_kept() -> None:
    (unread,) = heard().read(event(MOTION, IsMotion="maybe"))
    topic = "RuleEngine/CellMotionDetector/Motion"
    assert unread == Unread(topic, b"", "IsMotion is neither true nor false", "moves")
    (unread,) = heard().read(event(MOTION))
    assert isinstance(unread, Unread)


def heard() -> OnvifSensors:
    """Return the sensors of a camera that has not been called."""
    base = {"kind": "onvif", "url": "http://10.0.0.1"}
    stanzas = {
        "moves": Config.model_validate({**base, "about": "motion"}),
        "hood": Config.model_validate({**base, "about": "tamper", "lens": "a"}),
    }
    return OnvifSensors(stanzas["moves"], stanzas, SystemClock())
