"""``lianfang police``: a library is tried over the wire, a day is counted from the store."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from alerts import police_command
from alerts.channels.base import ChannelConfig
from alerts.notice_settings import NoticeConfig
from alerts.store import Store, uptime
from deploy.simulators.gat1400 import ViewLibrary
from deploy.simulators.gb28181 import Platform
from lianfang import logs
from lianfang.clock import SystemClock
from lianfang.config import Config
from tests.support import gb28181
from tests.support.api import START, Site, config
from tests.support.channels import silent
from tests.support.configs import SECRETS
from tests.support.records import GATE, complete
from tests.support.viid import stanza

LACKING = (
    "device_code, record.model, record.ip_address, record.port, record.function_type, "
    "point.longitude, point.latitude, point.place_code"
)


class Later(SystemClock):
    """The day after."""

    def now(self) -> datetime:
        """Return the time of the wall's clock."""
        return START + timedelta(days=1)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    known = {"police": NoticeConfig(), "grid_app": ChannelConfig()}
    made = config(tmp_path).model_copy(update={"receivers": known})
    store = Store(f"sqlite:///{tmp_path}/store.db")
    monkeypatch.setattr(police_command, "load", lambda _file: made)
    monkeypatch.setattr(police_command, "open_store", lambda _config: Store(str(store.engine.url)))
    monkeypatch.setattr(police_command, "SystemClock", Later)
    yield Site(made, store)
    store.close()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = police_command.main(["site.yaml", *arguments])
    said = capsys.readouterr()
    return code, said.out + said.err


def test_a_day_is_counted(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    jpeg = simplejpeg.encode_jpeg(np.zeros((8, 8, 3), dtype=np.uint8), colorspace="BGR")
    ends = [("200", jpeg, "kept"), ("dead", b"torn", "kept"), ("", jpeg, "missing"), ("200", jpeg, "kept")]
    for n, (outcome, original, state) in enumerate(ends):
        incident = site.open_incident(n)
        site.picture(incident, original, original, state=state)
        site.tell(incident, outcome)
    late = site.open_incident(9, START + timedelta(days=1))
    site.tell(late, "200", at=START + timedelta(days=1))
    code, said = run(capsys, "report", "police", "--day", "2026-07-01")
    assert code == 0
    assert said.splitlines() == [
        "police, 2026-07-01",
        "messages: 4, accepted 2, rejected 1, pending 1",
        "accepted within 60 s: 2 of 4 (50.0 %)",
        "incidents of which it said what it makes of them: 0",
        "pictures that can be read: 2 of 4 (50.0 %)",
        "registered: not recorded",
        "its clock: not compared",
        "cameras online: 0.0 % of the time",
        "  gate_cam: 0.0 %, unknown 100.0 %",
        "  lake_north: 0.0 %, unknown 100.0 %",
        "  lake_south: 0.0 %, unknown 100.0 %",
        "camera files that are complete: 0 of 3 (0.0 %)",
        f"  gate_cam: no {LACKING}",
        f"  lake_north: no {LACKING}",
        f"  lake_south: no {LACKING}",
    ]
    code, said = run(capsys, "report", "police", "--day", "2026-07-01", "--within", "0.1")
    assert "accepted within 0.1 s: 0 of 4 (0.0 %)" in said
    assert "messages: 0," in run(capsys, "report", "police", "--day", "2026-06-30")[1]


def test_a_day_as_json_with_what_was_there(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    midnight = datetime(2026, 6, 30, 16, tzinfo=UTC)  # in Asia/Shanghai
    hour = timedelta(hours=1)
    with site.store.write() as session:
        uptime.linked(session, "police", midnight - hour, midnight + 6 * hour)
        uptime.linked(session, "police", midnight + 18 * hour, midnight + 30 * hour)
        uptime.linked(session, "elsewhere", midnight, midnight + 24 * hour)
        for n, offset_s in enumerate((9.0, 0.2, -1.5, 0.4)):
            uptime.compared(session, "police", midnight + (n - 1) * hour, offset_s)
        uptime.camera_changed(session, "gate_cam", "online", midnight - 9 * hour)
        for n, condition in enumerate(("offline", "noisy")):
            uptime.camera_changed(session, "gate_cam", condition, midnight + (6 + 6 * n) * hour)
        uptime.camera_changed(session, "lake_north", "online", midnight + 12 * hour)
    code, said = run(capsys, "report", "police", "--day", "2026-07-01", "--json")
    assert code == 0
    found = json.loads(said)
    assert found["linked"] == 0.5
    assert found["clock"] == {"times": 3, "least_s": -1.5, "most_s": 0.4, "last_s": 0.4}
    assert found["pictures"] == {
        "gate_cam": {"online": 0.75, "unknown": 0},
        "lake_north": {"online": 0.5, "unknown": 0.5},
        "lake_south": {"online": 0, "unknown": 1},
    }
    assert (found["files"], found["told"]["owed"], found["within_s"]) == (3, 0, 60)
    assert found["incomplete"]["gate_cam"] == LACKING.split(", ")
    _, said = run(capsys, "report", "police", "--day", "2026-07-01")
    assert said.splitlines()[5:10] == [
        "registered: 50.0 % of the time",
        "its clock: -1.5 to +0.4 s against ours, +0.4 s at last (3 comparisons)",
        "cameras online: 41.7 % of the time",
        "  lake_south: 0.0 %, unknown 100.0 %",
        "  lake_north: 50.0 %, unknown 50.0 %",
    ]
    _, said = run(capsys, "report", "police", "--day", "2026-07-02", "--json")
    found = json.loads(said)  # 16 h of it have passed
    assert (found["linked"], found["pictures"]["lake_north"]) == (0.375, {"online": 1, "unknown": 0})


def test_what_is_wrong_is_said(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    del site
    assert run(capsys, "report", "grid_app") == (2, "receiver: found 'grid_app'; allowed: one of police\n")
    code, said = run(capsys, "try", "police")
    assert (code, said) == (2, "receiver: found 'police'; allowed: nothing: none is configured\n")


@contextmanager
def served(there: ViewLibrary | Platform) -> Iterator[None]:
    """Run a simulator in a thread of its own: the command has its own event loop."""
    ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with there:
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(30)
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@contextmanager
def library(**how: bool) -> Iterator[ViewLibrary]:
    there = ViewLibrary(say=silent)
    there.lets_in = how.get("lets_in", True)
    with served(there):
        yield there


def with_library(made: Config, url: str, monkeypatch: pytest.MonkeyPatch, **changed: object) -> None:
    known = made.model_copy(update={"receivers": {"library": stanza(url, monkeypatch, **changed)}})
    monkeypatch.setattr(police_command, "load", lambda _file: known)


def test_a_library_is_tried_and_left(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with library() as there:
        with_library(site.config, there.url, monkeypatch)
        code, said = run(capsys, "try", "library")
    assert code == 0
    assert "registered as 44200000005030000001; its clock is " in said
    assert (there.registrations, there.unregistrations) == (1, 1)


def test_a_platform_of_gb28181_is_tried(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Platform(say=silent)
    with served(there):
        known = site.config.model_copy(update={"receivers": {"platform": gb28181.stanza(there, monkeypatch)}})
        monkeypatch.setattr(police_command, "load", lambda _file: known)
        code, said = run(capsys, "try", "platform")
        assert code == 0
        assert "registered as 44200000002000000002; its clock is " in said
        there.lets_in = False
        code, said = run(capsys, "try", "platform")
    assert (code, said) == (1, "platform: does not let us in: 401 log in\n")
    assert (there.registrations, there.unregistrations) == (1, 1)


def told(said: str) -> list[str]:
    """Return the lines that are no log."""
    return [line for line in said.splitlines() if "platform_" not in line]


def test_joint_cases_are_run_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(logs, "configure", lambda *_: None)  # it would hold for all tests
    with library() as there:
        with_library(complete(tmp_path), there.url, monkeypatch, tollgates={"cam": GATE})
        code, said = run(capsys, "cases", "library", "--case", "3", "--case", "11")
        assert code == 0
        assert told(said) == [
            "library, camera cam: joint test cases (联调用例)",
            " 3 passed  takes a keepalive",
            "           HTTP 200: 0 OK",
            "11 passed  takes a person",
            "           HTTP 200: 0 OK",
            "2 of 2 cases passed",
        ]
        there.lets_in = False
        code, said = run(capsys, "cases", "library", "--case", "1", "--case", "2")
        assert code == 1
        assert told(said)[1:] == [
            " 1 FAILED  registers with Digest",
            "           does not let us in: username or password is wrong",
            "           HTTP 401: log in",
            " 2 passed  refuses a wrong password",
            "           HTTP 401: log in",
            "library: 1 of 2 cases failed",
        ]


def test_a_library_that_does_not_let_us_in_is_said(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with library(lets_in=False) as there:
        with_library(site.config, there.url, monkeypatch)
        code, said = run(capsys, "try", "library")
    assert code == 1
    assert "library: does not let us in: username or password is wrong\n" in said
