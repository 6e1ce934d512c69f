"""What people on watch agree on through the API: quiet consoles, heard consoles, the handover of a shift."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import pytest

from alerts.rules.base import RuleSettings
from alerts.store import Store
from alerts.store.schema import SpeakerRow
from lianfang.clock import ManualClock
from lianfang.config.on_call import Called, OnCall
from tests.support.api import START, Client, Data, Site, config


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("site")
    store = Store(f"sqlite:///{folder}/store.db")
    site = Site(config(folder), store, ManualClock(START))
    river = site.config.rules["river"]
    assert isinstance(river, RuleSettings)
    next_one = site.config.api.operators["duty"].model_copy(update={"name": "李强"})
    people = {**site.config.api.operators, "night": next_one}
    site.config = site.config.model_copy(
        update={
            "rules": {**site.config.rules, "river": river.model_copy(update={"life_safety": True})},
            "api": site.config.api.model_copy(update={"operators": people}),
            "on_call": OnCall(order=(Called(operator="night"), Called(operator="duty"))),
        }
    )
    yield site
    store.close()


def as_(client: Client, who: str) -> Client:
    """Return another browser, in which somebody else is logged in."""
    other = Client(client.port)
    assert other.login(who).status == HTTPStatus.OK
    return other


def quiet(**keys: Data) -> dict[str, Data]:
    return {"minutes": 30, "reason": "龙舟赛，人多", **keys}


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (quiet(severity="high"), HTTPStatus.CREATED),
        (quiet(camera="gate_cam", rule="gate"), HTTPStatus.CREATED),
        (quiet(), HTTPStatus.UNPROCESSABLE_ENTITY),  # everything at once
        (quiet(rule="river"), HTTPStatus.UNPROCESSABLE_ENTITY),  # of life safety
        (quiet(rule="no"), HTTPStatus.UNPROCESSABLE_ENTITY),
        (quiet(camera="no"), HTTPStatus.UNPROCESSABLE_ENTITY),
        (quiet(severity="high", reason=" "), HTTPStatus.UNPROCESSABLE_ENTITY),
        (quiet(severity="high", minutes=721), HTTPStatus.UNPROCESSABLE_ENTITY),
    ],
)
def test_a_quiet_has_a_reason_and_an_end_and_is_not_for_life_safety(
    client: Client, body: Data, status: HTTPStatus
) -> None:
    assert client.post("/api/quiets", body).status == status
    assert len(client.get("/api/quiets").json) == (status == HTTPStatus.CREATED)


def test_a_quiet_is_seen_by_all_lifted_by_any_operator_and_ends_by_itself(site: Site, client: Client) -> None:
    said = client.post("/api/quiets", quiet(severity="medium")).json
    other = client.post("/api/quiets", quiet(camera="gate_cam")).json
    walker = as_(client, "walker")
    assert {q["id"] for q in walker.get("/api/quiets").json} == {said["id"], other["id"]}
    assert walker.post("/api/quiets", quiet(severity="low")).status == HTTPStatus.FORBIDDEN
    assert walker.post(f"/api/quiets/{said['id']}/lift").status == HTTPStatus.FORBIDDEN
    lifted = as_(client, "night").post(f"/api/quiets/{said['id']}/lift").json
    assert (lifted["author_name"], lifted["lifted_by_name"]) == ("王芳", "李强")
    assert [q["id"] for q in client.get("/api/quiets").json] == [other["id"]]
    assert isinstance(site.clock, ManualClock)
    site.clock.advance_to(START + timedelta(minutes=30))
    assert client.get("/api/quiets").json == []
    assert len(client.get("/api/quiets?over=true").json) == 2
    assert client.post("/api/quiets/none/lift").json["code"] == "no_quiet"


@pytest.mark.usefixtures("site")
def test_whether_a_console_is_heard_is_kept_for_the_log_in_of_that_browser(client: Client) -> None:
    assert client.get("/api/sound-test").json["heard"] is None
    assert client.post("/api/sound-test", {"heard": False}).status == HTTPStatus.CREATED
    client.post("/api/sound-test", {"heard": True})
    assert client.get("/api/sound-test").json["heard"] is True
    another = as_(client, "duty")
    assert another.get("/api/sound-test").json["heard"] is None, "another browser was not asked"
    kept = another.get("/api/sound-tests").json
    assert [(k["operator_name"], k["heard"]) for k in kept] == [("王芳", True), ("王芳", False)]


def _stand(site: Site) -> str:
    incident = site.open_incident(1, assignee="north", rings=1, rung_at=START, state_since=START)
    site.open_incident(2, state="closed")
    site.camera("lake_south", "offline", START, "timed_out", "no packet for 5 s")
    site.camera("lake_north", "online")
    with site.store.write() as session:
        session.add(SpeakerRow(receiver="bank_speaker", health="silent", since=START, heard_at=START))
    return incident


def test_a_shift_is_handed_over_by_both_and_read_later_as_it_was(site: Site, client: Client) -> None:
    incident = _stand(site)
    client.post("/api/quiets", quiet(severity="low"))
    silence = {"kind": "silence", "reason": "检修", "rules": ["gate"], "until": "2026-07-02T00:00:00Z"}
    assert client.post("/api/suppressions", silence).status == HTTPStatus.CREATED
    offered = client.post("/api/handovers", {"taker": "night", "note": "北岸有人钓鱼"}).json
    stands = offered["standing"]
    assert [(c["id"], c["assignee"]["name"]) for c in stands["open"]] == [(incident, "北一网格")]
    assert [h["reason"] for h in stands["held_back"]] == ["检修"]
    assert [q["severity"] for q in stands["sound"]] == ["low"]
    dead = [(d["device"]["name"], d["condition"]) for d in stands["dead"]]
    assert dead == [("2号机位", "offline"), ("bank_speaker", "silent")]

    path = f"/api/handovers/{offered['id']}"
    assert client.post(f"{path}/take", {}).json["code"] == "not_between"
    assert client.post("/api/handovers", {"taker": "night"}).json["code"] == "not_offered"
    later = site.open_incident(3)
    taken = as_(client, "night").post(f"{path}/take", {"note": "清楚"}).json
    assert (taken["state"], taken["ended_by_name"], taken["answer"]) == ("taken", "李强", "清楚")
    assert [c["id"] for c in taken["since"]] == [later]
    site.camera("lake_south", "online")
    read = client.get(path).json
    assert read["standing"] == stands, "it is kept as it was"
    assert as_(client, "night").post(f"{path}/withdraw", {}).json["code"] == "not_offered"
    assert [h["state"] for h in client.get("/api/handovers").json] == ["taken"]


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("taker", ["duty", "walker", "nobody"])
def test_who_cannot_take_over_is_not_offered_it(client: Client, taker: str) -> None:
    refused = client.post("/api/handovers", {"taker": taker})
    assert (refused.status, refused.json["code"]) == (HTTPStatus.FORBIDDEN, "not_between")
    assert as_(client, "walker").post("/api/handovers", {"taker": "night"}).json["code"] == "not_yours"
    offered = client.post("/api/handovers", {"taker": "night"}).json
    refusal = as_(client, "night").post(f"/api/handovers/{offered['id']}/withdraw", {"note": "还没到"})
    assert refusal.json["state"] == "withdrawn"
    assert client.post("/api/handovers/none/take", {}).json["code"] == "no_handover"


def test_an_incident_says_who_was_called_and_who_is_next(site: Site, client: Client) -> None:
    waits = site.open_incident(1, state_since=START, alarmed_at=START)
    called = site.open_incident(2, state_since=START, alarmed_at=START, rings=1, rung_at=START)
    low = site.open_incident(3, severity="low", state_since=START, alarmed_at=START)
    found = {i["id"]: i["ring"] for i in client.get("/api/incidents").json["incidents"]}
    assert found[low] is None
    assert (found[waits]["last"], found[waits]["next"]["name"]) == (None, "李强")
    assert found[waits]["next_at"] == "2026-07-01T08:01:00Z"
    assert (found[called]["last"]["name"], found[called]["next"]["name"]) == ("李强", "王芳")
    assert {i["vital"] for i in client.get("/api/incidents").json["incidents"]} == {True}
