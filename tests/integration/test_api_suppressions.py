"""What people say through the API: listed, refused with a reason, in force at once, taken back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from alerts.rules.base import RuleSettings
from alerts.store import Store
from tests.support.api import Client, Data, Site, config

MEMBER = {
    "n": 2,
    "camera": "lake_north",
    "track_id": "e1:7",
    "label": "person",
    "zone": "bank",
    "confidence": 0.8,
    "xyxyn": [0.4, 0.5, 0.5, 0.9],
    "since": "2026-07-01T08:00:00Z",
    "last_at": "2026-07-01T08:00:01Z",
}


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("site")
    store = Store(f"sqlite:///{folder}/store.db")
    site = Site(config(folder), store)
    vital = site.config.rules["river"].model_copy(update={"life_safety": True})
    walk = site.config.rules["gate"].model_copy(update={"cameras": ("gate_cam",)})
    rules = {**site.config.rules, "vital": vital, "walk": walk}
    site.config = site.config.model_copy(update={"rules": rules})
    assert isinstance(vital, RuleSettings)
    yield site
    store.close()


def later(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def silence(**keys: Data) -> dict[str, Any]:
    return {"kind": "silence", "reason": "龙舟赛", "rules": ["river"], "until": later(1), **keys}


def permit(**hours: Data) -> dict[str, Any]:
    return {"kind": "permit", "reason": "钓友", "rules": ["walk"], "camera": "gate_cam", "hours": hours}


def test_a_silence_mutes_what_is_open_at_once_and_lifted_it_is_no_longer_listed(
    site: Site, client: Client
) -> None:
    mine, other = site.open_incident(1), site.open_incident(2, rule="gate", place="gate", point="gate")
    said = client.post("/api/suppressions", silence())
    assert (said.status, said.json["state"], said.json["author_name"]) == (201, "in_force", "王芳")
    shown = client.get(f"/api/incidents/{mine}").json
    assert (shown["muted"], shown["muted_by"]) == ("silenced", said.json["id"])
    assert (shown["timeline"][-1]["kind"], shown["timeline"][-1]["actor"]) == ("muted", "duty")
    assert client.get(f"/api/incidents/{other}").json["muted"] == ""
    (listed,) = client.get("/api/suppressions").json
    assert (listed["id"], listed["held"]) == (said.json["id"], 1)
    lifted = client.post(f"/api/suppressions/{said.json['id']}/lift")
    assert (lifted.json["state"], lifted.json["lifted_by_name"]) == ("lifted", "王芳")
    assert client.get("/api/suppressions").json == []
    assert [s["state"] for s in client.get("/api/suppressions?over=true").json] == ["lifted"]


def test_not_this_here_takes_over_what_the_incident_shows(site: Site, client: Client) -> None:
    incident = site.open_incident(1, rule="gate", members=[{**MEMBER, "n": 1}, MEMBER])
    body = {"kind": "dismissal", "reason": "石像", "incident": incident, "member": 2}
    said = client.post("/api/suppressions", body).json
    assert [rule["id"] for rule in said["rules"]] == ["gate"]
    assert (said["camera"]["id"], said["label"], said["xyxyn"]) == (
        "lake_north",
        "person",
        MEMBER["xyxyn"],
    )
    assert (said["incident_id"], said["until"]) == (incident, None)


def test_a_permit_and_maintenance(site: Site, client: Client) -> None:
    site.clear()
    permit = {
        "kind": "permit",
        "reason": "已登记的钓友",
        "rules": ["gate"],
        "place": "gate",
        "heads": 1,
        "hours": {"windows": [{"begin": "05:30", "end": "06:30"}]},
        "task_after_s": 1800,
        "until": later(48),
    }
    assert client.post("/api/suppressions", permit).json["hours"]["windows"][0]["end"] == "06:30"
    works = {"kind": "maintenance", "reason": "换镜头", "camera": "lake_north", "until": later(2)}
    assert client.post("/api/suppressions", works).json["camera"]["name"] == "1号机位"
    assert [s["kind"] for s in client.get("/api/suppressions").json] == ["maintenance", "permit"]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (silence(rules=["rivr"]), "rules.0: found 'rivr'; allowed: one of fault, gate, river, vital, walk"),
        (silence(rules=[]), "silence: found everything; allowed: a rule, a camera, a point or a place"),
        (silence(until=later(-1)), "until: found .* allowed: a time to come"),
        (silence(until=later(24 * 8)), "until: found .* allowed: an end within 7 days"),
        (silence(camera="lake"), "camera: found 'lake'; allowed: one of gate_cam, lake_north, lake_south"),
        ({"kind": "silence", "reason": "x", "rules": ["river"]}, "until: Field required"),
        (silence(reason="  "), "reason: String should have at least 1 character"),
        (
            {"kind": "permit", "reason": "x", "rules": ["vital"], "place": "lake"},
            "rules.0: found 'vital'; allowed: a rule without life_safety",
        ),
        (
            {"kind": "permit", "reason": "x", "rules": ["gate"]},
            "permit: found everywhere; allowed: a camera, a point or a place",
        ),
        (
            permit(windows=[{"begin": "sunrise", "end": "09:00"}]),
            "hours.windows: found sunrise or sunset at camera gate_cam; allowed: longitude and latitude",
        ),
        (
            permit(windows=[{"begin": "05:30", "end": "09:00"}, {"days": ["school_day"]}]),
            "hours.windows.1.days.0: found 'school_day'; allowed: one of mon",
        ),
        (
            {"kind": "maintenance", "reason": "x", "until": later(1), "camera": "gate_cam", "point": "gate"},
            "maintenance: found none or several; allowed: one camera, one point or one speaker",
        ),
        (
            {"kind": "maintenance", "reason": "x", "until": later(1), "receiver": "police"},
            "receiver: found 'police'",
        ),
    ],
)
def test_what_leads_nowhere_or_blinds_too_much_is_refused(
    site: Site, client: Client, body: dict[str, Any], complaint: str
) -> None:
    reply = client.post("/api/suppressions", body)
    assert reply.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert re.search(complaint, reply.json["detail"]), reply.json["detail"]
    assert client.get("/api/suppressions?over=true").json == []
    site.clear()


def test_a_spot_where_somebody_may_drown_is_dismissed_for_a_day_at_most(site: Site, client: Client) -> None:
    incident = site.open_incident(1, rule="vital", members=[MEMBER])
    body = {"kind": "dismissal", "reason": "浮标", "incident": incident}
    assert "an end within 24 hours" in client.post("/api/suppressions", body).json["detail"]
    assert client.post("/api/suppressions", {**body, "until": later(8)}).status == HTTPStatus.CREATED


@pytest.mark.parametrize(
    ("columns", "status"),
    [({"members": []}, 422), ({"members": [MEMBER], "subject": "粤T12345"}, 422), (None, 404)],
    ids=["nobody left", "a plate", "no such incident"],
)
def test_only_a_thing_with_a_spot_can_be_dismissed(
    site: Site, client: Client, columns: dict[str, Any] | None, status: int
) -> None:
    incident = site.open_incident(1, **columns) if columns else "none"
    body = {"kind": "dismissal", "reason": "x", "incident": incident}
    assert client.post("/api/suppressions", body).status == status


def test_lifting_what_is_not_there(client: Client) -> None:
    assert client.post("/api/suppressions/none/lift").status == HTTPStatus.NOT_FOUND


def test_workers_look_and_say_nothing(site: Site, client: Client) -> None:
    site.open_incident(1)
    said = client.post("/api/suppressions", silence()).json
    worker = Client(client.port)
    worker.login("walker")
    assert [word["id"] for word in worker.get("/api/suppressions").json] == [said["id"]]
    for path, body in (("/api/suppressions", silence()), (f"/api/suppressions/{said['id']}/lift", None)):
        refused = worker.post(path, body)
        assert (refused.status, refused.json["code"]) == (HTTPStatus.FORBIDDEN, "not_yours")
    assert worker.post("/api/trials/any/sign-off", {"reason": "x"}).status == HTTPStatus.FORBIDDEN
