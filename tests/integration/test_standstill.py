"""全部停播: what is said ends, nothing begins but what may save a life, and it is over by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from alerts import standstill
from alerts.pipeline.speakers import Speakers
from alerts.rules.base import RuleSettings
from alerts.store import Store, speakers, suppressions
from alerts.store.schema import IncidentRow, OutboxRow
from alerts.suppression.said import NOTHING_SAID, Said
from lianfang.clock import ManualClock
from lianfang.config import Config
from tests.support.api import START, Client, Data, Site, config, serving

NIGHT = START.replace(hour=18)
WHY = "应急广播要用"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NIGHT)


@pytest.fixture
def site(tmp_path: Path, clock: ManualClock) -> Iterator[Site]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    known = config(tmp_path)
    river = known.rules["river"].model_copy(update={"life_safety": True})
    yield Site(known.model_copy(update={"rules": {**known.rules, "river": river}}), store, clock)
    store.close()


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    with serving(site.app()) as port:
        client = Client(port)
        client.login()
        yield client


def later(clock: ManualClock, seconds: float) -> None:
    clock.advance_to(clock.now() + timedelta(seconds=seconds))


def stop(client: Client, **body: Data) -> Data:
    reply = client.post("/api/standstill", {"reason": WHY} | body)
    assert reply.status == 200
    return reply.json


def states(site: Site) -> list[tuple[str, str]]:
    with site.store.read() as session:
        return [(row.state, row.stop) for row in session.query(OutboxRow).order_by(OutboxRow.seq)]


def said(store: Store, clock: ManualClock) -> Said:
    with store.read() as session:
        return suppressions.fresh(session, NOTHING_SAID, clock.now() - timedelta(days=2))


def turns(site: Site, clock: ManualClock) -> int:
    """Return how many speeches may begin now."""
    with site.store.read() as session:
        return len(speakers.turns(session, clock.now(), {"bank_speaker": 1}, owner="me", off=()).next)


def refusal(site: Site, clock: ManualClock, rule_id: str, incident: str) -> str:
    known: Config = site.config
    with site.store.read() as session:
        row, rule = session.get(IncidentRow, incident), known.rules[rule_id]
        assert row is not None
        assert isinstance(rule, RuleSettings)
        asked = Speakers(known, said(site.store, clock), session)
        return asked.free(rule, row, clock.now())[1] or ""


def test_one_key_ends_everything_and_every_console_sees_it(
    site: Site, client: Client, clock: ManualClock
) -> None:
    first, second = (
        site.open_incident(1, NIGHT),
        site.open_incident(2, NIGHT, rule="gate", camera="gate_cam", zone="walk"),
    )
    client.post(f"/api/incidents/{first}/speech", {})
    client.post(f"/api/incidents/{second}/speech", {"text": "请离开"})
    with site.store.write() as session:  # the first is being said
        row = session.query(OutboxRow).order_by(OutboxRow.seq).first()
        assert row is not None
        row.lease_owner, row.lease_until = "me", NIGHT + timedelta(seconds=5)
    state = stop(client, minutes=5)
    assert (state["speeches"], state["standstill"]["left_s"], state["standstill"]["full"]) == (2, 300, False)
    assert states(site) == [("pending", "standstill"), ("stopped", "")]
    with site.store.read() as session:
        asked = speakers.turns(session, clock.now(), {"bank_speaker": 0}, owner="me", off=())
        assert list(asked.stop.values()) == ["standstill"], "who says it is told to break off"
    with serving(site.app()) as other:
        colleague = Client(other)
        colleague.login("walker")
        later(clock, 60)
        shown = colleague.get("/api/standstill").json["standstill"]
        assert (shown["left_s"], shown["reason"], shown["author_name"]) == (240, WHY, "王芳")
        assert colleague.post("/api/standstill/end").status == 403
    later(clock, 240)
    assert client.get("/api/standstill").json["standstill"] is None, "it is over by itself"


@pytest.mark.parametrize(
    ("full", "polite", "vital"), [(False, "all_stopped", ""), (True, "all_stopped", "all_stopped")]
)
def test_what_begins_meanwhile(
    site: Site, client: Client, clock: ManualClock, full: bool, polite: str, vital: str
) -> None:
    stop(client, full=full)
    later(clock, 1)
    child = site.open_incident(1, clock.now())
    lingering = site.open_incident(2, clock.now(), rule="gate", camera="gate_cam", zone="walk")
    assert refusal(site, clock, "river", child) == vital
    assert refusal(site, clock, "gate", lingering) == polite
    spoken = [client.post(f"/api/incidents/{incident}/speech", {}) for incident in (child, lingering)]
    assert [s.status for s in spoken] == [409 if full else 200, 409], "a person is held to it, too"
    assert spoken[1].json["code"] == "all_stopped"
    call = client.post("/api/calls", {"kind": "tone", "speakers": ["bank_speaker"]})
    assert (call.status, call.json["code"]) == (409, "all_stopped")
    later(clock, 601)
    assert refusal(site, clock, "river", child) == ""
    assert refusal(site, clock, "gate", lingering) == "quiet_hours"


def test_what_was_decided_a_moment_before_does_not_begin(
    site: Site, client: Client, clock: ManualClock
) -> None:
    stop(client)
    site.say(site.open_incident(1, NIGHT), "请离开", at=clock.now())
    later(clock, 1)
    assert turns(site, clock) == 0
    with site.store.write() as session:
        session.query(OutboxRow).one().priority = suppressions.LIFE
    assert turns(site, clock) == 1
    stop(client, full=True, minutes=10)
    site.say(site.open_incident(2, NIGHT), "请离开", at=clock.now())
    later(clock, 1)
    with site.store.write() as session:
        session.query(OutboxRow).filter(OutboxRow.state == "pending").one().priority = suppressions.LIFE
    assert turns(site, clock) == 0


def test_what_was_going_on_stays_silent_until_it_is_over(
    site: Site, client: Client, clock: ManualClock
) -> None:
    child = site.open_incident(1, NIGHT)
    client.post(f"/api/incidents/{child}/speech", {})
    stop(client)
    later(clock, 30)
    assert refusal(site, clock, "river", child) == "an_operator_wants_silence"
    kinds = [change["kind"] for change in client.get(f"/api/incidents/{child}").json["timeline"]]
    assert kinds[-2:] == ["stopped", "hushed"]
    assert client.post("/api/standstill/end").json["standstill"] is None, "a person may end it earlier"
    later(clock, 1)
    assert refusal(site, clock, "river", child) != "an_operator_wants_silence"
    words = client.get("/api/suppressions?over=true").json
    assert [(w["kind"], w["state"], w["lifted_by_name"], w["reason"]) for w in words] == [
        ("standstill", "lifted", "王芳", WHY)
    ]


@pytest.mark.parametrize(
    "body", [{"minutes": 0}, {"minutes": 121}, {"minutes": 11, "full": True}, {"reason": " "}, {"for": 1}]
)
def test_what_is_refused(client: Client, body: Data) -> None:
    assert client.post("/api/standstill", {"reason": WHY} | body).status == 422


def test_the_newest_counts(site: Site, clock: ManualClock) -> None:
    for minutes in (100, 1):
        standstill.begin(site.store, site.config, clock, "duty", standstill.Wanted(minutes, WHY))
    found = standstill.current(site.store, clock)
    assert found is not None
    assert found.until == NIGHT + timedelta(minutes=1)
    later(clock, 61)
    assert standstill.current(site.store, clock) is None
    assert not standstill.end(site.store, clock, "duty")
