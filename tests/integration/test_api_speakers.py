"""The speakers' page over the API: state and queue, calls to one, a group or all, stop, hours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.store import Store, speakers
from alerts.store.schema import OutboxRow
from lianfang.clock import ManualClock
from tests.support.api import START, Client, Data, Site, config, serving

NIGHT = START.replace(hour=18)  # two in the morning in Shanghai
ALL = {"group": "all", "confirmed": True}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("speakers")
    store = Store(f"sqlite:///{folder}/store.db")
    known = config(folder)
    gate = known.receivers["bank_speaker"].model_copy(update={"max_volume_pct": 30})
    camera = known.cameras["gate_cam"]
    zone = camera.zones["walk"].model_copy(update={"speakers": ("gate_speaker",)})
    changed = {
        "receivers": {**known.receivers, "gate_speaker": gate},
        "cameras": {**known.cameras, "gate_cam": camera.model_copy(update={"zones": {"walk": zone}})},
    }
    yield Site(known.model_copy(update=changed), store, ManualClock(NIGHT))
    store.close()


@pytest.fixture(scope="module")
def port(site: Site) -> Iterator[int]:
    with serving(site.app()) as port:
        yield port


@pytest.fixture
def client(site: Site, port: int) -> Client:
    site.clear()
    client = Client(port)
    client.login()
    return client


def rows(site: Site) -> list[OutboxRow]:
    with site.store.read() as session:
        return list(session.query(OutboxRow).order_by(OutboxRow.seq))


def shown(client: Client, speaker: str) -> Data:
    return next(s for s in client.get("/api/speakers").json["speakers"] if s["id"] == speaker)


@pytest.mark.parametrize(
    ("where", "said_by"),
    [
        ({"speakers": ["gate_speaker"]}, ["gate_speaker"]),
        ({"speakers": ["gate_speaker", "bank_speaker"], "confirmed": True}, ["gate_speaker", "bank_speaker"]),
        (ALL, ["bank_speaker", "gate_speaker"]),
        ({"group": "cell:north"}, ["bank_speaker"]),
        ({"group": "point:gate"}, ["gate_speaker"]),
    ],
)
def test_words_are_said_where_a_person_wants_them(
    site: Site, client: Client, where: Data, said_by: list[str]
) -> None:
    reply = client.post("/api/calls", {"text": " 请大家进屋避雨 ", **where})
    assert reply.status == 200
    assert [row.receiver for row in rows(site)] == said_by
    first = rows(site)[0].payload
    assert (first["speech"]["text"], first["speech"]["language"], first["fallbacks"]) == (
        "请大家进屋避雨",
        "zh",
        [],
    )
    assert [answer["speaker"]["id"] for answer in reply.json["answers"]] == said_by
    assert reply.json["author_name"] == "王芳"


def test_each_is_as_loud_as_it_may_be_at_that_hour(site: Site, client: Client) -> None:
    client.post("/api/calls", {"text": "Go inside, please", "volume_pct": 100, **ALL})
    said = {row.receiver: row.payload["speech"] for row in rows(site)}
    assert {name: speech["volume_pct"] for name, speech in said.items()} == {
        "bank_speaker": 60,
        "gate_speaker": 30,
    }
    assert {speech["language"] for speech in said.values()} == {"en"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"group": "all"}, 422, "not_confirmed"),
        ({"speakers": ["gate_speaker", "bank_speaker"]}, 422, "not_confirmed"),
        ({}, 422, "no_speaker_chosen"),
        ({"group": "cell:none"}, 404, "no_group"),
        ({"speakers": ["police"]}, 404, "no_speaker"),
        ({"speakers": ["gate_speaker"], "text": ""}, 422, "no_words"),
        ({"speakers": ["gate_speaker"], "text": "长" * 201}, 422, "invalid_request"),
        ({"speakers": ["gate_speaker"], "kind": "voice"}, 422, "invalid_request"),
    ],
)
def test_what_is_refused(site: Site, client: Client, body: Data, status: int, code: str) -> None:
    reply = client.post("/api/calls", {"text": "请进屋", **body})
    assert (reply.status, reply.json["code"]) == (status, code)
    assert rows(site) == []


def test_nobody_calls_all_the_time_and_workers_only_look(site: Site, client: Client, port: int) -> None:
    body = {"speakers": ["gate_speaker"], "kind": "tone"}
    assert [client.post("/api/calls", body).status for _ in range(7)] == [200] * 6 + [429]
    assert {(row.priority, row.payload["speech"]["clip"]) for row in rows(site)} == {(10, "tone")}
    worker = Client(port)
    worker.login("walker")
    assert worker.get("/api/speakers").status == 200
    assert worker.post("/api/calls", body).status == 403
    assert worker.post("/api/speakers/gate_speaker/stop").status == 403


def test_what_is_said_and_what_waits(site: Site, client: Client) -> None:
    incident = site.open_incident(1, NIGHT)
    client.post(f"/api/incidents/{incident}/speech", {})
    call = client.post("/api/calls", {"text": "请进屋", "speakers": ["bank_speaker"]}).json["id"]
    assert isinstance(site.clock, ManualClock)
    with site.store.write() as session:
        speakers.heard(session, "bank_speaker", "ready", detail="", now=NIGHT)
        row = session.query(OutboxRow).filter(OutboxRow.incident_id == incident).one()
        row.lease_owner, row.lease_until = "me", site.clock.now() + timedelta(seconds=5)
    state = shown(client, "bank_speaker")
    assert (state["condition"], state["plays"], state["microphone"]) == ("ready", "text", "none")
    assert (state["now"]["kind"], state["now"]["incident"]) == ("rule", incident)
    assert [(w["kind"], w["text"], w["by_name"]) for w in state["waiting"]] == [("words", "请进屋", "王芳")]
    assert [place["name"] for place in state["places"]] == ["东湖北岸 · 浅水区"]
    assert shown(client, "gate_speaker")["condition"] == "unknown"
    assert client.post(f"/api/calls/{call}/stop").json == {"speeches": 1}
    assert client.post("/api/speakers/bank_speaker/stop").json == {"speeches": 1}
    state = shown(client, "bank_speaker")
    assert (state["now"]["stopping"], state["waiting"]) == (True, [])
    assert (state["last"]["call"], state["last"]["outcome"]) == (call, "stopped")
    assert client.get("/api/calls").json[0]["stopped_by_name"] == "王芳"
    assert client.post("/api/calls/none/stop").status == 404
    assert client.post("/api/speakers/police/stop").status == 404


def test_its_hours_are_shown(client: Client) -> None:
    state = shown(client, "bank_speaker")
    assert state["quiet"]
    assert [n for n, hour in enumerate(state["hours"]) if hour["quiet"]] == [0, 1, 2, 3, 4, 5, 6, 22, 23]
    assert [state["hours"][n]["loudest_pct"] for n in (2, 12)] == [60, 100]
    assert (state["settings"]["per_hour"], state["changed"]) == (12, False)
