"""People of the store, what each role may ask for, and the audit of everything that changes something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DatabaseError

from alerts.api import passwords
from alerts.api.gate import SAFE, of_machines
from alerts.api.needs import NEEDS
from alerts.store import Store
from alerts.store.audit import AuditRow
from alerts.store.people import PersonRow
from lianfang.clock import ManualClock
from lianfang.config.api import Api, Operator
from tests.support.api import HASHER, PASSWORD, START, Client, Data, Reply, Site, config, serving
from tests.support.stores import KINDS, opener

ROLES = ("administrator", "operator", "worker", "viewer", "auditor")
LONG = "another long password"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site where an operator of the configuration has the name of each role."""
    folder = tmp_path_factory.mktemp("people")
    plain = config(folder)
    secret = plain.api.operators["duty"].password_hash
    people = {role: Operator(name=f"{role} 甲", role=role, password_hash=secret) for role in ROLES}
    store = Store(f"sqlite:///{folder}/store.db")
    api = Api(operators={**plain.api.operators, **people})
    yield Site(plain.model_copy(update={"api": api}), store, ManualClock(START))
    store.close()


@pytest.fixture(scope="module", autouse=True)
def _cheap_hashes() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", HASHER)
        yield


@pytest.fixture(scope="module")
def app(site: Site) -> FastAPI:
    return site.app()


@pytest.fixture(scope="module")
def port(app: FastAPI) -> Iterator[int]:
    with serving(app) as port:
        yield port


@pytest.fixture(scope="module")
def clients(port: int) -> dict[str, Client]:
    clients = {role: Client(port) for role in ROLES}
    for role, client in clients.items():
        assert client.login(operator=role).status == HTTPStatus.OK
    return clients


def routes(app: FastAPI) -> list[tuple[str, str, str]]:
    """Return method, path and name of everything behind the log-in."""
    return sorted(
        (method, str(route.path), str(route.name))
        for route in iter_route_contexts(app.routes)
        for method in (route.methods or ())
        if str(route.path).startswith("/api/")
        and method != "HEAD"
        and not of_machines(filled(str(route.path)))
    )


def filled(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "nothing", path)


def test_the_table_names_every_route_and_no_other(app: FastAPI) -> None:
    assert {name for _, _, name in routes(app)} == set(NEEDS)


def test_every_role_may_ask_for_what_the_table_says_and_for_nothing_else(
    app: FastAPI, clients: dict[str, Client]
) -> None:
    wrong = []
    for method, path, name in routes(app):
        if name in ("login", "logout", "follow_events"):
            continue
        for role in (*(r for r in ROLES if r not in NEEDS[name]), min(NEEDS[name])):
            reply = clients[role].request(method, filled(path), {} if method != "GET" else None)
            refused = reply.status == HTTPStatus.FORBIDDEN and "is not for the role" in reply.json["detail"]
            if refused == (role in NEEDS[name]):
                wrong.append((role, method, path, reply.status))
    assert not wrong


def test_whatever_changes_something_leaves_one_entry(
    app: FastAPI, clients: dict[str, Client], site: Site
) -> None:
    # By POST, for what is asked is long; and the parts of a voice, whose begin and end are deeds.
    asking = {"check_rule", "show_week", "check_plates", "send_sound"}
    changing = [(m, p, n) for m, p, n in routes(app) if m not in SAFE and n not in {"logout", *asking}]
    assert len(changing) > 20
    for method, path, name in changing:
        before = entries(site)
        asked = f"{filled(path)}?reason={quote('试一试')}"
        clients["administrator"].request(method, asked, {"reason": "试一试", "password": "x"})
        new = entries(site)[len(before) :]
        assert [row.action for row in new] == [name], path
        assert "x" not in str(new[0].detail)
        if name != "login":
            assert (new[0].actor, new[0].role) == ("administrator", "administrator")
            assert new[0].address == "127.0.0.1"
            assert new[0].reason == "试一试"
        assert new[0].target == " ".join("nothing" for _ in re.findall(r"\{", path))


def entries(site: Site) -> list[AuditRow]:
    with site.store.read() as session:
        return list(session.scalars(select(AuditRow).order_by(AuditRow.seq)))


def test_an_entry_is_of_the_transaction_that_it_tells_of(site: Site, clients: dict[str, Client]) -> None:
    """What is rolled back leaves no entry that says it was done."""
    incident, client = site.open_incident(1), clients["operator"]
    done = client.post(f"/api/incidents/{incident}/acknowledge", {"note": "去看看"})
    refused = client.post(f"/api/incidents/{incident}/reopen", {"note": "不行"})
    assert (done.status, refused.status) == (HTTPStatus.OK, HTTPStatus.CONFLICT)
    found = [(row.target, row.reason, row.status) for row in entries(site)[-2:]]
    assert found == [
        (f"{incident} acknowledge", "去看看", 200),
        (f"{incident} reopen", "不行", HTTPStatus.CONFLICT),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_entries_are_only_added(kind: str, tmp_path: Path) -> None:
    with opener(kind, tmp_path) as another:
        store = another()
        row = AuditRow(
            at=START,
            actor="duty",
            actor_name="王芳",
            role="operator",
            address="127.0.0.1",
            action="speak",
            target="",
            reason="",
            status=200,
            detail={},
        )
        with store.write() as session:
            session.add(row)
        for change in (update(AuditRow).values(actor="nobody"), delete(AuditRow)):
            with pytest.raises(DatabaseError, match="neither changed nor deleted"), store.write() as session:
                session.execute(change)


def test_the_audit_is_searched_and_exported(clients: dict[str, Client], site: Site) -> None:
    clients["operator"].post("/api/receivers/nowhere/enable")
    auditor = clients["auditor"]
    page = auditor.get("/api/audit?actor=operator&action=enable_receiver&limit=1").json
    assert [(e["target"], e["status"], e["actor_name"]) for e in page["entries"]] == [
        ("nowhere", 404, "operator 甲")
    ]
    assert auditor.get("/api/audit?text=NOWHERE").json["entries"][0] == page["entries"][0]
    assert auditor.get("/api/audit?from=2027-01-01T00:00:00Z").json == {"entries": [], "next": None}
    first = auditor.get("/api/audit?limit=1").json
    second = auditor.get(f"/api/audit?limit=1&before={first['next']}").json
    assert second["entries"][0]["seq"] < first["entries"][0]["seq"]

    assert auditor.post("/api/audit/export", {}).status == HTTPStatus.UNPROCESSABLE_ENTITY
    reply = auditor.post("/api/audit/export", {"reason": "季度检查", "text": "nowhere"})
    lines = reply.body.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("at,actor,actor_name,role,address,action,target,reason,status")
    assert len(lines) == 2
    assert "nowhere" in lines[1]
    assert "2026-07-01T16:00:00" in lines[1]
    assert (entries(site)[-1].action, entries(site)[-1].reason) == ("export_audit", "季度检查")


def test_a_person_is_added_and_chooses_a_password(clients: dict[str, Client], port: int, site: Site) -> None:
    admin = clients["administrator"]
    body = {"id": "liming", "name": "李明", "role": "worker", "cells": ["north"]}
    made = admin.post("/api/people", body)
    assert made.status == HTTPStatus.CREATED
    assert told(admin.post("/api/people", body)) == (409, "taken")
    assert told(admin.post("/api/people", body | {"id": "duty"})) == (409, "taken")
    assert told(admin.post("/api/people", body | {"id": "a", "cells": ["nowhere"]})) == (409, "unknown_cell")
    first = made.json["password"]
    with site.store.read() as session:
        assert first not in session.get_one(PersonRow, "liming").password_hash

    person = Client(port)
    entered = login(person, "liming", first)
    assert (entered.status, entered.json["must_change"]) == (HTTPStatus.OK, True)
    assert entered.json["stands_for"] == ["liming", "north"]
    assert told(person.get("/api/incidents")) == (403, "new_password_needed")
    assert told(change(person, "wrong", LONG)) == (401, "wrong_credentials")
    assert told(change(person, first, first)) == (422, "same_password")
    other = Client(port)
    login(other, "liming", first)
    assert change(person, first, LONG).json["must_change"] is False
    assert person.get("/api/incidents").status == HTTPStatus.OK
    assert other.get("/api/session").status == HTTPStatus.UNAUTHORIZED, "the old password's session has ended"
    assert login(other, "liming", first).status == HTTPStatus.UNAUTHORIZED
    assert {a["id"] for a in person.get("/api/community").json["assignees"]} >= {"liming", "duty"}
    secrets = {first, LONG}
    assert not [e for e in entries(site) if any(s in f"{e.detail}{e.reason}{e.target}" for s in secrets)]


def test_who_is_locked_is_out_at_once_and_a_role_holds_at_once(clients: dict[str, Client], port: int) -> None:
    admin, person = clients["administrator"], Client(port)
    first = admin.post("/api/people", {"id": "chen", "name": "陈静", "role": "viewer"}).json["password"]
    login(person, "chen", first)
    change(person, first, LONG)
    assert told(person.request("DELETE", "/api/profiles/in-force")) == (403, "not_yours")
    as_operator = {"name": "陈静", "role": "operator", "cells": []}
    assert admin.request("PUT", "/api/people/chen", as_operator).json["role"] == "operator"
    assert told(person.request("DELETE", "/api/profiles/in-force"))[1] != "not_yours"

    assert admin.post("/api/people/chen/lock", {"reason": "离职"}).json["locked"]
    assert person.get("/api/session").status == HTTPStatus.UNAUTHORIZED
    assert login(person, "chen", LONG).status == HTTPStatus.UNAUTHORIZED
    assert "chen" not in {a["id"] for a in admin.get("/api/community").json["assignees"]}
    assert not admin.post("/api/people/chen/unlock", {"reason": "回来了"}).json["locked"]
    assert login(person, "chen", LONG).status == HTTPStatus.OK
    again = admin.post("/api/people/chen/password", {"reason": "忘了"}).json["password"]
    assert person.get("/api/session").status == HTTPStatus.UNAUTHORIZED
    assert login(person, "chen", again).json["must_change"]
    listed = {p["id"]: p for p in admin.get("/api/people").json}
    assert [listed[name]["configured"] for name in ("duty", "chen")] == [True, False]
    assert listed["chen"]["created_by_name"] == "administrator 甲"


def test_nobody_locks_themselves_or_the_last_administrator(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    site = Site(config(tmp_path), store, ManualClock(START))
    with store.write() as session:
        shared = {"revision": 1, "role": "administrator", "password_hash": HASHER.hash(PASSWORD)}
        given = {"must_change": False, "created_at": START, "created_by": ""}
        session.add_all(PersonRow(id=n, name=n, **shared, **given) for n in ("first", "second"))
    with serving(site.app()) as port:
        first, second = Client(port), Client(port)
        login(first, "first", PASSWORD)
        login(second, "second", PASSWORD)
        viewer = {"name": "x", "role": "viewer"}
        assert told(first.request("PUT", "/api/people/first", viewer)) == (409, "yourself")
        assert told(first.post("/api/people/first/lock", {"reason": "x"})) == (409, "yourself")
        assert first.post("/api/people/second/lock", {"reason": "x"}).status == HTTPStatus.OK
        assert told(first.post("/api/people/nobody/lock", {"reason": "x"})) == (404, "no_person")
    store.close()


def told(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["code"] if reply.status >= HTTPStatus.BAD_REQUEST else ""


def login(client: Client, person: str, password: str) -> Reply:
    return client.login(operator=person, password=password)


def change(client: Client, current: str, new: str) -> Reply:
    body: Data = {"current": current, "new": new}
    return client.post("/api/password", body)
