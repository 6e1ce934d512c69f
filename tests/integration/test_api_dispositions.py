"""What the police say of a vehicle that they look for: shown to operators, and to nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from alerts.store import Store
from tests.support.api import START, Client, Site, config, serving
from tests.support.dispositions import NUMBER, PLATE, looked_for, with_orders

NAME = "张三的车"


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    store = Store(f"sqlite:///{folder}/store.db")
    yield Site(with_orders(config(folder)), store)
    store.close()


@pytest.fixture
def incident(site: Site) -> str:
    """A vehicle that the police look for, at the gate."""
    return looked_for(site, START, title=NAME, reason="李四报案")


def test_operators_see_who_looks_for_it_and_why(client: Client, incident: str) -> None:
    shown = client.get(f"/api/incidents/{incident}").json
    assert shown["looked_for"] is True
    (order,) = client.get(f"/api/incidents/{incident}/dispositions").json
    assert (order["number"], order["plate"], order["title"], order["reason"]) == (
        NUMBER,
        PLATE,
        NAME,
        "李四报案",
    )
    assert order["receiver"]["id"] == "library"


def test_workers_hear_that_it_is_looked_for_and_nothing_about_persons(
    site: Site, client: Client, incident: str
) -> None:
    with serving(site.app()) as port:
        worker = Client(port)
        worker.login("walker")
        shown = worker.get(f"/api/incidents/{incident}")
        assert shown.json["looked_for"] is True
        assert NAME not in json.dumps(shown.json, ensure_ascii=False)
        refused = worker.get(f"/api/incidents/{incident}/dispositions")
        assert (refused.status, refused.json["code"]) == (403, "operators_only")
    assert client.get("/api/incidents/nothing/dispositions").status == 404


def test_other_incidents_are_looked_for_by_nobody(site: Site, client: Client) -> None:
    other = site.open_incident(2)
    assert client.get(f"/api/incidents/{other}").json["looked_for"] is False
    assert client.get(f"/api/incidents/{other}/dispositions").json == []
