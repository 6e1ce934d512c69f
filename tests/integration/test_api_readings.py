"""Readings that gateways send: with their token, once, and an answer that says what is wrong."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from alerts.api.gate import MAX_READINGS_BYTES
from alerts.intake import MOST, Intake
from alerts.pipeline.order import Dropped, Order
from alerts.store import Store
from alerts.throttle import Allowance
from lianfang.clock import ManualClock
from lianfang.codec import decode_event
from lianfang.config import Config, Secret, Sensor
from lianfang.config.gateway import Gateway, Push
from lianfang.config.payload import Payload
from lianfang.events import READINGS, Reading
from tests.support.api import Site, config, serving
from tests.support.fake_bus import FakeBus

TOKEN = "a-token-of-the-gateway"
NOON = datetime(2026, 7, 1, 4, tzinfo=UTC)


def with_gateways(folder: Path) -> Config:
    """Return the site of the API's tests with two gateways: of three sensors, and of one."""
    (folder / "token").write_text(TOKEN)
    (folder / "other").write_text("another-token-of-another")
    gateways = {
        "lora": Gateway(name="网关", token=Secret(file=folder / "token"), readings="/data"),
        "bins": Gateway(name="垃圾桶", token=Secret(file=folder / "other"), per_s=1),
    }

    def of(device: str, **keys: Any) -> Push:  # noqa: ANN401
        mapping = {"value": "/v", "time": "/t", "match": {"/dev": device}, **keys}
        return Push(gateway="lora", payload=Payload.model_validate(mapping))

    sensors = {
        "gauge": Sensor(name="水位", point="lake", kind="water_level", unit="m", push=of("A1")),
        "tilt": Sensor(name="倾角", point="lake", kind="tilt", push=of("A2", time=None, id="/no")),
        "bin": Sensor(name="桶", point="lake", kind="fill", push=Push(gateway="bins")),
        "by_hand": Sensor(name="手", point="lake", kind="fill"),
    }
    return config(folder).model_copy(update={"gateways": gateways, "sensors": sensors})


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    store = Store("sqlite://")
    yield Site(with_gateways(tmp_path), store)
    store.close()


def post(port: int, path: str, body: object, token: str = TOKEN) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", f"/api/{path}/readings", raw, {"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    said = json.loads(answer.read())
    connection.close()
    return answer.status, said


def readings(bus: FakeBus) -> list[Reading]:
    records = [r for r in bus.records if r.position.topic == READINGS]
    events = [decode_event(r.value, r.headers) for r in records]
    return [event for event in events if isinstance(event, Reading)]


def test_a_batch_of_a_gateway(site: Site) -> None:
    batch = {
        "data": [
            {"dev": "A1", "v": 3.2, "t": "2026-07-01T12:01:00"},
            {"dev": "A1", "v": 3.1, "t": "2026-07-01T12:00:00"},  # it could not be sent earlier
            {"dev": "A2", "v": "ajar", "no": 1},
            {"dev": "A3", "v": 1},
            {"dev": "A2", "v": 4, "no": 2, "facePic": "aGVsbG8="},
        ]
    }
    with serving(site.app()) as port:
        status, said = post(port, "gateways/lora", batch)
    assert (status, said["taken"]) == (200, 3)
    problems = {one["index"]: (one["sensor_id"], one["problem"].partition(";")[0]) for one in said["refused"]}
    assert problems == {
        2: ("tilt", "/v: found 'ajar'"),
        3: ("", "found a reading of no sensor that is configured"),
    }
    assert said["dropped"] == ["/data/4/facePic"]
    levels = [r for r in readings(site.bus) if r.sensor_id == "gauge"]
    assert [r.value for r in levels] == [3.1, 3.2]
    assert levels[1].at - levels[0].at == timedelta(minutes=1), "as far apart as its own clock says"
    (tilt,) = [r for r in readings(site.bus) if r.sensor_id == "tilt"]
    assert (tilt.kind, tilt.id, tilt.epoch) == ("tilt", "2", levels[0].epoch)


def test_one_sensor_that_sends_by_itself(site: Site) -> None:
    with serving(site.app()) as port:
        assert post(port, "sensors/bin", 80, "another-token-of-another")[0] == 200
        assert post(port, "sensors/bin", [81, 82], "another-token-of-another")[0] == 200
        assert post(port, "sensors/gauge", {"data": [{"dev": "A1", "v": 3, "t": 1}]})[0] == 200
        status, said = post(port, "sensors/gauge", {"data": [{"dev": "A2", "v": 3, "t": 1}]})
        assert (status, said["detail"]) == (
            422,
            "reading 0 (gauge): found a reading of no sensor that is configured",
        )
    assert [(r.sensor_id, r.value) for r in readings(site.bus)] == [
        *(("bin", 80), ("bin", 81), ("bin", 82), ("gauge", 3))
    ]
    assert all(a.at < b.at for a, b in pairwise(readings(site.bus)[:3]))


def test_who_has_no_token_is_not_let_in(site: Site) -> None:
    with serving(site.app()) as port:
        for path, token in (
            ("gateways/lora", "wrong"),
            ("gateways/bins", TOKEN),
            ("gateways/none", TOKEN),
            ("sensors/none", ""),
            ("sensors/by_hand", ""),
        ):
            status, said = post(port, path, {"data": [{"dev": "A1", "v": 3, "t": 1}]}, token)
            assert (status, said["code"]) == (401, "wrong_token"), path
        status, said = post(port, "gateways/lora", b"1", "wrong")
        assert (status, said["code"]) == (429, "too_many_attempts")
    assert not site.bus.records


WRONG: list[tuple[object, int, str]] = [
    (b"", 422, "found no JSON"),
    (b"\xff", 422, "found no JSON"),
    (b"[" * 200_000, 422, "found no JSON"),
    ([], 422, "/data: found nothing; allowed: 1 to 500 readings"),
    ({"data": []}, 422, "/data: found 0 readings; allowed: 1 to 500 readings"),
    ({"data": [1] * (MOST + 1)}, 422, "/data: found 501 readings"),
    ({"data": [7]}, 422, "reading 0: found a reading of no sensor that is configured"),
    ({"data": [{"dev": "A1", "v": 3}]}, 422, "reading 0 (gauge): /t: found nothing; allowed: a time (there"),
    (b" " * (MAX_READINGS_BYTES + 1), 413, "a body has"),
]


def test_what_is_wrong_is_said(site: Site) -> None:
    with serving(site.app()) as port:
        answers = [post(port, "gateways/lora", body) for body, *_ in WRONG]
    for (status, said), (_, wanted, detail) in zip(answers, WRONG, strict=True):
        assert (status, said["detail"][: len(detail)]) == (wanted, detail)
    assert not site.bus.records


def test_a_log_that_takes_nothing_is_tried_again_later(site: Site) -> None:
    body = {"data": [{"dev": "A1", "v": 3, "t": 1}]}
    with serving(site.app()) as port:
        site.bus.refuse = lambda _topic, _key: True
        assert post(port, "gateways/lora", body)[0] == 503
        site.bus.refuse = lambda _topic, _key: False
        assert post(port, "gateways/lora", body)[0] == 200
        assert post(port, "gateways/lora", body)[0] == 200  # the answer was lost
    order = Order()
    assert [order.admit(r) for r in readings(site.bus)] == [None, Dropped.REPEATED]


def test_a_gateway_gone_mad_waits(site: Site) -> None:
    with serving(site.app()) as port:
        assert post(port, "gateways/bins", [1] * 100, "another-token-of-another")[0] == 200
        status, said = post(port, "gateways/bins", [1], "another-token-of-another")
        assert (status, said["code"]) == (429, "too_many_attempts")
        assert post(port, "gateways/lora", {"data": [{"dev": "A2", "v": 3, "no": 1}]})[0] == 200


def test_what_is_used_up_comes_back() -> None:
    clock = ManualClock(NOON)
    allowance = Allowance(clock, at_once_s=10)
    allowance.use("a", 40, per_s=2)
    assert (allowance.wait_s("a"), allowance.wait_s("b")) == (10, 0)
    clock.advance_to(NOON + timedelta(seconds=10))
    assert allowance.wait_s("a") == 0


def test_a_host_whose_clock_is_set_back_begins_anew(tmp_path: Path) -> None:
    class Clock(ManualClock):
        off = timedelta(0)

        def now(self) -> datetime:
            return super().now() + self.off

    bus, clock = FakeBus(), Clock(NOON)

    def write(reading: Reading) -> Any:  # noqa: ANN401
        return bus.publish(READINGS, "k", reading.model_dump_json().encode(), {"schema": "reading/1.1"})

    intake = Intake(with_gateways(tmp_path), write, clock)
    intake.take("bins", b"1")
    clock.off = timedelta(hours=-1)
    intake.take("bins", b"2")
    first, second = readings(bus)
    assert second.at == NOON - timedelta(hours=1)
    assert first.epoch != second.epoch, "else it would be late for an hour"
    order = Order()
    assert [order.admit(reading) for reading in (first, second)] == [None, None]
