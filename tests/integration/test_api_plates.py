"""Lists of plates over the API: masked, in clear with a reason, as a table, and how often each came."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
from sqlalchemy import select

from alerts.store import Store
from alerts.store.audit import AuditRow
from lianfang.clock import ManualClock
from lianfang.config import Config
from lianfang.config.api import Operator
from lianfang.config.stanza import Secret
from tests.support.api import HASHER, PASSWORD, START, Client, Site, serving
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
    }
    return plain.model_copy(update={"api": plain.api.model_copy(update={"operators": operators})})


@pytest.fixture
def client(config: Config, tmp_path: Path) -> Iterator[Client]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    site = Site(config, store, clock=ManualClock(START))
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
    store.close()
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
