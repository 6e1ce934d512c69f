"""Readings through the log: the promises of observations hold for them, too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from alerts.backtest.past import Span, raised
from alerts.store import Store
from alerts.store.schema import (
    ChangeRow,
    CheckpointRow,
    DeadRecordRow,
    EvidenceRow,
    IncidentRow,
    OffsetRow,
    OutboxRow,
)
from lianfang import codec
from lianfang.bus import Bus, TopicPartition
from lianfang.clock import ManualClock
from lianfang.config import Config
from lianfang.events import READINGS, Reading
from tests.e2e.installation import until
from tests.integration.test_alert_worker import publish as publish_seen
from tests.integration.test_alert_worker import rows, working
from tests.support.configs import loaded
from tests.support.observations import at, observation
from tests.support.readings import GAUGE, reading

FLOOD = {
    "kind": "reading",
    "name": "水位过高",
    "sensors": ["gauge"],
    "at_least": 3.0,
    "speech": {"text": "{place}水位上涨，请离开。", "again_s": 3600},
    "notify": [{"receiver": "police", "mode": "drill"}],
}


def config(folder: Path, **keys: object) -> Config:
    return loaded(folder, ("sensors", {"gauge": GAUGE}), ("rules.entry", {**FLOOD, **keys}))


def publish(bus: Bus, *readings: Reading) -> None:
    for one in readings:
        bus.publish(READINGS, one.source, *codec.encode_event(one)).result(10)


def decided(bus: Bus, store: Store) -> Callable[[], bool]:
    """Return whether every reading that is in the log now has been decided on."""
    reader = bus.subscribe([READINGS], "test", "durable")
    end = reader.end(TopicPartition(READINGS, 0))
    reader.close()

    def done() -> bool:
        with store.read() as session:
            at = session.scalar(select(OffsetRow.next_offset).where(OffsetRow.topic == READINGS))
        return (at or 0) >= end

    return done


def test_a_flood_is_told_and_said_by_the_speakers_of_its_point(
    bus: Bus, store: Store, tmp_path: Path
) -> None:
    publish(bus, reading(0, 2.0), reading(0.5, 3.2))
    with working(config(tmp_path), bus, store):
        until("the end of the log", decided(bus, store))
    (incident,) = rows(store, IncidentRow)
    assert (incident.place, incident.camera, incident.opened_at) == ("bank", "gauge", at(0.5))
    (change,) = rows(store, ChangeRow)
    assert (change.data["value"], change.data["unit"], change.data["speaker"]) == (3.2, "m", "horn")
    assert change.data["text"] == "东岸水位上涨，请离开。"
    notice = next(row for row in rows(store, OutboxRow) if row.kind == "notice")
    assert (notice.payload["place"]["camera_name"], notice.payload["type"]) == ("东岸水位", "reading")
    assert rows(store, EvidenceRow) == []


def test_it_may_name_speakers_of_its_own(bus: Bus, store: Store, tmp_path: Path) -> None:
    publish(bus, reading(0, 3.2))
    loud = {"kind": "speaker_http", "base_url": "http://127.0.0.1:1", "token": {"env": "TEST_TOKEN"}}
    site = loaded(
        tmp_path,
        ("sensors", {"gauge": GAUGE}),
        ("receivers.loud", loud),
        ("rules.entry", {**FLOOD, "speakers": ["loud"]}),
    )
    with working(site, bus, store):
        until("the end of the log", decided(bus, store))
    assert rows(store, ChangeRow)[0].data["speaker"] == "loud"


@pytest.mark.parametrize("cut", range(1, 4))
def test_a_restart_at_any_reading_gives_what_an_uninterrupted_run_gives(
    bus: Bus, store: Store, tmp_path: Path, cut: int
) -> None:
    script = [reading(0, 3.2), reading(10, 3.3), reading(20, 3.4), reading(30, 2.0)]
    site = config(tmp_path, for_s=20, until=2.5)
    publish(bus, *script[:cut])
    with working(site, bus, store, ManualClock(at(20))):
        until("the end of the log", decided(bus, store))
    publish(bus, *script[cut:])
    with working(site, bus, store, ManualClock(at(20))):
        until("the end of the log", decided(bus, store))
    assert [row.kind for row in rows(store, ChangeRow)] == ["opened"]
    assert [row.opened_at for row in rows(store, IncidentRow)] == [at(20)]
    assert [i.opened_at for i in raised(site, bus, Span(None, None), lambda _: None)] == [at(20)]


def test_what_cannot_be_read_goes_to_the_dead_letter(bus: Bus, store: Store, tmp_path: Path) -> None:
    bus.publish(READINGS, "gauge", b'{"sensor_id": "gauge", "value": NaN}', {"schema": "reading/1.0"}).result(
        10
    )
    publish(bus, reading(0, 3.2))
    with working(config(tmp_path), bus, store):
        until("an incident", lambda: rows(store, IncidentRow))
    (dead,) = rows(store, DeadRecordRow)
    assert (dead.topic, dead.key) == (READINGS, "gauge")


def test_a_silent_sensor_is_a_fault(bus: Bus, store: Store, tmp_path: Path) -> None:
    stanza = {"kind": "device", "name": "设备故障", "sensors": ["gauge"]}
    site = loaded(tmp_path, ("sensors", {"gauge": GAUGE}), ("rules.entry", stanza))
    publish(bus, reading(0, 2.0))
    clock = ManualClock(at(1))
    with working(site, bus, store, clock):
        until("the end of the log", decided(bus, store))
        assert rows(store, IncidentRow) == []
        clock.advance_to(at(600))
        until("an incident", lambda: rows(store, IncidentRow))
        publish(bus, reading(601, 2.0))
        until("its end", lambda: not rows(store, IncidentRow)[0].occupied)
    assert [row.kind for row in rows(store, ChangeRow)] == ["opened", "cleared"]
    assert rows(store, ChangeRow)[0].data["reason"] == "silent"


def test_sensors_that_the_configuration_does_not_have_are_not_decided_on(
    bus: Bus, store: Store, tmp_path: Path
) -> None:
    publish(bus, reading(0, 3.2, sensor="stranger"))
    with working(config(tmp_path), bus, store):
        until("the end of the log", decided(bus, store))
    assert rows(store, IncidentRow) == []


def test_what_is_counted_for_longer_than_the_log_is_read_back_outlives_the_service(
    bus: Bus, store: Store, tmp_path: Path
) -> None:
    site = config(tmp_path, for_s=3600)
    script = [reading(60 * minute, 3.2) for minute in range(70)]
    publish(bus, *script[:40])
    with working(site, bus, store, ManualClock(at(40 * 60))):
        until("the end of the log", decided(bus, store))
    assert rows(store, IncidentRow) == []
    publish(bus, *script[40:])
    with working(site, bus, store, ManualClock(at(70 * 60))):
        until("the end of the log", decided(bus, store))
    assert [row.opened_at for row in rows(store, IncidentRow)] == [at(3600)]
    (kept,) = rows(store, CheckpointRow)
    assert kept.states["gauge"]["entry"]["state"]["on"] is True


def test_a_reading_and_a_picture_come_together_in_the_stream_of_the_camera(
    bus: Bus, store: Store, tmp_path: Path
) -> None:
    site = loaded(
        tmp_path,
        ("sensors", {"gauge": GAUGE}),
        ("rules.entry.together", {"sensor": "gauge", "at_least": 3, "within_s": 5}),
    )
    publish(bus, reading(-60, 2.0))
    with working(site, bus, store):
        until("the first reading", decided(bus, store))
        publish_seen(bus, *(observation(i * 0.2, {1: (0.5, 0.9)}) for i in range(5)))
        assert rows(store, IncidentRow) == []
        publish(bus, reading(1, 3.2))
        until("an incident", lambda: rows(store, IncidentRow))
    (incident,) = rows(store, IncidentRow)
    assert (incident.camera, incident.opened_at) == ("cam", at(0.4))
    assert [row.reference["offset"] for row in rows(store, EvidenceRow)] == [400]
