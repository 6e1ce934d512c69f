"""Walk tests through the API: begun by whoever is on the spot, followed, ended, kept as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from alerts.store import Store
from alerts.store.walks import WalkTestRow
from lianfang.clock import ManualClock
from tests.support.api import START, Client, Data, Site, config, serving

BANK: dict[str, Data] = {"camera": "lake_north", "zone": "bank", "distance_m": 30}


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("site")
    store = Store(f"sqlite:///{folder}/store.db")
    base = config(folder)
    river = base.rules["river"].model_copy(update={"zones": ("bank",)})
    yield Site(base.model_copy(update={"rules": base.rules | {"river": river}}), store, ManualClock(START))
    store.close()


@pytest.fixture(scope="module")
def walker(client: Client) -> Client:
    worker = Client(client.port)
    worker.login("walker")
    return worker


def saw(site: Site, walk: str, **columns: Any) -> None:  # noqa: ANN401
    """Write what the alert worker would see of it."""
    with site.store.write() as session:
        row = session.get_one(WalkTestRow, walk)
        for name, value in columns.items():
            setattr(row, name, value)


def test_a_worker_walks_and_all_see_what_came_of_it(site: Site, client: Client, walker: Client) -> None:
    begun = walker.post("/api/walk-tests", BANK | {"note": "穿深色衣服", "accuracy_m": 4})
    assert begun.status == HTTPStatus.CREATED
    walk = begun.json
    assert (walk["verdict"], walk["zone"]["name"], walk["by_name"]) == ("running", "浅水区", "赵敏")
    assert ([rule["id"] for rule in walk["rules"]], walk["light"]) == (["river"], "day")
    path = f"/api/walk-tests/{walk['id']}"
    now = site.clock.now()
    sec = timedelta(seconds=1)
    seen = {"pictures": 20, "seen": 10, "heights_px": 845, "height_px": 90, "confidence": 0.876, "most": 1}
    saw(site, walk["id"], **seen, seen_at=now + 3 * sec, last_seen_at=now + 9 * sec)
    saw(site, walk["id"], alert_at=now + 23.456 * sec, rule="river")
    live = client.get(path).json
    assert (live["verdict"], live["height_px"], live["last_height_px"]) == ("running", 84, 90)
    assert (live["seen_s"], live["alert_s"], live["rule"]["id"], live["held"]) == (3, 23.5, "river", "")
    (word,) = client.get("/api/suppressions").json
    assert (word["kind"], word["state"], word["zone"]) == ("walk", "in_force", "bank")

    done = walker.post(f"{path}/finish", {}).json
    assert (done["verdict"], done["quiet_until"][11:19]) == ("alarmed", f"{now + 30 * sec:%H:%M:%S}")
    assert client.post(f"{path}/finish", {"counts": False}).json == done, "what is over stays as it was"
    assert isinstance(site.clock, ManualClock)
    site.clock.advance_to(now + 40 * sec)
    again = client.post("/api/walk-tests", BANK | {"distance_m": 50, "light": "night"}).json
    broken_off = client.post(f"/api/walk-tests/{again['id']}/finish", {"counts": False}).json
    assert (broken_off["verdict"], broken_off["light"]) == ("cancelled", "night")

    listed = client.get("/api/walk-tests?camera=lake_north&zone=bank").json
    assert [one["verdict"] for one in listed] == ["cancelled", "alarmed"]
    assert client.get("/api/walk-tests?camera=gate_cam").json == []
    table = client.get("/api/walk-tests.csv?zone=bank")
    rows = list(csv.DictReader(io.StringIO(table.body.decode("utf-8-sig"))))
    mine = next(row for row in rows if row["verdict"] == "alarmed")
    assert (mine["by"], mine["camera"], mine["height_px"], mine["alert_s"], mine["note"]) == (
        "赵敏",
        "1号机位",
        "84",
        "23.5",
        "穿深色衣服",
    )
    assert mine["started_at"] == "2026-07-01T16:00:00+08:00"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"zone": "shore"}, HTTPStatus.NOT_FOUND, "no_zone"),
        ({"camera": "nothing"}, HTTPStatus.NOT_FOUND, "no_zone"),
        ({"distance_m": -1}, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request"),
        ({"limit_s": 3600}, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request"),
        ({"by": "li"}, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request"),
    ],
)
def test_what_is_no_walk_test(site: Site, client: Client, change: Data, status: int, code: str) -> None:
    del site
    answer = client.post("/api/walk-tests", BANK | change)
    assert (answer.status, answer.json["code"]) == (status, code)


def test_one_at_a_time_and_not_beside_what_is_open(site: Site, client: Client) -> None:
    site.open_incident(1, site.clock.now())
    refused = client.post("/api/walk-tests", BANK)
    assert (refused.status, refused.json["code"]) == (HTTPStatus.CONFLICT, "incident_open")
    elsewhere = BANK | {"camera": "gate_cam", "zone": "walk"}
    first = client.post("/api/walk-tests", elsewhere).json
    refused = client.post("/api/walk-tests", elsewhere)
    assert (refused.status, refused.json["code"]) == (HTTPStatus.CONFLICT, "walk_running")
    assert client.get("/api/walk-tests/nothing").json["code"] == "no_walk_test"
    assert client.post("/api/walk-tests/nothing/finish", {}).json["code"] == "no_walk_test"
    assert [w["id"] for w in client.get("/api/suppressions").json] == [first["id"]]


def test_a_viewer_looks_and_does_not_walk(site: Site, client: Client) -> None:
    people = site.config.api.operators
    viewer = people["walker"].model_copy(update={"role": "viewer"})
    api = site.config.api.model_copy(update={"operators": people | {"guest": viewer}})
    there = Site(site.config.model_copy(update={"api": api}), site.store, site.clock)
    with serving(there.app()) as port:
        guest = Client(port)
        guest.login("guest")
        assert guest.get("/api/walk-tests").status == HTTPStatus.OK
        assert guest.post("/api/walk-tests", BANK).json["code"] == "not_yours"
    assert client.get("/api/walk-tests").json == []


def test_how_a_speaker_is_heard_and_where_the_gaps_are(site: Site, client: Client, walker: Client) -> None:
    said = {"speaker": "bank_speaker", "distance_m": 30, "heard": "hardly", "volume_pct": 70, "note": "有风"}
    there = {"camera": "lake_north", "zone": "bank"}
    for body in (said, said | there | {"distance_m": 50, "heard": "not", "volume_pct": None}):
        answer = walker.post("/api/audibility-tests", body)
        assert answer.status == HTTPStatus.CREATED
    listed = client.get("/api/audibility-tests?speaker=bank_speaker").json
    assert [(one["heard"], one["hour"], one["by_name"]) for one in listed] == [
        ("not", 16, "赵敏"),
        ("hardly", 16, "赵敏"),
    ]
    rows = client.get("/api/audibility-tests.csv").body.decode("utf-8-sig").splitlines()
    assert rows[2].endswith("赵敏,bank_speaker,30.0,hardly,70,,,有风")
    for wrong, code in (
        ({"speaker": "police"}, "no_speaker"),
        ({"zone": "bank"}, "no_zone"),
        ({"camera": "lake_north", "zone": "shore"}, "no_zone"),
        ({"heard": "loud"}, "invalid_request"),
    ):
        assert client.post("/api/audibility-tests", said | wrong).json["code"] == code

    site.camera("lake_south", "offline")
    coverage = client.get("/api/coverage").json
    assert coverage["months"] == 6
    found = {
        one["camera"]["id"]: (one["sight"], one["hearing"]) for one in coverage["zones"] if one["camera"]
    }
    assert found == {
        "lake_north": ("untried", "not_heard"),
        "lake_south": ("offline", "heard"),  # at its point
        "gate_cam": ("untried", "untried"),
    }
