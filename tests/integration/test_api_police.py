"""A platform's day over the API: the figures of the command, for operators."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import pytest

from alerts import receipts
from alerts.channels.base import ChannelConfig
from alerts.notice_settings import NoticeConfig
from alerts.payload import CaseReceipt
from alerts.store import Store, uptime
from lianfang.clock import ManualClock
from tests.support.api import START, Client, Site, config

DAY = "/api/receivers/police/days/2026-07-01"
MIDNIGHT = datetime(2026, 6, 30, 16, tzinfo=UTC)  # in Asia/Shanghai


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("site")
    store = Store(f"sqlite:///{folder}/store.db")
    known = {"police": NoticeConfig(), "grid_app": ChannelConfig()}
    made = config(folder).model_copy(update={"receivers": known})
    yield Site(made, store, ManualClock(START + timedelta(days=2)))
    store.close()


def test_a_day_is_shown(site: Site, client: Client) -> None:
    incident = site.open_incident(1)
    site.tell(incident, "200")
    site.tell(site.open_incident(2), "dead")
    for n, step in enumerate(("received", "resolved")):
        said = CaseReceipt.model_validate({"number": incident, "step": step, "at": START})
        receipts.take(site.store, site.clock, "police", f"message {n}", said)
    with site.store.write() as session:
        uptime.linked(session, "police", MIDNIGHT, MIDNIGHT + timedelta(hours=12))
        uptime.compared(session, "police", START, 1.5)
    answer = client.get(DAY)
    assert answer.status == HTTPStatus.OK
    found = answer.json
    assert (found["told"]["owed"], found["told"]["accepted"], found["told"]["rejected"]) == (2, 1, 1)
    assert found["told"]["answered"] == 1
    assert found["clock"] == {"times": 1, "least_s": 1.5, "most_s": 1.5, "last_s": 1.5}
    assert (found["linked"], found["files"]) == (0.5, 3)
    assert set(found["incomplete"]) == {"gate_cam", "lake_north", "lake_south"}
    assert client.get(f"{DAY}?within=0.1").json["told"]["in_time"] == 0


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/receivers/nobody/days/2026-07-01", HTTPStatus.NOT_FOUND, "no_receiver"),
        ("/api/receivers/grid_app/days/2026-07-01", HTTPStatus.CONFLICT, "no_notices"),
        ("/api/receivers/police/days/yesterday", HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request"),
    ],
)
def test_what_is_no_day_of_a_platform(client: Client, path: str, status: HTTPStatus, code: str) -> None:
    answer = client.get(path)
    assert (answer.status, answer.json["code"]) == (status, code)


def test_a_worker_does_not_see_it(client: Client) -> None:
    worker = Client(client.port)
    worker.login("walker")
    answer = worker.get(DAY)
    assert (answer.status, answer.json["code"]) == (HTTPStatus.FORBIDDEN, "operators_only")
