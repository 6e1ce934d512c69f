"""The embedded bus under SIGKILL: real processes, killed at moments that nobody chose."""

from __future__ import annotations

import hashlib
import random
import resource
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from lianfang.bus import Position, Record, TopicPartition
from lianfang.bus.embedded import EmbeddedBus, RingSettings
from lianfang.errors import EvidenceMissing, TransientError
from lianfang.events import FRAMES, OBSERVATIONS, FrameReference
from tests.support.bus_processes import Child, eventually, own

WAIT_S = 30.0
RING = RingSettings(1, 256 * 1024)
KILLS_OF_THE_OWNER = 6
KILLS_OF_A_WRITER = 30
SEED = 20260501  # of the moments; the machine's own timing adds to it


@pytest.fixture
def children() -> Iterator[list[Child]]:
    children: list[Child] = []
    yield children
    for child in children:
        child.close()


# --- what the children do


def publish_for_ever(connection: Connection, data_dir: Path, name: str) -> None:
    """Publish a pipeline of records until the owner is gone, then report what was acknowledged."""
    bus = EmbeddedBus.join(data_dir)
    connection.send("ready")
    number, in_flight, acknowledged = 0, deque[tuple[int, Future[Position]]](), dict[int, int]()
    try:
        while True:
            in_flight.append((number, bus.publish(OBSERVATIONS, name, f"{name} {number}".encode(), {})))
            number += 1
            if len(in_flight) >= 32:
                first, future = in_flight.popleft()
                acknowledged[first] = future.result(WAIT_S).offset
    except TransientError:
        done = ((first, future) for first, future in in_flight if future.exception(WAIT_S) is None)
        acknowledged |= {first: future.result().offset for first, future in done}
    connection.send((bus.lost.wait(WAIT_S), acknowledged))


def write_frames_for_ever(connection: Connection, data_dir: Path) -> None:
    """Write frames that carry their own digest, as fast as possible."""
    bus = EmbeddedBus.join(data_dir)
    numbers = random.Random(time.monotonic_ns())  # noqa: S311 - pictures, not secrets
    connection.send("ready")
    for seq in range(10_000_000):
        body = numbers.randbytes(numbers.randrange(1, 60_000))
        headers = {"camera_id": "cam", "epoch": "e", "seq": str(seq)}
        bus.publish(FRAMES, "cam", hashlib.sha256(body).digest() + body, headers)


def own_with_little_room(connection: Connection, data_dir: Path) -> None:
    """Own a bus on a disk that is full after 1 MB, and then is not; report what became of each record."""
    bus = EmbeddedBus.own(data_dir, RING)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    for number in range(40):
        try:
            offset = bus.publish(OBSERVATIONS, "gate", number.to_bytes(2) * 50_000, {}).result(WAIT_S).offset
        except TransientError as error:
            connection.send((number, str(error)))
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        else:
            connection.send((number, offset))
    bus.close()


# --- the owner


def test_nothing_acknowledged_is_lost_when_the_owner_is_killed(tmp_path: Path, children: list[Child]) -> None:
    moments = random.Random(SEED)  # noqa: S311 - moments, not secrets
    acknowledged: dict[tuple[str, int, int], int] = {}  # (child, run, number) -> offset
    for run in range(KILLS_OF_THE_OWNER):
        owner = Child(own, tmp_path, RING)
        children.append(owner)
        assert owner.receive() == "ready"
        publishers = {name: Child(publish_for_ever, tmp_path, f"{name}{run}") for name in ("a", "b")}
        children += publishers.values()
        for publisher in publishers.values():
            assert publisher.receive() == "ready"
        time.sleep(moments.uniform(0.005, 0.15))
        owner.kill()
        for name, publisher in publishers.items():
            lost, offsets = publisher.receive()  # of its own accord: it has noticed
            assert lost
            acknowledged |= {(name, run, number): offset for number, offset in offsets.items()}
            publisher.join()
    stored = {record.position.offset: record.value.decode() for record in everything(tmp_path)}
    assert len(set(acknowledged.values())) == len(acknowledged) > 100
    assert {offset: stored.get(offset) for offset in acknowledged.values()} == {
        offset: f"{name}{run} {number}" for (name, run, number), offset in acknowledged.items()
    }
    assert_in_order(stored)


def test_the_owner_is_refused_while_another_process_owns(tmp_path: Path, children: list[Child]) -> None:
    owner = Child(own, tmp_path, RING)
    children.append(owner)
    assert owner.receive() == "ready"
    with pytest.raises(TransientError, match=f"in use by process {owner.pid}"):
        EmbeddedBus.own(tmp_path, RING)
    owner.kill()
    EmbeddedBus.own(tmp_path, RING).close()


def test_pending_records_fail_and_a_waiting_reader_ends_when_the_owner_is_killed(
    tmp_path: Path, children: list[Child]
) -> None:
    owner = Child(own, tmp_path, RING)
    children.append(owner)
    assert owner.receive() == "ready"
    joined = EmbeddedBus.join(tmp_path)
    consumer = joined.subscribe([OBSERVATIONS], "group")
    ended: list[TransientError] = []

    def wait_for_records() -> None:
        try:
            consumer.poll(3600)
        except TransientError as error:
            ended.append(error)

    reader = threading.Thread(target=wait_for_records, daemon=True)
    reader.start()
    owner.pause()  # it answers nothing any more, but its connection stands
    pending = joined.publish(OBSERVATIONS, "gate", b"value", {})
    assert not pending.done()
    assert not joined.lost.is_set()
    owner.kill()
    with pytest.raises(TransientError, match="not acknowledged"):
        pending.result(WAIT_S)
    assert joined.lost.wait(WAIT_S)
    reader.join(WAIT_S)
    assert len(ended) == 1
    consumer.close()
    joined.close()


def test_what_a_group_committed_survives_the_kill(tmp_path: Path, children: list[Child]) -> None:
    owner = Child(own, tmp_path, RING)
    children.append(owner)
    assert owner.receive() == "ready"
    joined = EmbeddedBus.join(tmp_path)
    for number in range(3):
        joined.publish(OBSERVATIONS, "gate", b"%d" % number, {}).result(WAIT_S)
    consumer = joined.subscribe([OBSERVATIONS], "group")
    consumer.commit({TopicPartition(OBSERVATIONS, 0): 2})
    before = consumer.generation
    owner.kill()
    consumer.close()
    joined.close()
    bus = EmbeddedBus.own(tmp_path, RING)
    again = bus.subscribe([OBSERVATIONS], "group")
    assert [record.value for record in again.poll(WAIT_S)] == [b"2"]
    assert again.generation > before
    again.close()
    bus.close()


def test_a_full_disk_refuses_records_until_there_is_room(tmp_path: Path, children: list[Child]) -> None:
    owner = Child(own_with_little_room, tmp_path)
    children.append(owner)
    owner.join()
    results = dict(owner.drain())
    refused = {number: text for number, text in results.items() if isinstance(text, str)}
    assert len(refused) == 1
    assert all("not written" in text for text in refused.values())
    offsets = [offset for number, offset in results.items() if number not in refused]
    assert offsets == list(range(39))
    stored = {record.position.offset: int.from_bytes(record.value[:2]) for record in everything(tmp_path)}
    assert stored == {offset: number for number, offset in results.items() if number not in refused}


# --- the writer of a ring


def test_no_torn_frame_is_seen_however_often_its_writer_is_killed(
    tmp_path: Path, children: list[Child]
) -> None:
    moments = random.Random(SEED)  # noqa: S311 - moments, not secrets
    bus = EmbeddedBus.own(tmp_path, RING)
    consumer = bus.subscribe([FRAMES], "group", "latest")
    seen: list[Record] = []
    for _ in range(KILLS_OF_A_WRITER):
        writer = Child(write_frames_for_ever, tmp_path)
        children.append(writer)
        assert writer.receive() == "ready"
        first = consumer.poll(WAIT_S)
        assert first, "the new writer is heard"
        seen += first
        until = time.monotonic() + moments.uniform(0, 0.02)
        while time.monotonic() < until:
            seen += consumer.poll(0.005)
            fetch_again(bus, seen[-20:])
        writer.kill()
        seen += consumer.poll(0)
        fetch_again(bus, seen[-20:])
        writer.close()
    offsets = [record.position.offset for record in seen]
    assert all(is_whole(record) for record in seen)
    assert offsets == sorted(set(offsets))
    assert len(offsets) >= 2 * KILLS_OF_A_WRITER
    assert consumer.skipped()["cam"] > 0
    consumer.close()
    bus.close()


def test_a_second_writer_is_refused_until_the_first_is_killed(tmp_path: Path, children: list[Child]) -> None:
    bus = EmbeddedBus.own(tmp_path, RING)
    consumer = bus.subscribe([FRAMES], "group", "latest")
    writer = Child(write_frames_for_ever, tmp_path)
    children.append(writer)
    assert consumer.poll(WAIT_S)
    with pytest.raises(TransientError, match=f"process {writer.pid} still writes this ring"):
        bus.publish(FRAMES, "cam", b"", {})
    writer.kill()
    last = [record.position.offset for record in consumer.poll(0)]
    assert bus.publish(FRAMES, "cam", b"", {}).result().offset > max(last, default=0)
    consumer.close()
    bus.close()


def test_a_camera_of_a_killed_process_is_taken_over_by_another(tmp_path: Path, children: list[Child]) -> None:
    owner = Child(own, tmp_path, RING)
    children.append(owner)
    assert owner.receive() == "ready"
    joined = EmbeddedBus.join(tmp_path)
    writer = Child(write_frames_for_ever, tmp_path)
    children.append(writer)
    assert writer.receive() == "ready"
    consumer = joined.subscribe([FRAMES], "group", "latest")
    eventually(lambda: consumer.poll(0.1), "the first writer is heard")
    writer.kill()
    joined.publish(FRAMES, "cam", hashlib.sha256(b"ours").digest() + b"ours", {"seq": "ours"})
    eventually(lambda: [r.headers["seq"] for r in consumer.poll(0.1)] == ["ours"], "the other is heard")
    consumer.close()
    joined.close()


# --- looking at what is there


def everything(data_dir: Path) -> list[Record]:
    """Return every record of the log, having opened it as its next owner."""
    bus = EmbeddedBus.own(data_dir, RING)
    consumer = bus.subscribe([OBSERVATIONS], "check")
    records: list[Record] = []
    while more := consumer.poll(0):
        records += more
    consumer.close()
    bus.close()
    return records


def assert_in_order(stored: dict[int, str]) -> None:
    """Each child's records were numbered from 0: none is doubled, none is out of order, none is left out."""
    numbers: dict[str, list[int]] = {}
    for _, value in sorted(stored.items()):
        name, number = value.split()
        numbers.setdefault(name, []).append(int(number))
    assert numbers == {name: list(range(len(seen))) for name, seen in numbers.items()}


def is_whole(record: Record) -> bool:
    """Tell whether a frame is what its writer made."""
    return hashlib.sha256(record.value[32:]).digest() == record.value[:32]


def fetch_again(bus: EmbeddedBus, records: list[Record]) -> None:
    """Check that each of the frames is either fetched as it was, or not kept any more."""
    for record in records:
        reference = FrameReference(
            topic=FRAMES,
            partition=record.position.partition,
            offset=record.position.offset,
            camera_id="cam",
            epoch="e",
            seq=int(record.headers["seq"]),
        )
        with suppress(EvidenceMissing):
            assert bus.fetch(reference) == record
