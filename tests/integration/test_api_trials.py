"""Trials through the API: listed with figures, signed off with a reason, early only where it is meant."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from alerts import trials
from alerts.store import Store
from tests.support.api import Client, Site, config, serving


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("site")
    store = Store(f"sqlite:///{folder}/store.db")
    yield Site(config(folder), store)
    store.close()


def test_a_trial_is_listed_with_its_figure_and_signed_off(site: Site, client: Client) -> None:
    trials.begin(site.store, site.config, site.clock)
    now = site.clock.now()
    for n, state in enumerate(("new", "false_alarm", "closed"), start=1):
        site.open_incident(n, now, state=state, muted="trial")
    listed = client.get("/api/trials").json
    assert {(t["rule"]["id"], t["camera"]["id"]) for t in listed} == {
        (rule, camera) for rule in ("river", "gate") for camera in ("lake_north", "lake_south")
    }
    mine = next(t for t in listed if (t["rule"]["id"], t["camera"]["id"]) == ("river", "lake_north"))
    assert mine["figure"] == {"incidents": 3, "judged": 2, "false_alarms": 1}
    path = f"/api/trials/{mine['id']}/sign-off"
    refused = client.post(path, {"reason": "试过"})
    assert (refused.status, refused.json["code"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, "refused")
    assert "or early: true" in refused.json["detail"]
    signed = client.post(path, {"reason": "试过", "early": True}).json
    assert (signed["signed_off_by_name"], signed["reason"]) == ("王芳", "试过")
    assert signed["figure"] == mine["figure"]
    assert mine["id"] not in [t["id"] for t in client.get("/api/trials").json]
    assert mine["id"] in [t["id"] for t in client.get("/api/trials?over=true").json]


def test_a_trial_is_no_word_of_a_person(site: Site, client: Client) -> None:
    trials.begin(site.store, site.config, site.clock)
    assert client.get("/api/suppressions").json == []
    trial = client.get("/api/trials").json[0]["id"]
    assert client.post(f"/api/suppressions/{trial}/lift").json["code"] == "refused"
    missing = client.post("/api/trials/nothing/sign-off", {"reason": "试过"})
    assert (missing.status, missing.json["code"]) == (HTTPStatus.NOT_FOUND, "no_trial")


@pytest.mark.parametrize(("vital", "calm"), [(False, True), (True, False)])
def test_in_trial_the_console_rings_where_a_life_is_at_stake(site: Site, *, vital: bool, calm: bool) -> None:
    river = site.config.rules["river"].model_copy(update={"life_safety": vital})
    there = Site(site.config.model_copy(update={"rules": {"river": river}}), site.store)
    incident = there.open_incident(1, muted="trial")
    with serving(there.app()) as port:
        client = Client(port)
        client.login()
        shown = client.get(f"/api/incidents/{incident}").json
        assert (shown["calm"], shown["confirm_notifies"]) == (calm, []), "to confirm it tells no platform"
