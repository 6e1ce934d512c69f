"""The whole alert service and a strict view library: records, reports, changes, and what is written down."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from alerts.store import open_store
from alerts.store.schema import OutboxRow
from alerts.store.uptime import CameraChangeRow, ClockRow, LinkRow
from deploy.demo.site import free_port
from deploy.simulators.gat1400 import DEVICE, PASSWORD, USERNAME, ViewLibrary
from lianfang import codec
from lianfang.bus import Bus
from lianfang.clock import SystemClock
from lianfang.events import OBSERVATIONS, CameraCondition, CameraState
from tests.e2e.installation import until
from tests.integration.test_alert_worker import rows
from tests.integration.test_without_store import Camera, working
from tests.support.channels import silent
from tests.support.configs import SECRETS
from tests.support.http_camera import in_thread
from tests.support.records import CAMERA, GATE, complete


def test_a_library_hears_of_cameras_and_of_what_they_see(
    tmp_path: Path, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**SECRETS, "TEST_LIBRARY": PASSWORD}.items():
        monkeypatch.setenv(name, value)
    with in_thread(ViewLibrary(say=silent)) as library:
        receiver = {
            "kind": "gat1400",
            "base_url": library.url,
            "device_code": DEVICE,
            "username": USERNAME,
            "password": {"env": "TEST_LIBRARY"},
            "networks": ["127.0.0.0/8"],
            "tollgates": {"cam": GATE},
            "takes_trials": True,
            "keepalive_s": 1,
        }
        config = complete(
            tmp_path,
            ("api", {"port": free_port(0)}),
            ("receivers.library", receiver),
            ("rules.entry.notify", [{"receiver": "library", "mode": "drill"}]),
        )
        store, camera = open_store(config), Camera(bus)
        pictures = threading.Thread(target=camera.run)
        try:
            with working(config, bus, store):
                say(bus, CameraCondition.ONLINE)
                pictures.start()
                until("its record", lambda: online(library) == "1")
                camera.somebody = True
                until("a person there", lambda: library.objects["Persons"])
                camera.somebody = False
                until("a change of it", lambda: any(name == "Persons" for name, _ in library.puts))
                say(bus, CameraCondition.OFFLINE)
                until("its record as changed", lambda: online(library) == "2")
                until("a link of some length", lambda: any(r.until > r.since for r in rows(store, LinkRow)))
            assert [name for name, _ in library.posts].count("Persons") == 1
            assert not library.registered
            assert {row.receiver for row in rows(store, ClockRow)} == {"library"}
            changes = [row.condition for row in rows(store, CameraChangeRow) if row.camera == "cam"]
            assert changes == ["online", "offline"]
            told = [row for row in rows(store, OutboxRow) if row.receiver == "library"]
            assert {row.state for row in told} <= {"delivered", "pending"}
        finally:
            camera.stop.set()
            if pictures.ident is not None:
                pictures.join()
            store.close()


def online(library: ViewLibrary) -> str:
    """Return what the library knows of the camera's stream, "" for nothing."""
    return str(library.objects["APEs"].get(CAMERA, {}).get("IsOnline", ""))


def say(bus: Bus, condition: CameraCondition) -> None:
    """Let the camera's stream say how it is."""
    state = CameraState(camera_id="cam", condition=condition, captured_at=SystemClock().now())
    value, headers = codec.encode_event(state)
    bus.publish(OBSERVATIONS, "cam", value, headers).result(10)
