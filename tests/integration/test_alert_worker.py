"""The alert worker over the real bus and the real store: offsets, dead letters, failures in the middle."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import simplejpeg
from prometheus_client import CollectorRegistry
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError

from alerts import camera_clocks
from alerts.actions import Doing, act
from alerts.evidence import EvidenceKeeper
from alerts.incidents.broadcasts import Refusal
from alerts.incidents.life import Action
from alerts.pipeline.books import Books
from alerts.pipeline.decide import Decider, Decision
from alerts.pipeline.worker import GROUP, AlertWorker
from alerts.store import Store, offsets
from alerts.store.schema import (
    Base,
    CameraStateRow,
    ChangeRow,
    DeadRecordRow,
    EvidenceRow,
    IncidentRow,
    OffsetRow,
    OutboxRow,
)
from alerts.store.uptime import CameraChangeRow
from lianfang import codec
from lianfang.bus import Bus, TopicPartition
from lianfang.clock import ManualClock
from lianfang.config import Config
from lianfang.events import (
    FRAMES,
    OBSERVATIONS,
    CameraClock,
    CameraCondition,
    CameraState,
    Frame,
    Observation,
)
from tests.e2e.installation import until
from tests.support.configs import loaded
from tests.support.observations import at, observation

IN = (0.5, 0.9)
NOTIFY = [{"receiver": "police", "mode": "drill"}]
Row = TypeVar("Row", bound=Base)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return loaded(tmp_path)


def publish(bus: Bus, *events: Observation | CameraState) -> None:
    for item in events:
        value, headers = codec.encode_event(item)
        bus.publish(OBSERVATIONS, item.camera_id, value, headers).result(10)


def standing(count: int, start: int = 0) -> list[Observation]:
    return [observation(i * 0.2, {1: IN}) for i in range(start, start + count)]


@contextmanager
def working(
    config: Config, bus: Bus, store: Store, clock: ManualClock | None = None
) -> Iterator[AlertWorker]:
    worker = AlertWorker(config, Books(config), bus, store, clock or ManualClock(at(1)), CollectorRegistry())
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        yield worker
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def rows(store: Store, table: type[Row]) -> list[Row]:
    with store.read() as session:
        return list(session.scalars(select(table)))


def stands_at(store: Store) -> int:
    with store.read() as session:
        return session.scalar(select(func.max(OffsetRow.next_offset))) or 0


def decided(bus: Bus, store: Store) -> Callable[[], bool]:
    """Return whether everything that is in the log now has been decided on."""
    reader = bus.subscribe([OBSERVATIONS], "test", "durable")
    end = reader.end(TopicPartition(OBSERVATIONS, 0))
    reader.close()
    return lambda: stands_at(store) >= end


def test_incident_outbox_and_offset_are_one_transaction(config: Config, bus: Bus, store: Store) -> None:
    publish(bus, *standing(5))
    with working(config, bus, store):
        until("the end of the log", decided(bus, store))
    (incident,) = rows(store, IncidentRow)
    assert (incident.rule, incident.place, incident.version, incident.settings_version) == (
        "entry",
        "bank",
        1,
        Books(config).everyday.version,
    )
    assert {(row.receiver, row.kind) for row in rows(store, OutboxRow)} == {
        ("horn", "speech"),
        ("police", "notice"),
    }
    (change,) = rows(store, ChangeRow)
    assert (change.kind, change.data["speaker"], change.data["text"]) == ("opened", "horn", "请离开东岸水边")
    (evidence,) = rows(store, EvidenceRow)
    assert evidence.reference["offset"] == 400
    reader = bus.subscribe([OBSERVATIONS], GROUP, "durable")
    assert reader.poll(0) == [], "the offset is committed on the bus, too"
    reader.close()


@pytest.mark.parametrize("cut", range(1, 8))
def test_a_restart_at_any_record_gives_what_an_uninterrupted_run_gives(
    config: Config, bus: Bus, store: Store, cut: int
) -> None:
    script = [*standing(5), *(observation(1 + i * 0.2, {}) for i in range(5))]
    publish(bus, *script[:cut])
    with working(config, bus, store):
        until("the end of the log", decided(bus, store))
    publish(bus, *script[cut:])
    with working(config, bus, store):
        until("the end of the log", decided(bus, store))
    assert [row.kind for row in rows(store, ChangeRow)] == ["opened", "cleared", "stopped"]
    (incident,) = rows(store, IncidentRow)
    # It opens at the third frame whatever happened in between: the counters were rebuilt from the log.
    assert incident.opened_at == at(0.4)
    # Runs of empty observations start again, so that it clears a little later: the safe side.
    assert incident.cleared_at is not None
    assert at(1.4) <= incident.cleared_at <= at(1.8)


def test_a_record_that_cannot_be_read_is_kept_whole_and_holds_nobody_up(
    config: Config, bus: Bus, store: Store
) -> None:
    bad = [(b"\xff{", {"schema": "observation/1.0"}), (b"{}", {"schema": "observation/7.0"}), (b"", {})]
    for value, headers in bad:
        bus.publish(OBSERVATIONS, "cam", value, headers).result(10)
    publish(bus, *standing(3))
    with working(config, bus, store):
        until("an incident", lambda: rows(store, IncidentRow))
    dead = sorted(rows(store, DeadRecordRow), key=lambda row: row.offset)
    assert [(row.value, row.headers) for row in dead] == bad
    assert all(row.reason and row.key == "cam" for row in dead)


def test_a_rule_that_fails_on_a_record_blinds_nobody(
    config: Config, bus: Bus, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Decider.decide

    def decide(
        self: Decider, item: Observation | CameraState, refusal: Refusal, *, late: bool
    ) -> list[Decision]:
        if item.captured_at == at(0.6):
            raise ZeroDivisionError("a bug in a rule")
        return real(self, item, refusal, late=late)

    monkeypatch.setattr(Decider, "decide", decide)
    publish(bus, *standing(3), *standing(1, 3), *standing(4, 4))
    with working(config, bus, store):
        until("the end of the log", decided(bus, store))
    (dead,) = rows(store, DeadRecordRow)
    assert "a rule failed" in dead.reason
    assert [row.kind for row in rows(store, ChangeRow)] == ["opened"]


def test_a_store_that_fails_in_the_middle_leaves_nothing_half_done(
    config: Config, bus: Bus, store: Store
) -> None:
    failures = iter([True, True, True])

    def fail(_session: object, flush_context: object) -> None:
        del flush_context
        if next(failures, False):
            raise OperationalError("disk", {}, Exception("disk is full"))

    publish(bus, *standing(5))
    with working(config, bus, store) as worker:
        event.listen(worker._store._sessions, "after_flush", fail)
        until("an incident", lambda: rows(store, IncidentRow))
        until("the end of the log", decided(bus, store))
    assert next(failures, None) is None, "it failed as it was told to"
    assert [row.kind for row in rows(store, ChangeRow)] == ["opened"]
    assert len(rows(store, OutboxRow)) == 2


def test_a_worker_that_lost_its_partition_writes_nothing(config: Config, bus: Bus, store: Store) -> None:
    where = TopicPartition(OBSERVATIONS, 0)
    publish(bus, *standing(2))
    with working(config, bus, store):
        until("the end of the log", decided(bus, store))
        stored = stands_at(store)
    with pytest.raises(offsets.LostPartition), store.write() as session:
        offsets.advance(session, where, 0, stored, stored + 1)  # an older generation
    (owner,) = rows(store, OffsetRow)
    generation = owner.generation
    with pytest.raises(offsets.LostPartition), store.write() as session:
        offsets.advance(session, where, generation, stored - 1, stored + 1)  # another offset than it believes
    assert stands_at(store) == stored


def test_an_offset_beyond_the_log_starts_from_the_earliest(config: Config, bus: Bus, store: Store) -> None:
    with store.write() as session:
        offsets.advance(session, TopicPartition(OBSERVATIONS, 0), 0, None, 1_000_000)
    publish(bus, *standing(5))
    with working(config, bus, store):
        until("an incident", lambda: rows(store, IncidentRow))


def test_late_speech_is_not_owed_and_said_to_be_late(config: Config, bus: Bus, store: Store) -> None:
    publish(bus, *standing(5))
    with working(config, bus, store, ManualClock(at(3600))):
        until("the end of the log", decided(bus, store))
    assert "speech" not in [row.kind for row in rows(store, OutboxRow)]
    assert rows(store, ChangeRow)[0].data["silent"] == "late"


def test_a_text_that_became_too_long_is_cut_and_said(
    config: Config, bus: Bus, store: Store, tmp_path: Path
) -> None:
    config = loaded(
        tmp_path, ("rules.entry.speech.text", "{place}" + "离" * 490), ("points.bank.name", "岸" * 50)
    )
    publish(bus, *standing(5))
    with working(config, bus, store):
        until("the end of the log", decided(bus, store))
    (speech,) = [row for row in rows(store, OutboxRow) if row.kind == "speech"]
    assert len(speech.payload["speech"]["text"]) == 500
    assert rows(store, DeadRecordRow) == []


def test_camera_states_are_kept_and_a_lost_camera_is_told_about(
    config: Config, bus: Bus, store: Store
) -> None:
    lost = CameraState(camera_id="cam", condition=CameraCondition.OFFLINE, captured_at=at(2), reason="断线")
    publish(bus, *standing(5), lost)
    with working(config, bus, store):
        until("the end of the log", decided(bus, store))
    (state,) = rows(store, CameraStateRow)
    assert (state.condition, state.reason, state.since) == ("offline", "断线", at(2))
    (changed,) = rows(store, CameraChangeRow)
    assert (changed.camera, changed.condition, changed.since) == ("cam", "offline", at(2))
    assert [row.kind for row in rows(store, ChangeRow)] == ["opened", "unseen", "escalated"]


def test_what_is_measured_of_a_cameras_clock_is_kept_and_the_fault_is_shown(
    config: Config, bus: Bus, store: Store
) -> None:
    stream = CameraClock(offset_s=0.2, source="rtcp", at=at(1))
    picture = CameraClock(offset_s=-3600.0, source="osd", at=at(3), off=True)
    online = CameraState(
        camera_id="cam", condition=CameraCondition.ONLINE, captured_at=at(1), epoch="c", clock=stream
    )
    shown = observation(3, {}).model_copy(update={"clock": picture})
    publish(bus, observation(0.5, {}), online, observation(2, {}), shown, observation(4, {}))
    with working(config, bus, store):
        until("the end of the log", decided(bus, store))
    (row,) = rows(store, CameraStateRow)
    assert (camera_clocks.known(row), camera_clocks.faults(row)) == (picture, ["wrong_clock"])
    camera_clocks.told(row, picture.model_copy(update={"offset_s": 0.0, "off": False}))
    assert (camera_clocks.known(row), camera_clocks.faults(row)) == (stream, [])


def test_who_stays_is_spoken_to_again_and_then_others_hear_of_it(
    bus: Bus, store: Store, tmp_path: Path
) -> None:
    speech = {
        "text": "请离开",
        "then": ["请马上离开"],
        "again_s": 1,
        "times": 2,
        "volume_pct": 60,
        "louder_pct": 20,
    }
    notify = [{"receiver": "police", "mode": "drill", "since": "escalated"}]
    config = loaded(tmp_path, ("rules.entry.speech", speech), ("rules.entry.notify", notify))
    publish(bus, *standing(20))
    with working(config, bus, store):
        until("the end of the log", decided(bus, store))
    assert [row.kind for row in rows(store, ChangeRow)] == ["opened", "repeated", "escalated"]
    first, second, notice = rows(store, OutboxRow)
    said = [row.payload["speech"] for row in (first, second)]
    assert [(s["text"], s["volume_pct"]) for s in said] == [("请离开", 60), ("请马上离开", 80)]
    assert said[0]["id"] != said[1]["id"]
    assert (first.valid_until, second.valid_until) == (at(30.4), at(31.4))
    assert (notice.kind, notice.payload["change"]) == ("notice", "escalated")


def test_who_did_as_they_were_asked_is_thanked_and_the_incident_closes_itself(
    bus: Bus, store: Store, tmp_path: Path
) -> None:
    speech = {"text": "请带走垃圾", "thanks": "谢谢配合"}
    config = loaded(
        tmp_path,
        ("rules.entry.speech", speech),
        ("rules.entry.closes_itself", True),
        ("rules.entry.join_s", 5),
    )
    publish(bus, *standing(5), *(observation(t, {}) for t in range(2, 10)))
    with working(config, bus, store):
        until("the end of the log", decided(bus, store))
    assert [row.kind for row in rows(store, ChangeRow)] == ["opened", "cleared", "stopped", "ended", "closed"]
    said = [row.payload["speech"] for row in rows(store, OutboxRow) if row.kind == "speech"]
    assert [(s["text"], s["repeat"]) for s in said] == [("请带走垃圾", 2), ("谢谢配合", 1)]
    assert [row.state for row in rows(store, IncidentRow)] == ["closed"]


def test_what_a_person_deals_with_does_not_close_itself(bus: Bus, store: Store, tmp_path: Path) -> None:
    config = loaded(tmp_path, ("rules.entry.closes_itself", True), ("rules.entry.join_s", 5))
    publish(bus, *standing(5))
    with working(config, bus, store):
        until("the end of the log", decided(bus, store))
        act(
            store,
            config,
            ManualClock(at(2)),
            rows(store, IncidentRow)[0].id,
            Doing(Action.ACKNOWLEDGE, "wang"),
        )
        publish(bus, *(observation(t, {}) for t in range(2, 10)))
        until("the end of the log", decided(bus, store))
    assert rows(store, ChangeRow)[-1].kind == "ended"
    assert [row.state for row in rows(store, IncidentRow)] == ["acknowledged"]


def test_a_stay_of_minutes_outlives_the_service(bus: Bus, store: Store, tmp_path: Path) -> None:
    stanza = {"kind": "loitering", "name": "逗留", "cameras": ["cam"], "zones": ["water"], "dwell_s": 180}
    config = loaded(tmp_path, ("rules.entry", stanza))
    publish(bus, *(observation(t, {1: IN}) for t in range(170)))
    with working(config, bus, store, ManualClock(at(170))):
        until("the end of the log", decided(bus, store))
    publish(bus, *(observation(t, {1: IN}) for t in range(170, 185)))
    with working(config, bus, store, ManualClock(at(185))):
        until("the end of the log", decided(bus, store))
    assert [row.opened_at for row in rows(store, IncidentRow)] == [at(180)]


def test_what_is_only_recorded_is_no_open_incident(bus: Bus, store: Store, tmp_path: Path) -> None:
    config = loaded(tmp_path, ("rules.entry.record_only", True), ("rules.entry.closes_itself", True))
    publish(bus, *standing(5), *(observation(t, {}) for t in range(2, 140)))
    with working(config, bus, store):
        until("the end of the log", decided(bus, store))
    assert [row.state for row in rows(store, IncidentRow)] == ["recorded"]
    assert [row.kind for row in rows(store, ChangeRow)] == ["opened", "cleared", "stopped", "ended"]


def test_a_text_has_its_hours(bus: Bus, store: Store, tmp_path: Path) -> None:
    morning = {"windows": [{"begin": "07:10", "end": "07:50"}]}
    config = loaded(tmp_path, ("rules.entry.speech.active", morning))
    publish(bus, *standing(5))
    with working(config, bus, store):
        until("the end of the log", decided(bus, store))
    assert rows(store, ChangeRow)[0].data["silent"] == "not_at_this_hour"
    assert [row.kind for row in rows(store, OutboxRow)] == [
        "notice",
        "notice",
    ]  # opened, and escalated at once


def test_a_guess_is_said_to_nobody_before_a_person_has_confirmed_it(
    bus: Bus, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "list.csv").write_text("plate,from,until\n粤T12345,,\n", encoding="utf-8")
    stanza: dict[str, object] = {
        "kind": "plate",
        "name": "布控",
        "cameras": ["cam"],
        "zones": ["water"],
        "labels": ["car"],
        "report": "listed",
        "list": "list.csv",
        "speech": {"text": "请停车"},
        "notify": NOTIFY,
    }
    objects = {"kind": "objects", "engine": {"kind": "onnx"}, "labels": ["car"]}
    config = loaded(
        tmp_path,
        ("detectors", {"objects": objects, "plates": {"kind": "plate"}}),
        ("cameras.cam.detectors", ["objects", "plates"]),
        ("rules.entry", stanza),
    )
    read = {"plate": "粤T1234S", "plate_accepted": True}
    publish(bus, *(observation(i * 0.2, {1: IN}, label="car", attributes=read) for i in range(5)))
    with working(config, bus, store):
        until("the end of the log", decided(bus, store))
    (incident,) = rows(store, IncidentRow)
    assert (incident.subject, incident.review) == ("粤T1234S", True)
    assert rows(store, OutboxRow) == []
    assert rows(store, ChangeRow)[0].data["silent"] == "a_person_must_look_first"
    act(store, config, ManualClock(at(9)), incident.id, Doing(Action.CONFIRM, "wang"))
    assert [row.payload["subject"] for row in rows(store, OutboxRow)] == ["粤T1234S"]


def test_a_fault_of_a_camera_is_an_incident_without_a_picture(bus: Bus, store: Store, tmp_path: Path) -> None:
    stanza = {"kind": "device", "name": "摄像机故障", "cameras": ["cam"], "notify": NOTIFY}
    config = loaded(tmp_path, ("rules.entry", stanza))
    lost = CameraState(camera_id="cam", condition=CameraCondition.OFFLINE, captured_at=at(2), reason="断线")
    publish(bus, *standing(5), lost)
    with working(config, bus, store):
        until("the end of the log", decided(bus, store))
    (change,) = rows(store, ChangeRow)
    assert (change.kind, change.data["reason"]) == ("opened", "断线")
    assert rows(store, EvidenceRow) == []
    (notice,) = rows(store, OutboxRow)
    assert (notice.payload["title"], notice.payload["type"]) == ("摄像机故障", "device")


def test_a_camera_that_nobody_looks_at_any_more_is_said_to_be_blind(
    bus: Bus, store: Store, tmp_path: Path
) -> None:
    config = loaded(tmp_path, ("rules.entry", {"kind": "device", "name": "故障", "cameras": ["cam"]}))
    publish(bus, *standing(5))
    clock = ManualClock(at(2))
    with working(config, bus, store, clock):
        until("the end of the log", decided(bus, store))
        assert rows(store, IncidentRow) == []
        clock.advance_to(at(6))
        until("an incident", lambda: rows(store, IncidentRow))
        publish(bus, observation(7, {}))
        until("its end", lambda: not rows(store, IncidentRow)[0].occupied)
    assert [row.kind for row in rows(store, ChangeRow)] == ["opened", "cleared"]
    assert rows(store, CameraStateRow) == [], "the camera itself has said nothing"


def test_cameras_that_the_configuration_does_not_have_are_not_decided_on(
    config: Config, bus: Bus, store: Store
) -> None:
    publish(bus, *(observation(i * 0.2, {1: IN}, camera="stranger") for i in range(5)))
    with working(config, bus, store):
        until("the end of the log", decided(bus, store))
    assert rows(store, IncidentRow) == []


def jpeg(shade: int) -> bytes:
    encoded: bytes = simplejpeg.encode_jpeg(np.full((360, 640, 3), shade, np.uint8), quality=90)
    return encoded


def test_evidence_is_the_frame_that_decided_or_said_to_be_missing(
    config: Config, bus: Bus, store: Store, tmp_path: Path
) -> None:
    frame = Frame("cam", "c", 0, at(0), at(0), 640, 360, "jpeg", jpeg(90))
    position = bus.publish(FRAMES, "cam", *codec.encode_frame(frame)).result(10)
    script = standing(5)
    reference = script[2].frame.model_copy(
        update={"offset": position.offset, "partition": position.partition}
    )
    publish(bus, *script[:2], script[2].model_copy(update={"frame": reference}))
    # At another place of the same rule: its frame was never there.
    publish(bus, *(observation(i * 0.2, {1: IN}, camera="cam2", epoch="x") for i in range(3)))
    config = loaded(tmp_path, ("cameras.cam2.point", "gate"))
    keeper = EvidenceKeeper(store, bus, Books(config), tmp_path / "evidence", ManualClock(at(2)))
    with working(config, bus, store):
        until("both incidents", lambda: len(rows(store, IncidentRow)) == 2)
    first, second = sorted(rows(store, IncidentRow), key=lambda row: row.camera)
    assert keeper.pictures(first.id) is None, "not known yet"
    assert keeper.keep_pending() == 2
    kept = keeper.pictures(first.id)
    assert kept is not None
    assert {p.kind for p in kept[0]} == {"original", "annotated"}
    assert next(p.jpeg for p in kept[0] if p.kind == "original") == frame.pixels
    assert {p.box for p in kept[0]} == {script[2].objects[0].xyxyn}
    missing = keeper.pictures(second.id)
    assert missing is not None
    assert missing[0] == ()
    assert missing[1]
    assert keeper.keep_pending() == 0


def test_positions_that_move_wake_nobody_and_changes_do(config: Config, bus: Bus, store: Store) -> None:
    woken: list[int] = []
    store.on_commit(lambda: woken.append(1))
    with working(config, bus, store):
        until("the partition is taken over", lambda: woken)
        woken.clear()
        publish(bus, *(observation(i * 0.2, {}) for i in range(5)))
        until("the end of the log", decided(bus, store))
        assert not woken
        publish(bus, *standing(5, 5))
        until("an incident", lambda: rows(store, IncidentRow))
        until("somebody is woken", lambda: woken)


def test_what_is_known_too_late_is_recorded_and_calls_nobody(config: Config, bus: Bus, store: Store) -> None:
    publish(bus, *standing(5))
    with working(config, bus, store, ManualClock(at(15))):
        until("the end of the log", decided(bus, store))
    (incident,) = rows(store, IncidentRow)
    assert incident.muted == "late"
    assert rows(store, OutboxRow) == []


def test_a_noisy_camera_is_called_so_in_the_log_also_after_a_restart(
    tmp_path: Path, bus: Bus, store: Store
) -> None:
    fault = {"kind": "device", "name": "故障", "cameras": ["cam"]}
    config = loaded(tmp_path, ("rules.entry.join_s", 2), ("rules.fault", fault))
    for visits, muted in ((range(4), 0), (range(4, 9), 3)):
        for n in visits:
            publish(bus, *(observation(n * 10 + t, {n: IN}) for t in range(3)))
            publish(bus, *(observation(n * 10 + t, {}) for t in range(3, 9)))
        with working(config, bus, store, ManualClock(at(visits[-1] * 10 + 9))):
            until("the end of the log", decided(bus, store))
        assert [row.muted for row in rows(store, IncidentRow)].count("noisy") == muted
    with working(config, bus, store, ManualClock(at(100))):
        until("its own word", lambda: any(row.rule == "fault" for row in rows(store, IncidentRow)))


def test_whoever_comes_after_a_case_was_closed_is_another_one(config: Config, bus: Bus, store: Store) -> None:
    publish(bus, *standing(5))
    with working(config, bus, store):
        until("the end of the log", decided(bus, store))
        with store.write() as session:
            session.scalars(select(IncidentRow)).one().state = "closed"
        publish(bus, *(observation(1 + i * 0.2, {}) for i in range(5)))
        publish(bus, *(observation(2 + i * 0.2, {2: IN}) for i in range(5)))
        until("the end of the log", decided(bus, store))
    first, second = sorted(rows(store, IncidentRow), key=lambda row: row.opened_at)
    assert (first.state, second.state) == ("closed", "broadcasting")
    told = {row.kind for row in rows(store, OutboxRow) if row.incident_id == second.id}
    assert told == {"speech", "notice"}
