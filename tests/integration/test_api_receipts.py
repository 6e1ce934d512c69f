"""What receivers let us know: signed, once, about what they were told of, and into the timeline."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

import pytest
from standardwebhooks import Webhook
from structlog.testing import capture_logs

from alerts.api.gate import MAX_RECEIPT_BYTES
from alerts.notice_settings import NoticeConfig, Receipts
from alerts.payload import CaseReceipt
from alerts.store import Store
from deploy.simulators.police import PoliceReceiver
from lianfang.config import Secret
from lianfang.ids import identify
from tests.support.api import Client, Site, config, events, serving
from tests.support.channels import silent

OLD, NEW, OTHER = ("whsec_" + base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2, 3))
STEPS = get_args(CaseReceipt.model_fields["step"].annotation)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    keys = []
    for n, key in enumerate((OLD, NEW)):
        (tmp_path / f"key{n}").write_text(key)
        keys.append(Secret(file=tmp_path / f"key{n}"))
    given = config(tmp_path)
    police = NoticeConfig(receipts=Receipts(secrets=tuple(keys)))
    receivers = given.receivers | {"police": police, "town": NoticeConfig()}
    store = Store(f"sqlite:///{tmp_path}/store.db")
    yield Site(given.model_copy(update={"receivers": receivers}), store)
    store.close()


def signed(body: bytes, *, key: str = NEW, age_s: float = 0, message_id: str = "") -> dict[str, str]:
    """Return the headers of a message that is so old."""
    at, message_id = datetime.now(UTC) - timedelta(seconds=age_s), message_id or str(uuid4())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(key).sign(message_id, at, body.decode()),
    }


def said(number: str, **changed: Any) -> bytes:  # noqa: ANN401
    """Return a receipt as JSON."""
    return json.dumps(
        {"number": number, "step": "received", "at": "2026-07-01T16:00:05+08:00"} | changed
    ).encode()


def post(port: int, body: bytes, headers: dict[str, str], receiver: str = "police") -> tuple[int, str]:
    """Post it; return the status and the code of what is wrong."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", f"/api/receivers/{receiver}/receipts", body, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text)["code"] if text else ""


def test_the_police_say_what_becomes_of_it(site: Site) -> None:
    incident = site.open_incident(1)
    site.tell(incident, "200")
    police = PoliceReceiver([OLD], say=silent)
    with serving(site.app()) as port:
        url = f"http://127.0.0.1:{port}/api/receivers/police/receipts"
        for step in STEPS:
            once = {"by": "张警官", "note": "已派巡逻车", "message_id": f"message {step}"}
            for _ in range(2):  # an answer that was lost
                assert asyncio.run(police.let_know(url, OLD, incident, step, **once)) == 204
        client = Client(port)
        client.login()
        shown = client.get(f"/api/incidents/{incident}").json
    heard = [change for change in shown["timeline"] if change["kind"] == "receipt"]
    assert [change["data"]["step"] for change in heard] == list(STEPS)
    assert {(c["actor"], c["actor_name"], c["data"]["note"]) for c in heard} == {
        ("police", "张警官", "已派巡逻车")
    }
    assert (shown["state"], shown["handling"]) == ("new", None), "it moves no case"


def test_it_is_in_the_live_stream(site: Site) -> None:
    incident = site.open_incident(1)
    site.tell(incident, "200")
    with serving(site.app()) as port:
        body = said(incident)
        assert post(port, body, signed(body)) == (204, "")
        client = Client(port)
        client.login()
        with client.connection("GET", "/api/events", headers={"last-event-id": "1"}) as stream:
            changes = (event.data["change"] for event in events(stream) if event.kind == "change")
            heard = next(change for change in changes if change["kind"] == "receipt")
    assert heard["data"]["receiver"] == "police"


def test_what_is_refused(site: Site) -> None:
    told, untold = site.open_incident(1), site.open_incident(2)
    site.tell(told, "200")
    body = said(told)
    altered = {**signed(body), "webhook-id": "another"}
    nowhere = said(identify("incident", "none"))
    cases: list[tuple[bytes, dict[str, str], str, int, str]] = [
        (body, signed(body, key=OTHER), "police", 401, "not_signed"),
        (body, altered, "police", 401, "not_signed"),
        (body, signed(body + b" "), "police", 401, "not_signed"),
        (body, {}, "police", 401, "not_signed"),
        (body, signed(body, age_s=301), "police", 401, "not_signed"),
        (body, signed(body, age_s=-303), "police", 401, "not_signed"),
        (body, signed(body) | {"webhook-timestamp": "9" * 30}, "police", 401, "not_signed"),
        (b"\xff", signed(b"{}"), "police", 401, "not_signed"),
        (body, signed(body), "town", 401, "not_signed"),  # it lets nothing know
        (body, signed(body), "bank_speaker", 401, "not_signed"),
        (body, signed(body), "nobody", 401, "not_signed"),
        (said(untold), signed(said(untold)), "police", 404, "no_incident"),
        (nowhere, signed(nowhere), "police", 404, "no_incident"),
        (b"{}", signed(b"{}"), "police", 422, "invalid_request"),
        (said(told, step="drunk"), signed(said(told, step="drunk")), "police", 422, "invalid_request"),
        (said(told, at="16:00"), signed(said(told, at="16:00")), "police", 422, "invalid_request"),
        (said(told, more=1), signed(said(told, more=1)), "police", 422, "invalid_request"),
    ]
    with serving(site.app()) as port:
        for n, (sent, headers, receiver, status, code) in enumerate(cases):
            assert post(port, sent, headers, receiver) == (status, code), n
            assert post(port, b"[]", signed(b"[]"))[0] == 422  # who signs is never made to wait
        long = said(told, note="x" * MAX_RECEIPT_BYTES)
        assert post(port, long, signed(long)) == (413, "body_too_large")
        assert post(port, body, signed(body, key=OLD)) == (204, ""), "while the key is changed, both count"
        client = Client(port)
        client.login()
        kinds = [c["kind"] for c in client.get(f"/api/incidents/{told}").json["timeline"]]
    assert kinds.count("receipt") == 1


def test_both_404_say_the_same(site: Site) -> None:
    untold = site.open_incident(2)
    with serving(site.app()) as port:
        answers = set()
        for number in (untold, identify("incident", "none")):
            body = said(number)
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("POST", "/api/receivers/police/receipts", body, signed(body))
            answers.add(connection.getresponse().read())
            connection.close()
    assert len(answers) == 1


def test_whoever_tries_keys_waits_and_is_logged_once(site: Site) -> None:
    body = said(site.open_incident(1))
    with capture_logs() as logs, serving(site.app()) as port:
        statuses = [post(port, body, signed(body, key=OTHER))[0] for _ in range(7)]
    assert statuses[:5] == [401] * 5
    assert set(statuses[5:]) == {429}
    assert [entry["event"] for entry in logs if entry["event"] == "receipt_not_signed"] == [
        "receipt_not_signed"
    ]
