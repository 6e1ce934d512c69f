"""Statistics: counted by the database, on each kind, in a store with known incidents; and through the API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
from sqlalchemy import text

from alerts.incidents.model import ChangeKind
from alerts.reports.statistics import Statistics, statistics
from alerts.reports.tally import Tally
from alerts.store import Store
from alerts.store.uptime import camera_changed
from tests.support.api import Client, Data, Site, config, serving
from tests.support.stores import KINDS, opener

MIDNIGHT = datetime(2026, 6, 30, 16, tzinfo=UTC)  # in Shanghai, where it is the 1st of July then
DAY = timedelta(days=1)
# Hour, and what became of it.
KNOWN: list[tuple[float, Data]] = [
    (0.2, {"state": "new", "alarmed": True}),
    (0.9, {"state": "closed", "alarmed": True, "answer_s": 30}),
    (13.0, {"state": "false_alarm", "alarmed": True, "answer_s": 90, "rule": "gate", "camera": "gate_cam"}),
    (13.5, {"state": "acknowledged", "alarmed": True, "answer_s": 60}),
    (23.99, {"state": "cleared", "spoken": 1, "clear_s": 20}),
    (24.0, {"state": "escalated", "spoken": 2, "alarmed": True}),
    (47.99, {"state": "false_alarm", "point": "gate"}),
    (-0.01, {"state": "closed"}),
    (48.0, {"state": "closed"}),
]


def fill(site: Site) -> None:
    for n, (hours, given) in enumerate(KNOWN):
        columns, at = dict(given), MIDNIGHT + timedelta(hours=hours)
        answer_s, clear_s = columns.pop("answer_s", None), columns.pop("clear_s", None)
        if columns.pop("alarmed", False):
            columns["alarmed_at"] = at
        if clear_s is not None:
            columns["cleared_at"] = at + timedelta(seconds=clear_s)
        incident = site.open_incident(n, at, **columns)
        site.change(incident, ChangeKind.DELIVERED, at + timedelta(seconds=1))  # no person's answer
        if answer_s is not None:
            with site.store.write() as session:
                sql = "UPDATE changes SET actor='duty', at=:at WHERE incident_id=:id AND kind='delivered'"
                answered = at + timedelta(seconds=answer_s)
                if session.get_bind().dialect.name == "sqlite":
                    session.execute(
                        text(sql), {"at": answered.strftime("%Y-%m-%d %H:%M:%S.%f"), "id": incident}
                    )
                else:
                    session.execute(text(sql), {"at": answered, "id": incident})
    with site.store.write() as session:
        camera_changed(session, "lake_north", "online", MIDNIGHT - DAY)
        camera_changed(session, "lake_north", "offline", MIDNIGHT + DAY * 1.5)


@pytest.fixture(params=KINDS)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    with opener(request.param, tmp_path) as another:
        yield Site(config(tmp_path), another())


def asked(site: Site, store: Store) -> Statistics:
    with store.read() as session:
        return statistics(session, site.config, MIDNIGHT, MIDNIGHT + 2 * DAY)


def test_the_sums_are_those_of_known_incidents(site: Site) -> None:
    fill(site)
    found = asked(site, site.store)
    assert found.total == Tally(
        incidents=7, due=5, answered=3, completed=2, spoken=2, cleared=1, judged=3, false_alarms=2
    )
    assert found.mean_answer_s == 60
    assert {rule: tally.incidents for rule, tally in found.rules.items()} == {"river": 6, "gate": 1}
    assert {point: tally.incidents for point, tally in found.points.items()} == {"lake": 6, "gate": 1}
    assert [(rule, camera) for rule, camera, _ in found.sources] == [
        ("gate", "gate_cam"),
        ("river", "lake_north"),
    ]
    assert {hour: n for hour, n in enumerate(found.hours) if n} == {0: 3, 13: 2, 23: 2}
    assert found.days == {date(2026, 7, 1): 5, date(2026, 7, 2): 2}
    assert found.cameras["lake_north"].online == pytest.approx(0.75)
    assert found.cameras["gate_cam"].unknown == 1
    assert found.effects.incidents == found.total.incidents, "one place for the sums"


def test_an_index_answers_for_the_time(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    with store.read() as session:
        plan = session.execute(
            text(
                "EXPLAIN QUERY PLAN SELECT rule, count(*) FROM incidents "
                "WHERE opened_at >= 1 AND opened_at < 2 GROUP BY rule"
            )
        ).all()
    store.close()
    assert "ix_incidents_opened" in str(plan)


def test_figures_and_sheets_through_the_api(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    site = Site(config(tmp_path), store)
    fill(site)
    span = "from=2026-06-30T16:00:00Z&to=2026-07-02T16:00:00Z"
    with serving(site.app()) as port:
        client = Client(port)
        client.login()
        found = client.get(f"/api/statistics?{span}").json
        assert found["total"]["due"] == 5
        worst = found["sources"][0]
        assert (worst["rule"]["name"]["zh"], worst["point"]["name"]) == ("北门夜间逗留", "北门")
        reply = client.get(f"/api/statistics/sources.csv?{span}")
        lines = reply.body.decode("utf-8-sig").splitlines()
        assert lines[0].startswith("rule,point,camera,incidents,due,answered,completed")
        assert lines[1] == "北门夜间逗留,北门,北门球机,1,1,1,1,0,0,1,1"
        for table in ("rules", "points", "hours", "days", "cameras", "effects"):
            assert client.get(f"/api/statistics/{table}.csv?{span}").status == HTTPStatus.OK
        bad = client.get("/api/statistics?from=2026-07-02T00:00:00Z&to=2026-07-01T00:00:00Z")
        assert (bad.status, bad.json["code"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, "bad_span")
    store.close()
