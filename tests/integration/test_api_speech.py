"""The operator's key: again, in other words, and silence; at any hour, audited, and not too often."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from alerts import broadcast
from alerts.store import Store
from alerts.store.schema import IncidentRow, OutboxRow
from lianfang.clock import ManualClock
from tests.support.api import START, Client, Data, Site, config, serving

NIGHT = START.replace(hour=18)  # two in the morning in Shanghai


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    yield Site(config(tmp_path), store, ManualClock(NIGHT))
    store.close()


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    with serving(site.app()) as port:
        client = Client(port)
        client.login()
        yield client


def owed(site: Site) -> list[OutboxRow]:
    with site.store.read() as session:
        return list(session.scalars(select(OutboxRow).order_by(OutboxRow.seq)))


def speeches(site: Site) -> list[tuple[str, Data, int, int]]:
    said = [(row, row.payload["speech"]) for row in owed(site)]
    return [(row.receiver, s["text"], s["repeat"], row.priority) for row, s in said]


def test_say_it_again_at_any_hour(site: Site, client: Client) -> None:
    incident = site.open_incident(1, START)
    reply = client.post(f"/api/incidents/{incident}/speech", {})
    assert (reply.status, reply.json) == (
        200,
        {"speaker": "bank_speaker", "text": "水深危险，请马上离开水边。", "trouble": ""},
    )
    assert speeches(site) == [("bank_speaker", "水深危险，请马上离开水边。", 2, 85)]
    shown = client.get(f"/api/incidents/{incident}").json
    last = shown["timeline"][-1]
    assert (last["kind"], last["actor_name"], last["data"]["note"]) == (
        "called",
        "王芳",
        "水深危险，请马上离开水边。",
    )
    assert shown["speakers"] == ["bank_speaker"]


def test_own_words_are_said_as_they_are(site: Site, client: Client) -> None:
    incident = site.open_incident(1, START)
    reply = client.post(f"/api/incidents/{incident}/speech", {"text": "  穿红衣服的{people}，请上岸 "})
    assert reply.status == 200
    assert speeches(site) == [("bank_speaker", "穿红衣服的{people}，请上岸", 1, 85)]


def test_silence_ends_what_is_said_and_again_ends_the_silence(site: Site, client: Client) -> None:
    incident = site.open_incident(1, START)
    client.post(f"/api/incidents/{incident}/speech", {})
    reply = client.post(f"/api/incidents/{incident}/hush", {})
    assert (reply.status, reply.json) == (200, {"speeches": 1})
    assert [row.state for row in owed(site)] == ["stopped"]
    shown = client.get(f"/api/incidents/{incident}").json
    assert shown["hushed_at"] is not None
    assert [c["kind"] for c in shown["timeline"]][-2:] == ["stopped", "hushed"]
    client.post(f"/api/incidents/{incident}/speech", {"text": "请上岸"})
    assert client.get(f"/api/incidents/{incident}").json["hushed_at"] is not None
    client.post(f"/api/incidents/{incident}/speech", {})
    assert client.get(f"/api/incidents/{incident}").json["hushed_at"] is None


def test_nobody_speaks_all_the_time(site: Site, client: Client) -> None:
    incident, other = site.open_incident(1, START), site.open_incident(2, START)
    replies = [client.post(f"/api/incidents/{incident}/speech", {}) for _ in range(broadcast.PER_MINUTE + 1)]
    assert [reply.status for reply in replies] == [200] * broadcast.PER_MINUTE + [429]
    assert replies[-1].json["code"] == "too_often"
    assert client.post(f"/api/incidents/{other}/speech", {}).status == 429, "nor at many places"
    assert len(owed(site)) >= 1
    assert isinstance(site.clock, ManualClock)
    site.clock.advance_to(NIGHT + timedelta(seconds=60))
    assert client.post(f"/api/incidents/{incident}/speech", {}).status == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [({"text": "长" * 201}, 422, "invalid_request"), ({"text": 7}, 422, "invalid_request")],
)
def test_bad_words(site: Site, client: Client, body: Data, status: int, code: str) -> None:
    incident = site.open_incident(1, START)
    reply = client.post(f"/api/incidents/{incident}/speech", body)
    assert (reply.status, reply.json["code"]) == (status, code)


def test_where_there_is_nothing_to_speak_to(site: Site, client: Client) -> None:
    incident = site.open_incident(1, START)
    assert client.post("/api/incidents/none/speech", {}).status == 404
    assert client.post("/api/incidents/none/hush", {}).status == 404
    with site.store.write() as session:
        found = session.get(IncidentRow, incident)
        assert found is not None
        found.ended_at = NIGHT
    reply = client.post(f"/api/incidents/{incident}/speech", {})
    assert (reply.status, reply.json["code"]) == (409, "not_allowed")
