"""``lianfang police``: a library is tried over the wire, a day is counted from the store."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from alerts import police_command
from alerts.channels.base import ChannelConfig
from alerts.notice_settings import NoticeConfig
from alerts.store import Store
from deploy.simulators.gat1400 import ViewLibrary
from deploy.simulators.gb28181 import Platform
from lianfang.config import Config
from tests.support import gb28181
from tests.support.api import START, Site, config
from tests.support.channels import silent
from tests.support.viid import stanza

LACKING = (
    "device_code, record.model, record.ip_address, record.port, record.function_type, "
    "point.longitude, point.latitude, point.place_code"
)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    known = {"police": NoticeConfig(), "grid_app": ChannelConfig()}
    made = config(tmp_path).model_copy(update={"receivers": known})
    store = Store(f"sqlite:///{tmp_path}/store.db")
    monkeypatch.setattr(police_command, "load", lambda _file: made)
    monkeypatch.setattr(police_command, "open_store", lambda _config: Store(str(store.engine.url)))
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
        "pictures that can be read: 2 of 4 (50.0 %)",
        "camera files that are complete: 0 of 3 (0.0 %)",
        f"  gate_cam: no {LACKING}",
        f"  lake_north: no {LACKING}",
        f"  lake_south: no {LACKING}",
    ]
    code, said = run(capsys, "report", "police", "--day", "2026-07-01", "--within", "0.1")
    assert "accepted within 0.1 s: 0 of 4 (0.0 %)" in said
    assert "messages: 0," in run(capsys, "report", "police", "--day", "2026-06-30")[1]


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


def with_library(made: Config, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = made.model_copy(update={"receivers": {"library": stanza(url, monkeypatch)}})
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
        assert (code, said.splitlines()[-1]) == (0, "registered as 44200000002000000002; left")
        there.lets_in = False
        code, said = run(capsys, "try", "platform")
    assert (code, said) == (1, "platform: does not let us in: 401 log in\n")
    assert (there.registrations, there.unregistrations) == (1, 1)


def test_a_library_that_does_not_let_us_in_is_said(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with library(lets_in=False) as there:
        with_library(site.config, there.url, monkeypatch)
        code, said = run(capsys, "try", "library")
    assert code == 1
    assert "library: does not let us in: username or password is wrong\n" in said
