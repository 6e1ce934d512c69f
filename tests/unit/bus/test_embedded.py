"""What only the embedded bus promises; tests/contract has what every bus does."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lianfang.bus import TopicPartition
from lianfang.bus.embedded import EmbeddedBus, RingSettings, client
from lianfang.bus.embedded.requests import MAX_RECORD_BYTES, Request
from lianfang.bus.embedded.server import LogServer
from lianfang.bus.embedded.writer import LogWriter
from lianfang.clock import ManualClock
from lianfang.errors import LianfangError, PermanentError, TransientError
from lianfang.events import FRAMES, OBSERVATIONS

WAIT_S = 30.0
RING = RingSettings(1, 128 * 1024)
OBSERVED = TopicPartition(OBSERVATIONS, 0)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def bus(data_dir: Path) -> Iterator[EmbeddedBus]:
    bus = EmbeddedBus.own(data_dir, RING)
    yield bus
    bus.close()


def test_a_second_owner_is_refused_and_told_which_process(bus: EmbeddedBus, data_dir: Path) -> None:
    del bus
    with pytest.raises(TransientError, match=rf"{data_dir} is in use by process {os.getpid()}"):
        EmbeddedBus.own(data_dir)


def test_ownership_ends_with_close(data_dir: Path) -> None:
    EmbeddedBus.own(data_dir, RING).close()
    EmbeddedBus.own(data_dir, RING).close()


@pytest.mark.parametrize("once", [False, True], ids=["never", "once"])
def test_joining_what_nobody_owns_is_refused(data_dir: Path, once: bool) -> None:
    if once:
        EmbeddedBus.own(data_dir, RING).close()
    with pytest.raises(TransientError, match=f"{data_dir}: no running process owns this bus"):
        EmbeddedBus.join(data_dir)


def test_a_socket_left_by_a_dead_owner_is_replaced(data_dir: Path) -> None:
    data_dir.mkdir()
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(data_dir / "bus.sock"))
    left.close()
    with pytest.raises(TransientError, match="no running process"):
        EmbeddedBus.join(data_dir)
    owner = EmbeddedBus.own(data_dir, RING)
    EmbeddedBus.join(data_dir).close()
    owner.close()


@pytest.mark.parametrize("name", ["a" * 20, "深" * 40 + "/" + "河" * 40], ids=["short", "deep"])
def test_however_deep_the_folder_lies(tmp_path: Path, name: str) -> None:
    owner = EmbeddedBus.own(tmp_path / name, RING)
    joined = EmbeddedBus.join(tmp_path / name)
    assert joined.publish(OBSERVATIONS, "gate", b"", {}).result(WAIT_S).offset == 0
    joined.close()
    owner.close()


def test_nobody_else_may_connect(bus: EmbeddedBus, data_dir: Path) -> None:
    bus.publish(FRAMES, "gate", b"", {})
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (data_dir, *data_dir.rglob("*"))}
    assert modes.pop("data") == modes.pop("frames") == 0o700
    assert set(modes) >= {"bus.sock", "bus.lock", "log.sqlite3", "gate.ring"}
    assert set(modes.values()) == {0o600}


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LianfangError, match="cannot be used as a folder"):
        EmbeddedBus.own(tmp_path / "file" / "data")


def test_frames_may_lie_elsewhere_and_those_who_join_find_them(data_dir: Path, tmp_path: Path) -> None:
    owner = EmbeddedBus.own(data_dir, RING, frames_dir=tmp_path / "fast")
    joined = EmbeddedBus.join(data_dir)
    joined.publish(FRAMES, "gate", b"picture", {}).result(WAIT_S)
    assert (tmp_path / "fast" / "gate.ring").stat().st_size <= RING.max_bytes
    assert not (data_dir / "frames").exists()
    joined.close()
    owner.close()


def test_rings_of_cameras_taken_away_go_at_the_next_start(data_dir: Path) -> None:
    for day, rings in ((1, ["gate.ring"]), (2, ["gate.ring"]), (4, [])):
        owner = EmbeddedBus.own(data_dir, RING, ManualClock(datetime(2026, 5, day, tzinfo=UTC)))
        if day == 1:
            owner.publish(FRAMES, "gate", b"picture", {})
        owner.close()
        assert [path.name for path in (data_dir / "frames").glob("*.ring")] == rings


def test_frames_cannot_be_read_durably(bus: EmbeddedBus) -> None:
    with pytest.raises(ValueError, match="latest only"):
        bus.subscribe([OBSERVATIONS, FRAMES], "group")


def test_a_consumer_reads_something(bus: EmbeddedBus) -> None:
    with pytest.raises(ValueError, match="at least one topic"):
        bus.subscribe([], "group")


def test_frames_and_records_in_one_subscription(bus: EmbeddedBus) -> None:
    consumer = bus.subscribe([FRAMES, OBSERVATIONS], "group", "latest")
    bus.publish(OBSERVATIONS, "gate", b"seen", {}).result(WAIT_S)
    bus.publish(FRAMES, "gate", b"picture", {})
    records = consumer.poll(WAIT_S)
    while len(records) < 2:
        records += consumer.poll(WAIT_S)
    assert {r.value for r in records} == {b"seen", b"picture"}
    assert {p.topic for p in consumer.assignment()} == {FRAMES, OBSERVATIONS}


def test_an_older_consumer_of_a_group_is_shut_out(bus: EmbeddedBus) -> None:
    bus.publish(OBSERVATIONS, "gate", b"a", {}).result(WAIT_S)
    older = bus.subscribe([OBSERVATIONS], "group")
    assert len(older.poll(WAIT_S)) == 1
    newer = bus.subscribe([OBSERVATIONS], "group")
    assert older.assignment() == frozenset()
    with pytest.raises(TransientError, match="newer consumer"):
        older.commit({OBSERVED: 1})
    bus.publish(OBSERVATIONS, "gate", b"b", {}).result(WAIT_S)
    assert older.poll(0.02) == []
    assert [r.value for r in newer.poll(WAIT_S)] == [b"a", b"b"]
    newer.commit({OBSERVED: 2})


def test_seek_within_frames_gives_the_newest_again(bus: EmbeddedBus) -> None:
    consumer = bus.subscribe([FRAMES], "group", "latest")
    for _ in range(3):
        bus.publish(FRAMES, "gate", b"picture", {})
    (record,) = consumer.poll(WAIT_S)
    (place,) = consumer.assignment()
    assert (consumer.beginning(place), consumer.end(place)) == (0, 3)
    for offset in (0, 2, 99):  # 99 is out of range: the earliest, and of that only the newest
        consumer.seek(place, offset)
        assert [r.position for r in consumer.poll(WAIT_S)] == [record.position]
    consumer.seek(place, 3)
    assert consumer.poll(0.02) == []
    assert consumer.skipped() == {"gate": 2}
    with pytest.raises(KeyError, match="not assigned"):
        consumer.seek(TopicPartition(FRAMES, 99), 0)


def test_a_paused_camera_waits_its_turn(bus: EmbeddedBus) -> None:
    for key in ("gate", "river"):
        bus.publish(FRAMES, key, b"old", {})
    consumer = bus.subscribe([FRAMES], "group", "latest")
    gate = TopicPartition(FRAMES, 0)
    consumer.pause([gate])
    for key in ("gate", "river"):
        bus.publish(FRAMES, key, b"new", {})
    assert [r.key for r in consumer.poll(WAIT_S)] == ["river"]
    assert consumer.poll(0.02) == []
    consumer.resume([gate])
    assert [r.key for r in consumer.poll(WAIT_S)] == ["gate"]


@pytest.mark.parametrize(
    ("key", "value", "headers", "message"),
    [
        ("gate", bytes(MAX_RECORD_BYTES), {}, "the bus takes 16777216"),
        ("", b"", {}, "key"),
        ("\ud800", b"", {}, "no Unicode"),
        ("gate", b"", {"name": "\ud800"}, "no Unicode"),
    ],
    ids=["too large", "no key", "key", "header"],
)
def test_what_can_never_be_stored_is_refused_for_good(
    bus: EmbeddedBus, key: str, value: bytes, headers: dict[str, str], message: str
) -> None:
    with pytest.raises(PermanentError, match=message):
        bus.publish(OBSERVATIONS, key, value, headers)


def test_a_frame_that_does_not_fit_is_refused_for_good(bus: EmbeddedBus) -> None:
    with pytest.raises(PermanentError, match="a frame of 'gate' has 128000 bytes"):
        bus.publish(FRAMES, "gate", bytes(127_999), {})


def test_too_much_unanswered_is_refused(
    bus: EmbeddedBus, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del bus
    monkeypatch.setattr(client, "_IN_FLIGHT_BYTES", 100_000)
    joined = EmbeddedBus.join(data_dir)
    with pytest.raises(TransientError, match="not yet acknowledged"):
        joined.publish(OBSERVATIONS, "gate", bytes(100_000), {})
    assert joined.publish(OBSERVATIONS, "gate", bytes(50_000), {}).result(WAIT_S).offset == 0
    joined.close()


def test_an_answer_is_sent_even_if_the_writer_was_done_at_once(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = LogWriter.submit

    def submit_and_wait(self: LogWriter, request: Request, wait_for_room: bool = False) -> Future[Any]:
        ticket = self.ticket()
        future = submit(self, request, wait_for_room)
        self.wait(ticket, WAIT_S)
        return future

    owner = EmbeddedBus.own(data_dir, RING)
    joined = EmbeddedBus.join(data_dir)
    monkeypatch.setattr(LogWriter, "submit", submit_and_wait)
    assert joined.publish(OBSERVATIONS, "gate", b"", {}).result(WAIT_S).offset == 0
    joined.close()
    owner.close()


def test_closing_does_not_wait_for_ever_for_an_owner_that_does_not_answer(
    bus: EmbeddedBus, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del bus
    joined = EmbeddedBus.join(data_dir)
    monkeypatch.setattr(LogServer, "_submit", lambda *_: None)
    monkeypatch.setattr(client, "_ANSWER_WITHIN_S", 0.01)
    pending = joined.publish(OBSERVATIONS, "gate", b"", {})
    joined.close()
    with pytest.raises(TransientError, match="closed before the owner answered"):
        pending.result(WAIT_S)


def test_a_joined_bus_whose_owner_closes_is_lost(data_dir: Path) -> None:
    owner = EmbeddedBus.own(data_dir, RING)
    joined = EmbeddedBus.join(data_dir)
    joined.publish(FRAMES, "gate", b"picture", {})
    consumer = joined.subscribe([OBSERVATIONS], "group")
    assert not joined.lost.is_set()
    owner.close()
    assert joined.lost.wait(WAIT_S)
    for publish in (OBSERVATIONS, FRAMES):
        with pytest.raises(TransientError, match="is gone"):
            joined.publish(publish, "gate", b"", {})
    with pytest.raises(TransientError, match="is gone"):
        consumer.poll(WAIT_S)
    with pytest.raises(TransientError, match="is gone"):
        consumer.commit({OBSERVED: 0})
    with pytest.raises(TransientError, match="is gone"):
        joined.subscribe([OBSERVATIONS], "group")
    consumer.close()
    joined.close()


def test_poll_ends_when_the_bus_is_closed(bus: EmbeddedBus) -> None:
    consumers = [bus.subscribe([OBSERVATIONS], "group"), bus.subscribe([FRAMES], "group", "latest")]
    bus.close()
    for consumer in consumers:
        with pytest.raises(TransientError, match="closed"):
            consumer.poll(WAIT_S)
        consumer.close()
