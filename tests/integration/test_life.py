"""What people do to a case: who may, what they must say, who hears of it, and what is written down."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import select, text

from alerts.actions import Doing, Incomplete, NotAllowed, NotYours, act
from alerts.incidents.life import Action
from alerts.store import Store
from alerts.store.schema import ChangeRow, IncidentRow, OutboxRow
from alerts.store.store import migrate, migrations
from tests.support.api import Client, Site, config, serving


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    yield Site(config(tmp_path, mode="drill"), store)
    store.close()


def do(site: Site, incident: str, what: str, actor: str = "duty", **said: str) -> IncidentRow:
    return act(site.store, site.config, site.clock, incident, Doing(Action(what), actor, **said))


def told(site: Site, receiver: str) -> list[tuple[str, str, str, str]]:
    """Return what a receiver hears: change, state, mode and to whom it is assigned."""
    with site.store.read() as session:
        rows = session.scalars(
            select(OutboxRow).where(OutboxRow.receiver == receiver).order_by(OutboxRow.seq)
        )
        return [tuple(r.payload[k] for k in ("change", "state", "mode", "assignee")) for r in rows]


def timeline(site: Site) -> list[tuple[str, str, dict[str, Any]]]:
    with site.store.read() as session:
        return [(c.kind, c.actor, c.data) for c in session.scalars(select(ChangeRow).order_by(ChangeRow.seq))]


def test_from_the_alarm_to_the_review(site: Site) -> None:
    incident = site.open_incident(1)
    do(site, incident, "acknowledge")
    do(site, incident, "dispatch", assignee="north")
    do(site, incident, "handle", "walker", note="孩子已交给家长")
    assert do(site, incident, "close").state == "closed"
    assert timeline(site)[1:] == [
        ("acknowledged", "duty", {"state": "acknowledged"}),
        ("assigned", "duty", {"state": "acknowledged", "assignee": "north"}),
        ("dispatched", "duty", {"state": "dispatched", "assignee": "north"}),
        ("handled", "walker", {"note": "孩子已交给家长", "state": "handled", "assignee": "north"}),
        ("closed", "duty", {"state": "closed", "assignee": "north"}),
    ]
    assert told(site, "grid_app") == [
        ("assigned", "acknowledged", "task", "北一网格"),
        ("dispatched", "dispatched", "task", "北一网格"),
        ("handled", "handled", "task", "北一网格"),
        ("closed", "closed", "task", "北一网格"),
    ]
    assert [change for change, *_ in told(site, "police")] == ["dispatched", "handled", "closed"]


def test_who_had_it_before_hears_that_it_is_not_theirs_any_more(site: Site) -> None:
    incident = site.open_incident(1)
    do(site, incident, "assign", assignee="north")
    assert do(site, incident, "assign", assignee="duty").assignee == "duty"
    assert [(change, who) for change, _, _, who in told(site, "grid_app")] == [
        ("assigned", "北一网格"),
        ("unassigned", "北一网格"),
    ]
    do(site, incident, "assign", assignee="north")
    assert do(site, incident, "unassign").assignee is None
    assert told(site, "grid_app")[-1][:2] == ("unassigned", "acknowledged")
    do(site, incident, "close")
    assert told(site, "grid_app")[-1][0] == "unassigned"


def test_assigned_to_the_same_once_more_changes_nothing(site: Site) -> None:
    incident = site.open_incident(1)
    do(site, incident, "assign", assignee="north")
    version = do(site, incident, "assign", assignee="north").version
    assert version == do(site, incident, "assign", assignee="north").version


@pytest.mark.parametrize(
    ("what", "said", "lacks"),
    [
        ("permit", {}, "a note"),
        ("dispatch", {}, "an assignee"),
        ("assign", {}, "an assignee"),
        ("assign", {"assignee": "nobody"}, "neither an operator nor a cell"),
    ],
)
def test_what_must_be_said_with_it(site: Site, what: str, said: dict[str, str], lacks: str) -> None:
    incident = site.open_incident(1)
    with pytest.raises(Incomplete, match=lacks):
        do(site, incident, what, **said)
    assert len(timeline(site)) == 1


def test_a_worker_says_what_came_of_what_is_theirs_and_no_more(site: Site) -> None:
    incident = site.open_incident(1)
    for what in ("acknowledge", "confirm", "close"):
        with pytest.raises(NotYours):
            do(site, incident, what, "walker")
    do(site, incident, "dispatch", assignee="duty")
    with pytest.raises(NotYours):
        do(site, incident, "handle", "walker", note="到场")
    do(site, incident, "assign", assignee="walker")
    assert do(site, incident, "handle", "walker", note="到场").state == "handled"


def test_permitted_is_no_false_alarm(site: Site) -> None:
    incident = site.open_incident(1)
    row = do(site, incident, "permit", note="登记的垂钓者")
    assert row.state == "permitted"
    with pytest.raises(NotAllowed, match="the incident is permitted"):
        do(site, incident, "false-alarm")
    assert told(site, "police") == [("permitted", "permitted", "drill", "")]


def test_the_api_says_what_is_missing_and_whose_it_is(site: Site) -> None:
    incident = site.open_incident(1)
    with serving(site.app()) as port:
        client, walker = Client(port), Client(port)
        client.login()
        me = walker.login("walker").json
        assert (me["role"], me["stands_for"]) == ("worker", ["walker", "north"])
        missing = client.post(f"/api/incidents/{incident}/permit", {"note": " "})
        assert (missing.status, missing.json["code"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, "incomplete")
        refused = walker.post(f"/api/incidents/{incident}/acknowledge", {})
        assert (refused.status, refused.json["code"]) == (HTTPStatus.FORBIDDEN, "not_yours")
        sent = client.post(f"/api/incidents/{incident}/dispatch", {"assignee": "north"}).json
        assert sent["assignee"]["name"] == "北一网格"
        assert sent["assignee"]["contact"]["phone"] == "138 0000 0000"


OLDER = {
    "open": "new",
    "acknowledged": "acknowledged",
    "confirmed": "acknowledged",
    "false_alarm": "false_alarm",
    "closed": "closed",
    "recorded": "recorded",
}


def test_cases_of_an_older_version_go_on_and_back(site: Site) -> None:
    when = site.clock.now()
    for n, state in enumerate(OLDER):
        site.open_incident(n, state=state, confirmed_at=when if state == "confirmed" else None)
    site.open_incident(9, state="open", escalated_at=when)
    engine = site.store.engine

    def states() -> list[str]:
        with engine.connect() as connection:
            return list(connection.scalars(text("SELECT state FROM incidents ORDER BY opened_at, rowid")))

    older = states()
    with migrations(site.store._database) as alembic:
        command.downgrade(alembic, "0010")
        command.upgrade(alembic, "0011")
    assert states() == [*OLDER.values(), "escalated"]
    with migrations(site.store._database) as alembic:
        command.downgrade(alembic, "0010")
    assert states() == older
    migrate(site.store._database)
