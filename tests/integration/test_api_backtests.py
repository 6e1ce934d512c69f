"""Back-tests that the console asks for: a real log, a real process, a real store."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from alerts.api.sight import Sight
from alerts.backtest.runs import Runs
from alerts.store import Store
from lianfang.clock import SystemClock
from lianfang.config import Config
from tests.integration.test_api_settings import config
from tests.integration.test_backtest import had, kept, log
from tests.support.api import Client, Reply, Site, serving, wait_for
from tests.support.configs import BASE
from tests.support.observations import at

__all__ = ["config"]  # a fixture
ELSEWHERE = [[0.0, 0.0], [0.1, 0.0], [0.1, 0.1]]


@pytest.fixture
def client(config: Config, tmp_path: Path) -> Iterator[Client]:
    log(config)
    had(config, "a", 2.5, "confirmed")
    had(config, "b", 321, "false_alarm")
    kept(config, "a", b"jpeg")
    store = Store(f"sqlite:///{config.data_dir / 'store.sqlite3'}")
    with serving(Site(config, store, clock=SystemClock()).app(static=tmp_path)) as port:
        client = Client(port)
        client.login()
        yield client
    store.close()


def ask(client: Client, end_s: float = 3600, **proposal: Any) -> Reply:  # noqa: ANN401
    span = {"begin": at(-60).isoformat(), "end": at(end_s).isoformat()}
    return client.post("/api/backtests", {**span, "proposal": proposal})


def done(client: Client, asked: Reply) -> Any:  # noqa: ANN401
    assert asked.status == HTTPStatus.CREATED, asked.body
    path = f"/api/backtests/{asked.json['id']}"
    wait_for(lambda: client.get(path).json["state"] not in ("waiting", "running"))
    return client.get(path).json


def test_what_a_rule_and_a_zone_would_have_done(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    slower = done(client, ask(client, rules={"entry": {**BASE["rules"]["entry"], "frames": 11}}))
    assert (slower["state"], slower["progress"], slower["fault"]) == ("done", 1, "")
    assert [rule["id"] for rule in slower["rules"]] == ["entry"]
    (hit,) = slower["result"]["hits"]
    assert (hit["camera"]["name"], hit["zone"]["name"], hit["point"]["name"]) == ("一号", "水边", "东岸")
    assert (hit["was"], hit["evidence"], hit["spoken"], hit["framed"]) == (["confirmed"], "e", 1, False)
    walker = Client(client.port)
    walker.login("walker")
    monkeypatch.setattr(Sight, "masked", lambda _, rule, subject: f"{rule} {subject or 'nobody'}")
    path = f"/api/backtests/{slower['id']}"
    subjects = [who.get(path).json["result"]["hits"][0]["subject"] for who in (client, walker)]
    assert subjects == ["", "entry nobody"], "masked for who may not see what it is about"
    (missed,) = slower["result"]["missed"]
    assert (missed["id"], missed["state"], missed["evidence"]) == ("b", "false_alarm", None)
    gone = client.get(f"/api/backtests/{slower['id']}/frames/{hit['id']}.jpg")
    assert (gone.status, gone.json["code"]) == (HTTPStatus.NOT_FOUND, "no_frame")

    moved = {"cam": {"water": {**BASE["cameras"]["cam"]["zones"]["water"], "polygon": ELSEWHERE}}}
    nobody = done(client, ask(client, end_s=300, zones=moved))
    assert [nobody["result"][key] for key in ("hits_total", "missed_total")] == [0, 1], "300 s of the log"
    assert client.get("/api/settings").json["newest"] == 0, "nothing was changed"


def test_what_cannot_be_asked(client: Client) -> None:
    refused = ask(client, rules={"entry": {**BASE["rules"]["entry"], "frames": 0}})
    assert (refused.status, refused.json["code"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, "refused")
    assert refused.json["detail"].startswith("rules.entry.frames: found 0; allowed: greater")
    assert ask(client, end_s=-61).json["code"] == "bad_range"
    span = {"begin": at(0).isoformat(), "end": at(9).isoformat()}
    assert client.post("/api/backtests", {**span, "rules": ["no"]}).json["code"] == "no_rule"
    assert client.get("/api/backtests/none").status == HTTPStatus.NOT_FOUND
    walker = Client(client.port)
    walker.login("walker")
    assert ask(walker).status == HTTPStatus.FORBIDDEN


def test_one_that_takes_too_long_and_one_that_nobody_wants_any_more(client: Client) -> None:
    asked = ask(client)
    second = ask(client)
    ended = client.request("DELETE", f"/api/backtests/{second.json['id']}").json
    assert (ended["state"], ended["result"]) == ("ended", None)
    assert done(client, asked)["state"] == "done"
    runs = Runs(SystemClock(), limit_s=0.01)
    question: Any = None  # the process does not come to read it
    run = runs.start(question, "duty")
    wait_for(lambda: run.state == "failed")
    assert run.fault.startswith("not done in 0.01 s")
    runs.close()
