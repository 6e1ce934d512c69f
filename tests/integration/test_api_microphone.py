"""A voice over the API: who is refused has made no call; it is kept where that is wanted, for days."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from alerts import microphone
from alerts.channels import speaker_onvif
from alerts.store import Store
from alerts.store.calls import CallRow
from alerts.store.schema import OutboxRow
from alerts.voice.microphone import Voices
from alerts.voice.sound import RATE
from lianfang.clock import ManualClock
from lianfang.config.voice import Voice
from tests.support.api import START, Client, Data, Site, config, serving
from tests.support.voice import tone

HORN = {"speakers": ["horn"], "rate": RATE}


@pytest.fixture
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    store, clock = Store(f"sqlite:///{tmp_path}/store.db"), ManualClock(START)
    known = config(tmp_path)
    horn = speaker_onvif.Config(kind="speaker_onvif", url="rtsp://10.0.0.9/1")
    changed = {
        "receivers": {**known.receivers, "horn": horn},
        "voice": Voice(keep_microphone_days=getattr(request, "param", 0)),
    }
    yield Site(known.model_copy(update=changed), store, clock, voices=Voices(clock))
    store.close()


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    with serving(site.app()) as port:
        client = Client(port)
        client.login()
        yield client


def later(site: Site, **time: float) -> None:
    assert isinstance(site.clock, ManualClock)
    site.clock.advance_to(site.clock.now() + timedelta(**time))


def said(site: Site) -> list[float]:
    with site.store.read() as session:
        return [row.seconds for row in session.query(CallRow).order_by(CallRow.at, CallRow.id)]


def owed(site: Site) -> list[str]:
    with site.store.read() as session:
        return [row.receiver for row in session.query(OutboxRow)]


def kept(site: Site) -> list[Path]:
    return sorted((site.config.data_dir / "microphone").glob("*"))


def speak(client: Client) -> str:
    begun = client.post("/api/calls/voice", HORN)
    assert (begun.status, begun.json["live"], begun.json["afterwards"]) == (200, [], ["horn"])
    call: str = begun.json["id"]
    path = f"/api/calls/{call}/sound?at=0"
    sent = client.send("POST", path, tone(1).tobytes(), "application/octet-stream")
    assert sent.status == 200
    return call


def end(client: Client, call: str) -> Data:
    reply = client.post(f"/api/calls/{call}/end")
    return reply.status, reply.json.get("seconds", reply.json.get("code"))


def test_who_is_refused_has_made_no_call(site: Site, client: Client) -> None:
    call = client.post("/api/calls/voice", HORN).json["id"]
    refused = client.post("/api/calls/voice", HORN)
    assert (refused.status, refused.json["code"]) == (409, "not_taken")
    assert (said(site), owed(site)) == ([0], [])
    assert end(client, call) == (200, 0)
    assert owed(site) == [], "there is nothing to hear"
    assert client.post("/api/calls/voice", HORN).status == 200


def test_what_was_stopped_is_said_to_nobody(site: Site, client: Client) -> None:
    call = client.post("/api/calls/voice", HORN).json["id"]
    assert client.post(f"/api/calls/{call}/stop").status == 200
    assert end(client, call) == (404, "no_voice")
    assert owed(site) == []


@pytest.mark.parametrize(("site", "days"), [(0, 0), (2, 2)], indirect=["site"])
def test_a_voice_is_kept_for_days_only_where_that_is_wanted(site: Site, client: Client, days: int) -> None:
    call = speak(client)
    assert [end(client, call), end(client, call)] == [(200, 1), (200, 1)]
    assert owed(site) == ["horn"], "once, however often it ends"
    names = [f"20260701T080000Z-duty-{call}.wav"] if days else []
    assert [file.name for file in kept(site)] == names
    stop = threading.Event()
    stop.set()
    later(site, days=days)
    microphone.forget(site.config, site.clock, stop)
    assert [file.name for file in kept(site)] == names
    later(site, seconds=1)
    microphone.forget(site.config, site.clock, stop)
    assert kept(site) == []


@pytest.mark.parametrize("site", [1], indirect=True)
def test_what_cannot_be_kept_is_said_all_the_same(site: Site, client: Client) -> None:
    site.config.data_dir.mkdir(exist_ok=True)
    (site.config.data_dir / "microphone").write_text("no folder")
    assert end(client, speak(client)) == (200, 1)
    assert owed(site) == ["horn"]
