"""What the API says about incidents, and what a person can do through it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from alerts import camera_clocks
from alerts.incidents.model import ChangeKind
from alerts.store import Store
from alerts.store.schema import CameraStateRow, EvidenceRow
from lianfang.config import Stanza
from lianfang.events import CameraClock
from tests.support.api import START, Client, Data, Site, config, serving


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    store = Store(f"sqlite:///{folder}/store.db")
    yield Site(config(folder), store)
    store.close()


def _later(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_pages_are_newest_first_without_gap_or_double(site: Site, client: Client) -> None:
    # Pairs share a time: the cursor must not lose or repeat one of them.
    ids = [site.open_incident(n, _later(n // 2)) for n in range(7)]
    seen: list[dict[str, Any]] = []
    before = ""
    while True:
        page = client.get(f"/api/incidents?limit=2{before}").json
        seen += page["incidents"]
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
        site.open_incident(100 + len(seen), _later(1000 + len(seen)))  # news do not shift older pages
    assert sorted(i["id"] for i in seen) == sorted(ids)
    assert [i["opened_at"] for i in seen] == sorted((i["opened_at"] for i in seen), reverse=True)


def test_open_and_handled(site: Site, client: Client) -> None:
    states = ("new", "broadcasting", "cleared", "escalated", "handled", "false_alarm", "permitted", "closed")
    for n, state in enumerate(states):
        site.open_incident(n, _later(n), state=state)
    listed = {
        value: [i["state"] for i in client.get(f"/api/incidents?open={value}").json["incidents"]]
        for value in ("true", "false")
    }
    assert listed == {
        "true": ["handled", "escalated", "broadcasting", "new"],
        "false": ["closed", "permitted", "false_alarm", "cleared"],
    }


@pytest.mark.parametrize(
    ("query", "code"),
    [("limit=0", "invalid_request"), ("limit=201", "invalid_request"), ("before=x", "unknown_cursor")],
)
def test_bad_queries(client: Client, query: str, code: str) -> None:
    reply = client.get(f"/api/incidents?{query}")
    assert (reply.status, reply.json["code"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, code)


def test_one_incident_in_full(site: Site, client: Client) -> None:
    person = {
        "n": 1,
        "camera": "lake_north",
        "track_id": "e:7",
        "label": "person",
        "zone": "bank",
        "confidence": 0.91,
        "xyxyn": [0.4, 0.3, 0.5, 0.8],
        "since": START.isoformat(),
        "last_at": START.isoformat(),
    }
    incident = site.open_incident(1, members=[person])
    evidence = site.picture(incident, b"\xff\xd8original", b"\xff\xd8annotated")
    site.say(incident, "水深危险，请马上离开水边。", "finished")
    site.tell(incident, "dead")

    shown = client.get(f"/api/incidents/{incident}").json
    assert shown["rule"] == {
        "id": "river",
        "name": {"zh": "有人进入水域危险区", "en": "Person in the water danger zone"},
    }
    assert shown["point"] == {"id": "lake", "name": "东湖北岸"}
    assert shown["camera"]["name"] == "1号机位"
    assert shown["zone"]["name"] == "浅水区"
    assert shown["duty_contact"] == {"name": "李强", "phone": "139 0000 0000"}
    assert shown["confirm_notifies"] == ["police"]
    assert shown["actions"] == [
        "acknowledge",
        "confirm",
        "assign",
        "dispatch",
        "close",
        "false-alarm",
        "permit",
    ]
    assert shown["speech"]["text"] == "水深危险，请马上离开水边。"
    assert shown["speech"]["outcome"] == "finished"
    assert [m["xyxyn"] for m in shown["members"]] == [[0.4, 0.3, 0.5, 0.8]]
    assert [c["kind"] for c in shown["timeline"]] == ["opened", "evidence", "delivered", "delivery_failed"]
    assert [c["version"] for c in shown["timeline"]] == [1, 2, 3, 4]
    assert shown["hops"]["detected_at"] == "2026-07-01T08:00:00.090000Z"
    speech, notice = shown["deliveries"]
    assert (speech["latency_s"], speech["detail"]) == (0.4, "finished after 6 s")
    assert notice["state"] == "dead"
    assert notice["last_error"] == "HTTP 500 from http://user:***@receiver/"
    assert shown["picture"] == shown["evidence"][0]
    picture = client.get(shown["picture"]["annotated_url"])
    assert (picture.status, picture.body) == (HTTPStatus.OK, b"\xff\xd8annotated")
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.headers["cache-control"] == "private, no-store"
    assert client.get(f"/api/evidence/{evidence}/original.jpg").body == b"\xff\xd8original"


def test_names_that_the_configuration_has_lost_are_shown_as_ids(site: Site, client: Client) -> None:
    incident = site.open_incident(1, rule="gone", camera="old", point="nowhere", zone="z")
    shown = client.get(f"/api/incidents/{incident}").json
    assert shown["rule"]["name"] == {"zh": "gone", "en": "gone"}
    assert [shown[key]["name"] for key in ("camera", "point", "zone")] == ["old", "nowhere", "z"]


def test_presence_is_known_only_from_fresh_observations(site: Site, client: Client) -> None:
    incident = site.open_incident(1)

    def presence() -> str:
        return str(client.get(f"/api/incidents/{incident}").json["presence"])

    assert presence() == "there"
    site.change(incident, ChangeKind.UNSEEN, _later(10), unseen=True)
    assert presence() == "unknown"
    site.change(incident, ChangeKind.SEEN, _later(20), unseen=False, last_seen_at=_later(20))
    assert presence() == "there"
    site.change(incident, ChangeKind.CLEARED, _later(30), occupied=False, cleared_at=_later(30))
    assert presence() == "left"


def test_actions_and_who_did_them(site: Site, client: Client) -> None:
    incident = site.open_incident(1)
    acknowledged = client.post(f"/api/incidents/{incident}/acknowledge", {})
    assert acknowledged.status == HTTPStatus.OK
    assert acknowledged.json["state"] == "acknowledged"
    assert "confirm" in acknowledged.json["actions"]
    assert "acknowledge" not in acknowledged.json["actions"]
    confirmed = client.post(f"/api/incidents/{incident}/confirm", {"note": "  两名儿童  "}).json
    assert (confirmed["state"], confirmed["confirmed_by"]) == ("acknowledged", "duty")
    assert [(n["receiver"], n["state"]) for n in confirmed["notices"]] == [("police", "pending")]
    assert confirmed["handling"] == {
        "kind": "confirmed",
        "at": confirmed["confirmed_at"],
        "actor": "duty",
        "actor_name": "王芳",
        "note": "两名儿童",
    }
    last = confirmed["timeline"][-1]
    assert (last["kind"], last["actor"], last["actor_name"], last["data"]) == (
        "confirmed",
        "duty",
        "王芳",
        {"note": "两名儿童", "state": "acknowledged"},
    )
    assert client.post(f"/api/incidents/{incident}/close", {}).json["state"] == "closed"

    refused = client.post(f"/api/incidents/{incident}/false-alarm", {})
    assert (refused.status, refused.json["code"]) == (HTTPStatus.CONFLICT, "not_allowed")
    assert "closed" in refused.json["detail"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/incidents/none/confirm", {}, 404),
        ("/api/incidents/none/burn", {}, 422),
        ("/api/incidents/none/confirm", {"note": "x" * 501}, 422),
        ("/api/incidents/none/assign", {"assignee": "x" * 65}, 422),
    ],
)
def test_impossible_actions(client: Client, path: str, body: Data, status: int) -> None:
    assert client.post(path, body).status == status


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/hostname", "..", "", "link.jpg", "gone.jpg"])
def test_nothing_outside_the_evidence_folder_is_served(site: Site, client: Client, name: str) -> None:
    incident = site.open_incident(1)
    evidence = site.picture(incident)
    with site.store.write() as session:
        session.get_one(EvidenceRow, evidence).original = name
    secret = site.evidence_dir.parent / "secret.jpg"
    secret.write_bytes(b"secret")
    link = site.evidence_dir / "link.jpg"
    link.unlink(missing_ok=True)
    link.symlink_to(secret)
    reply = client.get(f"/api/evidence/{evidence}/original.jpg")
    assert reply.status == HTTPStatus.NOT_FOUND
    assert reply.json["code"] in {"evidence_gone", "evidence_kept"}


@pytest.mark.parametrize(
    ("state", "reason", "detail"),
    [("missing", "the frame is no longer kept", "the frame is no longer kept"), ("pending", "", "pending")],
)
def test_a_picture_that_is_not_there_says_why(
    site: Site, client: Client, state: str, reason: str, detail: str
) -> None:
    incident = site.open_incident(1)
    evidence = site.picture(incident, state=state, reason=reason)
    reply = client.get(f"/api/evidence/{evidence}/annotated.jpg")
    assert reply.json == {"detail": detail, "code": f"evidence_{state}"}
    shown = client.get(f"/api/incidents/{incident}").json["picture"]
    assert (shown["state"], shown["reason"], shown["annotated_url"]) == (state, reason, None)


def test_cameras_say_their_condition_and_never_their_source(tmp_path: Path) -> None:
    class Source(Stanza):
        url: str

    store = Store(f"sqlite:///{tmp_path}/store.db")
    site = Site(config(tmp_path), store)
    cameras = dict(site.config.cameras)
    source = Source(url="rtsp://admin:hunter2@10.0.0.9/1")
    cameras["lake_north"] = cameras["lake_north"].model_copy(update={"source": source})
    cameras["gate_cam"] = cameras["gate_cam"].model_copy(update={"enabled": False})
    site.config = site.config.model_copy(update={"cameras": cameras})
    site.camera("lake_north", "offline", START, "no answer from rtsp://admin:hunter2@10.0.0.9/1")
    off = CameraClock(offset_s=-7.5, source="osd", at=START, off=True)
    with site.store.write() as session:
        camera_clocks.told(session.get_one(CameraStateRow, "lake_north"), off)
    with serving(site.app(static=tmp_path)) as port:
        client = Client(port)
        client.login()
        reply = client.get("/api/cameras")
    store.close()
    conditions = {c["id"]: c["condition"] for c in reply.json}
    assert conditions == {"lake_north": "offline", "lake_south": "unknown", "gate_cam": "disabled"}
    assert reply.json[0]["since"] == "2026-07-01T08:00:00Z"
    assert b"hunter2" not in reply.body
    told = {"offset_s": -7.5, "source": "osd", "at": "2026-07-01T08:00:00Z", "off": True, "trusted": True}
    assert [camera["clock"] for camera in reply.json] == [told, None, None]
    assert reply.json[0]["faults"] == ["wrong_clock"]


def test_community(client: Client) -> None:
    shown = client.get("/api/community").json
    receivers, assignees = shown.pop("receivers"), shown.pop("assignees")
    assert [(a["id"], a["name"], a["kind"]) for a in assignees] == [
        ("north", "北一网格", "cell"),
        ("duty", "王芳", "person"),
        ("walker", "赵敏", "person"),
    ]
    assert (assignees[0]["points"], assignees[0]["contact"]["name"]) == (["lake"], "赵敏")
    assert shown.pop("speakers") == ["bank_speaker"]
    assert shown == {"name": "东湖社区", "language": "zh", "timezone": "Asia/Shanghai"}
    # Without a name of its own a receiver is called by its id.
    assert {"id": "police", "name": {"zh": "police", "en": "police"}} in receivers


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ("severity=high&severity=low", {2, 3}),
        ("rule=gate", {3}),
        ("point=lake&state=new", {1}),
        ("assignee=north", {2}),
        ("assignee=-&assignee=north", {1, 2, 3}),
        ("text=%E5%8C%97%E9%97%A8", {3}),  # 北门, in the rule's name and the point's
        ("text=WATER", {1, 2}),  # the English name of the rule
        ("text=%E5%8C%97%E4%B8%80", {2}),  # 北一网格
        ("text=t123", {3}),  # of the plate
        ("text=%25", set()),  # a sign of the database's language is none of ours
        ("severity=high&text=%E5%8C%97%E9%97%A8", set()),
    ],
)
def test_incidents_are_chosen_by_what_they_are_about(
    site: Site, client: Client, chosen: str, found: set[int]
) -> None:
    gate: dict[str, Any] = {"rule": "gate", "point": "gate", "camera": "gate_cam"}
    ids = {
        site.open_incident(1): 1,
        site.open_incident(2, severity="high", assignee="north", state="acknowledged"): 2,
        site.open_incident(3, severity="low", subject="粤T1234", **gate): 3,
    }
    assert {ids[i["id"]] for i in client.get(f"/api/incidents?{chosen}").json["incidents"]} == found


def test_a_choice_that_is_none_is_refused(client: Client) -> None:
    assert client.get("/api/incidents?severity=bad").status == HTTPStatus.UNPROCESSABLE_ENTITY
