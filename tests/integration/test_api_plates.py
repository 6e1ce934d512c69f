"""Lists of plates over the API: masked, in clear with a reason, as a table, and how often each came."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from itertools import takewhile
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from alerts.incidents.model import ChangeKind
from alerts.store import Store
from alerts.store.audit import AuditRow
from alerts.store.schema import IncidentRow
from alerts.store.shifts import HandoverRow
from lianfang.clock import ManualClock
from lianfang.config import Config
from lianfang.config.api import Operator
from lianfang.config.stanza import Secret
from tests.support.api import HASHER, PASSWORD, START, Client, Data, Reply, Site, events, serving
from tests.support.configs import loaded

LIST = "plate,from,until,note\n粤T12345,,2026-07-01T18:00,a\n粤T99999,2026-08-01,,b\n"
RULE = {
    "kind": "plate",
    "name": {"zh": "布控车辆", "en": "Wanted"},
    "cameras": ["cam"],
    "zones": ["water"],
    "labels": ["person"],
    "report": "listed",
    "list": "wanted.csv",
}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "wanted.csv").write_text(LIST, encoding="utf-8")
    (tmp_path / "hash").write_text(HASHER.hash(PASSWORD))
    plain = loaded(
        tmp_path,
        ("rules.wanted", RULE),
        ("detectors.plates", {"kind": "plate", "without_vehicle": True}),
        ("cameras.cam.detectors", ["objects", "plates"]),
    )
    secret = Secret(file=tmp_path / "hash")
    operators = {
        "duty": Operator(name="王芳", password_hash=secret),
        "walker": Operator(name="李强", password_hash=secret, role="worker"),
        "other": Operator(name="陈明", password_hash=secret, role="viewer"),
    }
    return plain.model_copy(update={"api": plain.api.model_copy(update={"operators": operators})})


@pytest.fixture
def site(config: Config, tmp_path: Path) -> Iterator[Site]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    yield Site(config, store, clock=ManualClock(START))
    store.close()


@pytest.fixture
def client(site: Site, tmp_path: Path) -> Iterator[Client]:
    store = site.store
    for n, hours in enumerate((1, 2)):
        site.open_incident(
            n, START - timedelta(hours=hours), rule="wanted", subject="粤T12345", point="bank", camera="cam"
        )
    site.open_incident(5, START, rule="entry", subject="", point="bank", camera="cam")
    with serving(site.app(static=tmp_path)) as port:
        client = Client(port)
        client.login()
        yield client
    with store.read() as session:
        deeds = [(row.action, row.reason, row.status) for row in session.scalars(select(AuditRow))]
    assert [deed for deed in deeds if deed[0].endswith("_plates")] == getattr(client, "deeds", [])


def test_everybody_sees_plates_masked(client: Client) -> None:
    walker = Client(client.port)
    walker.login("walker")
    for who in (client, walker):
        page = who.get("/api/plates").json
        (one,) = page["lists"]
        assert (one["id"], one["kind"], one["total"], one["standing"], one["fault"]) == (
            "wanted.csv",
            "file",
            2,
            1,
            "",
        )
        assert [rule["name"]["zh"] for rule in one["rules"]] == ["布控车辆"]
        first, second = page["entries"]
        assert (first["plate"], first["stands"], first["hits"], first["last_hit"]) == (
            "粤T***45",
            True,
            2,
            "2026-07-01T07:00:00Z",
        )
        assert (second["plate"], second["stands"], second["hits"]) == ("粤T***99", False, 0)
        assert [hit["plate"] for hit in page["hits"]] == ["粤T***45"] * 2
        assert "12345" not in str(page)
    assert client.get("/api/plates?list=none").json["code"] == "no_list"


def test_in_clear_only_with_a_reason_that_is_kept(client: Client) -> None:
    walker = Client(client.port)
    walker.login("walker")
    asked = {"plate": "t123", "reason": "失主来电"}
    assert walker.post("/api/plates/search", asked).status == HTTPStatus.FORBIDDEN
    assert walker.post("/api/plates/export", asked).status == HTTPStatus.FORBIDDEN
    assert client.post("/api/plates/search", {"plate": "t123"}).status == HTTPStatus.UNPROCESSABLE_ENTITY
    page = client.post("/api/plates/search", asked).json
    assert [one["plate"] for one in page["entries"]] == ["粤T12345"]
    assert [(hit["plate"], hit["point"]["name"]) for hit in page["hits"]] == [("粤T12345", "东岸")] * 2

    table = client.post("/api/plates/export", {"reason": "交班"})
    assert table.headers["content-disposition"] == 'attachment; filename="plates.csv"'
    rows = list(csv.DictReader(table.body.decode("utf-8-sig").splitlines()))
    assert [(row["plate"], row["from"], row["until"], row["hits"]) for row in rows] == [
        ("粤T12345", "", "2026-07-01T18:00:00+08:00", "2"),
        ("粤T99999", "2026-08-01T00:00:00+08:00", "", "0"),
    ]
    client.deeds = [  # type: ignore[attr-defined]
        ("search_plates", "失主来电", 403),
        ("export_plates", "失主来电", 403),
        ("search_plates", "", 422),
        ("search_plates", "失主来电", 200),
        ("export_plates", "交班", 200),
    ]


def change(client: Client, method: str, body: Data, newest: int = 0) -> Reply:
    return client.request(
        method,
        "/api/plates/entries",
        {"list": "wanted.csv", "reason": "失主来电", "based_on": newest, **body},
    )


def entries(client: Client) -> list[tuple[str, str | None, str | None, str]]:
    page = client.post("/api/plates/search", {"reason": "查"}).json
    client.deeds.append(("search_plates", "查", 200))  # type: ignore[attr-defined]
    return [(one["plate"], one["since"], one["until"], one["title"]) for one in page["entries"]]


def test_entries_are_added_changed_ended_and_removed_as_versions(client: Client) -> None:
    client.deeds = []  # type: ignore[attr-defined]
    new = {"plate": "粤b·54321", "until": "2026-07-03T00:00:00Z", "note": "盗抢"}
    done = change(client, "POST", new)
    assert (done.status, done.json["newest"], done.json["versions"][0]["reason"]) == (200, 1, "失主来电")
    assert entries(client)[2] == ("粤B54321", None, "2026-07-03T08:00:00+08:00", "盗抢"), (
        "at once on the page"
    )
    (listed,) = client.get("/api/plates").json["lists"]
    assert (listed["changed"], listed["editable"], listed["total"]) == (True, True, 3)

    ended = {"n": 2, "plate": "粤B***21", "since": None, "until": "2026-07-01T08:00:00Z"}
    assert change(client, "PUT", ended).json["code"] == "outdated", "somebody else has changed it since"
    assert change(client, "PUT", ended | {"plate": "粤T***99"}, 1).json["code"] == "outdated", "another one"
    assert change(client, "PUT", ended, 1).json["newest"] == 2
    assert entries(client)[2] == ("粤B54321", None, "2026-07-01T16:00:00+08:00", "盗抢")
    query = urlencode({"list": "wanted.csv", "n": 1, "plate": "粤T99999", "reason": "录错", "based_on": 2})
    assert client.request("DELETE", f"/api/plates/entries?{query}").json["newest"] == 3
    assert [one[0] for one in entries(client)] == ["粤T12345", "粤B54321"]

    told = [client.get(f"/api/settings/{n}").json["differences"] for n in (1, 2, 3)]
    assert [[(d["key"], d["before"], d["after"]) for d in one] for one in told] == [
        [("lists.wanted.csv.粤B***21", None, " – 2026-07-03T08:00:00+08:00")],
        [("lists.wanted.csv.粤B***21", " – 2026-07-03T08:00:00+08:00", " – 2026-07-01T16:00:00+08:00")],
        [("lists.wanted.csv.粤T***99", "2026-08-01T00:00:00+08:00 – ", None)],
    ]
    back = client.post("/api/settings/1/restore", {"reason": "误删", "based_on": 3})
    assert (back.status, len(entries(client))) == (200, 3)
    query = urlencode({"list": "wanted.csv", "reason": "恢复", "based_on": 4})
    assert client.request("DELETE", f"/api/plates/lists?{query}").json["newest"] == 5
    assert [one[0] for one in entries(client)] == ["粤T12345", "粤T99999"]
    assert not client.get("/api/plates").json["lists"][0]["changed"]
    with_lists = [("take_plates_back", "恢复", 200)]
    client.deeds[-1:-1] = with_lists  # type: ignore[attr-defined]
    client.deeds = [deed for deed in client.deeds if deed[0].endswith("_plates")]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("method", "body", "status", "said"),
    [
        ("POST", {"plate": "x"}, 422, "plate: found 'x'; allowed: a plate such as"),
        (
            "POST",
            {"plate": "粤T12345"},
            422,
            "plate: found '粤T12345', which is on the list for",
        ),
        ("POST", {"plate": "粤T1", "list": "../hash"}, 404, "no file is called '../hash'"),
        (
            "PUT",
            {"n": 0, "plate": "粤T***45", "since": "2026-07-02T00:00:00Z", "until": "2026-07-01T00:00:00Z"},
            422,
            "until: found '2026-07-01T08:00:00+08:00'; allowed: a time after",
        ),
        ("PUT", {"n": 7, "plate": "粤T***45", "since": None, "until": None}, 409, "another entry"),
    ],
)
def test_what_is_refused_of_an_entry(client: Client, method: str, body: Data, status: int, said: str) -> None:
    reply = change(client, method, body)
    assert (reply.status, said in reply.json["detail"]) == (status, True)
    assert client.get("/api/settings").json["newest"] == 0


def test_only_operators_change_lists(client: Client) -> None:
    walker = Client(client.port)
    walker.login("walker")
    for reply in (
        change(walker, "POST", {"plate": "粤B54321"}),
        change(walker, "PUT", {"n": 0, "plate": "粤T***45", "since": None, "until": None}),
        walker.send("POST", "/api/plates/import/check?list=wanted.csv&name=a.csv", b"plate", "text/csv"),
        walker.send("POST", "/api/plates/import?list=wanted.csv&name=a.csv", b"plate", "text/csv"),
    ):
        assert (reply.status, reply.json["code"]) == (HTTPStatus.FORBIDDEN, "not_yours")
    client.deeds = [("import_plates", "", 403)]  # type: ignore[attr-defined]


def test_a_table_is_taken_whole_or_not_at_all(client: Client) -> None:
    client.deeds = []  # type: ignore[attr-defined]

    def send(text: str, *, check: bool = True, **more: Data) -> Data:
        query = urlencode({"list": "wanted.csv", "name": "new.csv", **more})
        path = f"/api/plates/import{'/check' if check else ''}?{query}"
        return client.send("POST", path, text.encode("gb18030"), "text/csv").json

    wrong = "车牌,到期\n粤B54321,明天\nABC,\n"
    preview = send(wrong)
    assert preview["faults_total"] == 2
    assert [(f["file"], f["row"], f["column"], f["found"]) for f in preview["faults"]] == [
        ("new.csv", 2, "B (until)", "'明天'"),
        ("new.csv", 3, "A (plate)", "'ABC'"),
    ]
    said: dict[str, Data] = {"reason": "交接名单", "based_on": 0, "check": False}
    assert send(wrong, **said)["code"] == "refused"
    assert client.get("/api/settings").json["newest"] == 0, "nothing half imported"
    good = "车牌,到期,备注\n粤B54321,2026/8/1 0:00,盗抢\n粤T12345,2026-07-01 18:00,a\n"
    preview = send(good, mode="replace")
    assert [(one["row"], one["plate"], one["becomes"]) for one in preview["lines"]] == [
        (2, "粤B54321", "added"),
        (3, "粤T12345", "same"),
    ]
    assert (preview["added"], preview["same"], preview["removed"], preview["total"]) == (
        1,
        1,
        ["粤T***99"],
        2,
    )
    assert send(good, **said)["newest"] == 1
    assert sorted(one[0] for one in entries(client)) == ["粤B54321", "粤T12345", "粤T99999"]
    table = client.post("/api/plates/export", {"reason": "备份"}).body.decode("utf-8-sig")
    rows = list(csv.DictReader(table.splitlines()))
    assert {row["exported"] for row in rows} == {"王芳 2026-07-01 16:00 备份"}, (
        "who took it out, on each line"
    )
    again = client.send(
        "POST", "/api/plates/import/check?list=wanted.csv&name=a.csv", table.encode(), "text/csv"
    ).json
    assert (again["same"], again["total"], again["faults"]) == (3, 3, []), "what is exported can be imported"
    client.deeds = [  # type: ignore[attr-defined]
        ("import_plates", "交接名单", 422),
        ("import_plates", "交接名单", 200),
        ("search_plates", "查", 200),
        ("export_plates", "备份", 200),
    ]


def test_the_hits_of_an_entry_and_what_only_looks_like_it(client: Client, site: Site) -> None:
    site.open_incident(9, START, rule="wanted", subject="粤T1234S", review=True, point="bank", camera="cam")
    asked = {"list": "wanted.csv", "n": 0, "plate": "粤T***45"}
    found = client.get(f"/api/plates/hits?{urlencode(asked)}").json
    assert [(hit["plate"], hit["exact"]) for hit in found["hits"]] == [
        ("粤T***4S", False),
        ("粤T***45", True),
        ("粤T***45", True),
    ]
    assert found["total"] == 3
    other = client.get(f"/api/plates/hits?{urlencode(asked | {'n': 1})}")
    assert other.json["code"] == "outdated"


def test_who_may_not_see_a_plate_sees_it_masked_wherever_it_leaves(client: Client, site: Site) -> None:
    walker, other = (Client(client.port) for _ in range(2))
    walker.login("walker")
    other.login("other")
    with site.store.write() as session:
        rows = session.scalars(select(IncidentRow).where(IncidentRow.subject != "")).all()
        mine, theirs = sorted(row.id for row in rows)
        session.get_one(IncidentRow, mine).assignee = "walker"
    for one in (mine, theirs):
        site.change(one, ChangeKind.HANDLED, note="粤T12345 已驶离")

    def leaves(who: Client) -> dict[str, str]:
        """Return what leaves for somebody, as text."""
        found = {path: str(who.get(path).json) for path in ("/api/incidents", "/api/handovers/standing")}
        found |= {one: str(who.get(f"/api/incidents/{one}").json) for one in (mine, theirs)}
        with who.connection("GET", "/api/events?after=0") as stream:
            for event in takewhile(lambda event: event.kind != "heartbeat", events(stream)):
                if event.kind == "change":
                    key = f"stream {event.data['incident']['id']}"
                    found[key] = found.get(key, "") + str(event.data)
        return found

    whole = [{where for where, text in leaves(who).items() if "12345" in text} for who in (other, walker)]
    own = {"/api/incidents", "/api/handovers/standing", mine, f"stream {mine}"}
    assert whole == [set(), own], "workers see whole what is given to them"
    seen = leaves(client)
    assert {where for where, text in seen.items() if "粤T12345" in text} >= own | {theirs, f"stream {theirs}"}
    hidden = leaves(other)
    assert "粤T***45 已驶离" in hidden[theirs], "in what people wrote as well"
    assert mine in str(walker.get(f"/api/incidents?{urlencode({'rule': 'wanted'})}").json)
    found = [len(who.get("/api/incidents?text=T1234").json["incidents"]) for who in (client, walker, other)]
    assert found == [2, 0, 0], "nor is it found by guessing"
    kept = {
        "giver": "duty",
        "taker": "other",
        "note": "",
        "standing": client.get("/api/handovers/standing").json,
    }
    with site.store.write() as session:
        session.add(HandoverRow(id="h", state="offered", offered_at=START, since=[], **kept))
    assert "12345" in str(client.get("/api/handovers/h").json)
    assert "12345" not in str(other.get("/api/handovers/h").json)
