"""The map over HTTP: what stands where, the plan that people upload, tiles, and who may change it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from sqlalchemy import select

from alerts.channels.base import SpeakerConfig
from alerts.store import Store
from alerts.store.plans import PlanRow
from lianfang.config.map import Position, SiteMap
from lianfang.config.point import Point
from tests.support.api import Client, Site, config, serving
from tests.unit.test_map import NORTH, TILE

SPOTS = [
    {"x": 0.1, "y": 0.1, "longitude": 120.0, "latitude": 30.0},
    {"x": 0.9, "y": 0.8, "longitude": 120.004, "latitude": 29.998},
]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    known = config(tmp_path)
    z, x, y = TILE
    folder = tmp_path / "tiles" / str(z) / str(x)
    folder.mkdir(parents=True)
    (folder / f"{y}.png").write_bytes(NORTH)
    known = known.model_copy(
        update={
            "map": SiteMap(tiles=tmp_path / "tiles", datum="gcj02", attribution="东湖街道"),
            "points": known.points
            | {"gate": Point(name="北门", longitude=120.002, latitude=29.999, datum="gcj02")},
            "receivers": known.receivers
            | {"bank_speaker": SpeakerConfig(position=Position(longitude=120.001, latitude=30.001))},
        }
    )
    yield Site(known, store)
    store.close()


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    with serving(site.app()) as port:
        client = Client(port)
        client.login()
        yield client


def _picture() -> bytes:
    done, data = cv2.imencode(".png", np.full((300, 400, 3), 200, np.uint8))
    assert done
    return data.tobytes()


def test_what_stands_where_is_said_as_it_was_measured(client: Client) -> None:
    shown = client.get("/api/map").json
    points = {point["id"]: point for point in shown["points"]}
    assert points["lake"]["place"] is None
    assert points["gate"]["place"] == {"longitude": 120.002, "latitude": 29.999, "datum": "gcj02"}
    assert [(z["camera"], z["speakers"]) for z in points["lake"]["zones"]] == [
        ("lake_north", ["bank_speaker"]),
        ("lake_south", ["bank_speaker"]),
    ]
    (speaker,) = shown["speakers"]
    assert speaker["place"] == {"longitude": 120.001, "latitude": 30.001, "datum": "wgs84"}
    assert (speaker["own_place"], speaker["health"]) == (True, "ready")
    assert speaker["point"]["id"] == "lake"
    tiles = shown["tiles"]
    assert (tiles["kind"], tiles["datum"], tiles["attribution"]) == ("raster", "gcj02", "东湖街道")


def test_tiles_are_served_to_whoever_is_logged_in(client: Client, site: Site) -> None:
    z, x, y = TILE
    reply = client.get(f"/api/map/tiles/{z}/{x}/{y}")
    assert (reply.status, reply.body, reply.headers["content-type"]) == (200, NORTH, "image/png")
    assert client.get(f"/api/map/tiles/{z}/{x}/{y + 1}").status == 204
    assert client.get("/api/map/tiles/2/4/0").json["code"] == "no_tiles"
    assert client.get("/api/map/tiles/2/..%2f..%2f/0").status in {404, 422}
    assert Client(client.port).get(f"/api/map/tiles/{z}/{x}/{y}").status == 401
    assert site.config.map.tiles is not None


def test_a_plan_is_uploaded_placed_and_taken_away_each_with_a_reason(client: Client, site: Site) -> None:
    assert client.send("PUT", "/api/map/plan", _picture(), "image/png").status == 422
    sent = client.send("PUT", "/api/map/plan?reason=new+plan", _picture(), "image/png")
    assert sent.json["plan"]["corners"] is None
    assert (sent.json["plan"]["width"], sent.json["plan"]["by_name"]) == (400, "王芳")
    assert client.get(sent.json["plan"]["url"]).body.startswith(b"\xff\xd8\xff")

    placing = {"spots": SPOTS, "datum": "gcj02", "reason": "measured"}
    placed = client.request("PUT", "/api/map/plan/placing", placing).json["plan"]
    assert [corner["datum"] for corner in placed["corners"]] == ["gcj02"] * 4
    assert placed["corners"][0]["longitude"] < 120.0 < placed["corners"][1]["longitude"]
    assert placed["spots"] == SPOTS
    edges = {"west": 120.0, "south": 29.99, "east": 120.01, "north": 30.0}
    by_edges = client.request("PUT", "/api/map/plan/placing", {"bounds": edges, "reason": "edges"}).json[
        "plan"
    ]
    assert by_edges["corners"][2] == {"longitude": 120.01, "latitude": 29.99, "datum": "wgs84"}

    assert client.request("DELETE", "/api/map/plan?reason=wrong").json["plan"] is None
    assert client.request("DELETE", "/api/map/plan?reason=wrong").json["code"] == "no_plan"
    with site.store.read() as session:
        said = [(row.by, row.reason) for row in session.scalars(select(PlanRow).order_by(PlanRow.number))]
    assert said == [("duty", "new plan"), ("duty", "measured"), ("duty", "edges"), ("duty", "wrong")]


def test_what_is_no_plan_or_lies_nowhere_is_refused_and_workers_only_look(client: Client) -> None:
    assert (
        client.request("PUT", "/api/map/plan/placing", {"spots": SPOTS, "reason": "x"}).json["code"]
        == "no_plan"
    )
    sent = client.send("PUT", "/api/map/plan?reason=x", b"GIF89a", "image/gif")
    assert sent.json["code"] == "no_picture"
    client.send("PUT", "/api/map/plan?reason=x", _picture(), "image/png")
    one = client.request("PUT", "/api/map/plan/placing", {"spots": SPOTS[:1], "reason": "x"})
    assert one.json["code"] == "bad_plan"
    worker = Client(client.port)
    worker.login("walker")
    assert worker.get("/api/map").status == 200
    assert worker.send("PUT", "/api/map/plan?reason=x", _picture(), "image/png").json["code"] == "not_yours"
    assert worker.request("DELETE", "/api/map/plan?reason=x").json["code"] == "not_yours"
