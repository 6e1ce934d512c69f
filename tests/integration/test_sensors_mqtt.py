"""Sensors behind an MQTT broker, a real Mosquitto: what they say, and what becomes of them without it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from ingest.sensing import connections
from tests.support.kafka import fresh
from tests.support.mosquitto import own_broker, shared_broker
from tests.support.sensors import configured, sensing, tell


def source(topic: str, **keys: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"kind": "mqtt", "broker": "town", "topic": topic, **keys}


def test_what_sensors_say_is_in_the_log() -> None:
    port, town = shared_broker().port, fresh("town")
    level = {"value": "/level", "factor": 0.01, "unit": "/unit", "time": "/t", "id": "/no"}
    sensors = {
        "gauge": {"unit": "m", "source": source(f"{town}/gauge", payload=level)},
        "door": {"kind": "door", "source": source(f"{town}/door")},
    }
    with sensing(sensors, port) as town_now:
        tell(
            port,
            (f"{town}/gauge", b'{"level": 310, "unit": "m", "t": "2026-07-01T18:00:00", "no": 7}'),
            (f"{town}/gauge", b'{"level": 320, "unit": "ft", "t": "2026-07-01T18:01:00", "no": 8}'),
            (f"{town}/door", "开".encode()),
        )
        town_now.until(lambda: town_now.values("door"))
        first, second = town_now.readings("gauge")
        (door,) = town_now.readings("door")
    assert (first.kind, first.value, first.unit, first.id) == ("water_level", 3.1, "m", "7")
    assert str(first.device_time) == "2026-07-01 10:00:00+00:00"
    assert second.unit == "ft", "that it is not the sensor's is a fault for rules to find"
    assert first.at < second.at
    assert first.epoch == second.epoch == door.epoch, "one connection for all sensors of a broker"
    assert {r.key for r in town_now.bus.records} == {"door"}, "the key of the point"
    assert door.value == 1


def test_sensors_of_a_broker_are_one_connection() -> None:
    sensors = {name: {"source": source(name)} for name in ("a", "b")} | {"by_hand": {}}
    assert [list(group) for group in connections(configured(sensors, 1))] == [["a", "b"]]


@pytest.mark.parametrize(("retained", "values"), [(False, [0]), (True, [1, 0])])
def test_what_the_broker_has_kept(retained: bool, values: list[float]) -> None:
    port, topic = shared_broker().port, fresh("door")
    tell(port, (topic, b"open"), retain=True)
    with sensing({"door": {"source": source(topic, retained=retained)}}, port) as now:
        # The door keeps what it says: as it is said it is new.
        tell(port, (topic, b"closed"), retain=True)
        now.until(lambda: now.values("door")[-1:] == [0])
        assert now.values("door") == values


def test_one_topic_for_many_sensors() -> None:
    port, town = shared_broker().port, fresh("gateway")

    def of(device: str) -> dict[str, Any]:
        return {"source": source(f"{town}/+/up", payload={"value": "/v", "match": {"/dev": device}})}

    with sensing({"a": of("A17"), "b": of("B2")}, port) as now:
        tell(
            port,
            (f"{town}/1/up", b'{"dev": "B2", "v": 2}'),
            (f"{town}/2/up", b'{"dev": "C3", "v": 3}'),
            (f"{town}/2/up", b'{"dev": "A17", "v": 1}'),
        )
        now.until(lambda: now.values("a"))
        assert (now.values("a"), now.values("b")) == ([1], [2])
        ((where, reason, raw),) = now.dead()
    assert where == f"{town}/2/up"
    assert reason == "a message of no sensor that is configured"
    assert raw == b'{"dev": "C3", "v": 3}'


def test_what_cannot_be_read_is_kept_counted_and_named_once() -> None:
    port, town = shared_broker().port, fresh("gate")
    sensors: dict[str, dict[str, Any]] = {
        "gate": {"kind": "access", "source": source(f"{town}/gate", payload={"value": "/ok"})},
        "door": {"source": source(f"{town}/door")},
    }
    structlog.reset_defaults()
    with capture_logs() as logs, sensing(sensors, port) as now:
        tell(
            port,
            *[(f"{town}/gate", b'{"no": 1, "facePic": "aGVsbG8="}')] * 3,
            (f"{town}/gate", b"{"),
            (f"{town}/gate", b'{"ok": 1}'),
            (f"{town}/gate", b'{"ok": []}'),
            (f"{town}/door", b"1"),
        )
        now.until(lambda: now.values("door"))
        assert now.values("gate") == [1], "one bad message is no fault of the next"
        assert now.registry.get_sample_value("lianfang_messages_unread_total", {"sensor": "gate"}) == 5
        assert [raw for *_, raw in now.dead()] == [*[b'{"no": 1}'] * 3, b"", b'{"ok": []}']
    named = [log["problem"] for log in logs if log["event"] == "message_unread"]
    assert [text.partition(";")[0].partition(" (")[0] for text in named] == [
        "/ok: found nothing",
        "found '{', which is no JSON",
        "/ok: found []",
    ]


def test_a_broker_that_dies_and_comes_back(tmp_path: Path) -> None:
    structlog.reset_defaults()
    with own_broker(tmp_path) as broker:
        gauge = {"source": source("gauge"), "repeat_s": 1}
        with capture_logs() as logs, sensing({"gauge": gauge}, broker.port, lost_s=0.1) as now:
            tell(broker.port, ("gauge", b"3"))
            now.until(lambda: now.values("gauge") == [3, 3])  # it is said again
            broker.kill()
            now.until(lambda: now.values("gauge")[-1:] == [None])
            broker.start()
            now.until(lambda: now.connected("gauge"))
            tell(broker.port, ("gauge", b"4"))
            now.until(lambda: now.values("gauge")[-1:] == [4])
            readings = now.readings("gauge")
    values = [r.value for r in readings]
    assert values.count(None) == 1, "lost is said once"
    assert values[values.index(None) + 1] == 4, "what was said over another connection is not said again"
    assert all(a.at < b.at for a, b in pairwise(readings))
    assert readings[0].epoch != readings[-1].epoch
    assert all(r.epoch for r in readings), "a None without one is somebody else's word"
    assert "the connection to the broker broke" in readings[values.index(None)].reason or (
        "no connection to the broker" in readings[values.index(None)].reason
    )
    events = [log["event"] for log in logs]
    assert events.count("sensors_heard") == 2


def test_a_broker_that_was_never_there(tmp_path: Path) -> None:
    with own_broker(tmp_path) as broker:
        broker.kill()
        with sensing({"gauge": {"source": source("gauge")}}, broker.port, 0.1, connected=False) as now:
            now.until(lambda: now.values("gauge") == [None])
            broker.start()
            now.until(lambda: now.connected("gauge"))
            tell(broker.port, ("gauge", b"4"))
            now.until(lambda: now.values("gauge") == [None, 4])
