"""A real broker that stands still, dies and comes back."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from deploy.kafka import Broker
from lianfang.bus import Mode, Position, Record
from lianfang.bus.connect import join
from lianfang.bus.kafka import KafkaBus
from lianfang.bus.kafka.publisher import EVENTS_TERMS, FRAMES_TERMS
from lianfang.clock import SystemClock
from lianfang.errors import TransientError
from lianfang.events import FRAMES, OBSERVATIONS
from tests.contract.bus_contract import poll_all, publish_frame, started
from tests.support.bus_processes import eventually
from tests.support.configs import loaded
from tests.support.kafka import connected, fresh, open_files, own_broker, poll_until_assigned

# One that is given up in the middle leaves its socket to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <s:ResourceWarning")
MEGABYTE = 1024 * 1024
BLOCK_S = 0.2  # a publish never waits longer


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with own_broker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture(autouse=True)
def _sockets() -> Iterator[None]:
    yield
    gc.enable()
    gc.collect()


@pytest.fixture
def bus(broker: Broker) -> Iterator[KafkaBus]:
    bus = connected(broker.address)
    yield bus
    if not broker.running:  # what failed in the middle fails alone
        broker.start()
    broker.resume()
    bus.close()


def rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Pressed:
    """What became of records that were published as fast as possible."""

    def __init__(self) -> None:
        self.futures: list[Future[Position]] = []
        self.refused = 0
        self.longest_s = 0.0
        self.in_flight = 0
        self.memory = rss_bytes()


def press(bus: KafkaBus, topic: str, producer: str, value: bytes, count: int) -> Pressed:
    """Publish ``count`` records without waiting for any answer."""
    seen = Pressed()
    before = seen.memory
    for i in range(count):
        start = time.monotonic()
        try:
            seen.futures.append(bus.publish(topic, f"key{i % 8}", value, {"n": str(i)}))
        except TransientError:
            seen.refused += 1
        seen.longest_s = max(seen.longest_s, time.monotonic() - start)
        seen.in_flight = max(seen.in_flight, bus.in_flight[producer][0])
        if i % 50 == 0:
            seen.memory = max(seen.memory, rss_bytes())
    seen.memory -= before
    return seen


def test_frames_to_a_broker_that_stands_still_are_refused_and_forgotten(
    broker: Broker, bus: KafkaBus
) -> None:
    publish_frame(bus, "cam", 0)
    broker.pause()
    try:
        # 400 MB on offer over a few seconds: several life times of a frame in flight.
        runs = []
        for _ in range(4):
            runs.append(press(bus, FRAMES, "frames", bytes(100_000), 1000))
            time.sleep(1)
        futures = [future for run in runs for future in run.futures]
        eventually(lambda: all(f.done() for f in futures), "an end of every frame")
    finally:
        broker.resume()
    assert sum(run.refused for run in runs) > 3000
    assert max(run.in_flight for run in runs) <= FRAMES_TERMS.max_bytes
    assert all(isinstance(f.exception(), TransientError) for f in futures[:50])
    assert bus.in_flight["frames"] == (0, 0)
    # The record, its batch, its request, and what the sockets hold: a few times 8 MB, not 400.
    assert sum(run.memory for run in runs) < 100 * MEGABYTE
    assert max(run.longest_s for run in runs) < BLOCK_S + 0.3, "nobody waited"
    again = time.monotonic()
    eventually(lambda: _taken(bus, FRAMES), "frames to be taken again")
    print(f"frames are taken again {time.monotonic() - again:.1f} s after the broker goes on")


def test_events_to_a_broker_that_stands_still_wait_within_bounds_and_arrive(
    broker: Broker, bus: KafkaBus
) -> None:
    topic, group = OBSERVATIONS, fresh("group")
    start = bus.subscribe([topic], group)
    ends = {p: start.end(p) for p in poll_until_assigned(start)}
    start.commit(ends)
    start.close()
    broker.pause()
    try:
        run = press(bus, topic, "events", bytes(5_000), 20_000)
        assert run.refused > 0
        assert run.in_flight <= EVENTS_TERMS.max_bytes
        assert not any(f.done() for f in run.futures)
        assert run.memory < 150 * MEGABYTE
    finally:
        broker.resume()
    positions = [f.result(60) for f in run.futures]
    assert len(set(positions)) == len(positions)
    consumer = bus.subscribe([topic], group)
    records = poll_all(consumer, lambda seen: len(seen) >= len(positions))
    consumer.close()
    assert {r.position for r in records} == set(positions), "every one that was acknowledged, once"
    for key in {r.key for r in records}:
        numbers = [int(r.headers["n"]) for r in records if r.key == key]
        assert numbers == sorted(numbers)


def test_what_a_killed_broker_acknowledged_is_there_and_readers_go_on(broker: Broker, bus: KafkaBus) -> None:
    consumer = bus.subscribe([OBSERVATIONS], fresh("group"))
    frames = started(bus, [FRAMES], fresh("group"), "latest")
    ends = {partition: consumer.end(partition) for partition in poll_until_assigned(consumer)}
    consumer.commit(ends)
    for partition, end in ends.items():
        consumer.seek(partition, end)
    acknowledged: list[int] = []
    futures: dict[int, Future[Position]] = {}
    for i in range(3000):
        futures[i] = bus.publish(OBSERVATIONS, f"key{i % 8}", bytes(500), {"n": str(i)})
        if i == 1500:
            broker.kill()
            acknowledged = [n for n, f in futures.items() if f.done() and f.exception() is None]
    assert not all(f.done() for f in futures.values())

    seen: list[Record] = []
    files = open_files()

    def poll() -> None:
        seen.extend(consumer.poll(0.2))
        assert frames.poll(0.2) == []

    def all_closed() -> bool:
        poll()
        return open_files() <= files  # one that is being tried is open at the moment; one left open stays so

    gc.disable()
    with capture_logs() as logs:
        until = time.monotonic() + 3.5
        while time.monotonic() < until:
            poll()
        eventually(all_closed, "what could not be connected to be closed")
    said = [entry["event"] for entry in logs]
    assert len(said) <= 4, "transitions, not attempts"
    gc.enable()

    broker.start()
    up = time.monotonic()
    positions = {n: future.result(60) for n, future in futures.items()}
    taken = time.monotonic()
    seen += poll_all(consumer, lambda more: {_n(r) for r in [*seen, *more]} == set(futures))
    print(
        f"taken {taken - up:.1f} s after the broker is up, all read after {time.monotonic() - up:.1f} s; "
        f"{len(acknowledged)} were acknowledged before it died"
    )
    eventually(lambda: _taken(bus, FRAMES), "frames to be taken again")
    publish_frame(bus, "cam", 1)
    assert poll_all(frames, lambda more: any(r.key == "cam" for r in more))
    consumer.close()
    frames.close()

    # The log itself: each of them once, where its acknowledgement said.
    reader = bus.subscribe([OBSERVATIONS], fresh("group"))
    for partition in poll_until_assigned(reader):
        reader.seek(partition, ends[partition])
    log = poll_all(reader, lambda more: len(more) >= len(futures))
    reader.close()
    assert {_n(r): r.position for r in log} == positions
    assert len(log) == len(futures), "the producer is idempotent: nothing twice"


@pytest.mark.parametrize("mode", ["durable", "latest"])
def test_who_reads_from_a_broker_that_stands_still_waits_and_keeps_nothing(
    broker: Broker, bus: KafkaBus, mode: Mode
) -> None:
    topic = OBSERVATIONS if mode == "durable" else FRAMES
    consumer = bus.subscribe([topic], fresh("group"), mode)
    poll_until_assigned(consumer)
    broker.pause()
    before, busy_s = rss_bytes(), time.process_time()
    until = time.monotonic() + 8  # a heartbeat is due after three
    while time.monotonic() < until:
        assert consumer.poll(0.2) == []
    assert rss_bytes() - before < 20 * MEGABYTE
    assert time.process_time() - busy_s < 2, "it waits, and does not ask a thousand times a second"
    broker.resume()
    eventually(lambda: _taken(bus, topic) and consumer.poll(0.5), "it to be read again")
    consumer.close()


def test_a_service_waits_for_a_broker_that_is_away_and_says_so_once(broker: Broker, tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        ("bus", f"kafka://{broker.address}"),
        ("kafka", {"frame_partitions": 4, "event_partitions": 3}),
    )
    stop, reached = threading.Event(), threading.Event()

    def serve() -> None:
        with join(config, SystemClock(), stop) as joined:
            if joined is not None:
                joined.publish(OBSERVATIONS, "gate", b"x", {}).result(30)
                reached.set()

    broker.kill()
    thread = threading.Thread(target=serve)
    thread.start()
    stop.set()
    thread.join(30)
    assert not thread.is_alive(), "a signal ends the waiting"

    stop.clear()
    with capture_logs() as logs:
        thread = threading.Thread(target=serve)
        thread.start()
        eventually(lambda: logs, "a word about the waiting")
        assert not reached.is_set()
        broker.start()
        assert reached.wait(60)
        thread.join(30)
    said = [entry["event"] for entry in logs]
    assert said.count("waiting_for_bus") == said.count("bus_reached") == 1


def test_closing_while_the_broker_stands_still_takes_seconds_and_fails_what_waits(broker: Broker) -> None:
    bus = connected(broker.address)
    consumer = bus.subscribe([OBSERVATIONS], fresh("group"))
    poll_until_assigned(consumer)
    broker.pause()
    try:
        future = bus.publish(OBSERVATIONS, "gate", b"x", {})
        frame = bus.publish(FRAMES, "cam", b"jpeg", {})
        start = time.monotonic()
        consumer.close()
        bus.close()
        assert time.monotonic() - start < 30
        with pytest.raises(TransientError):
            future.result(30)
        with pytest.raises(TransientError):
            frame.result(30)
    finally:
        broker.resume()


def _taken(bus: KafkaBus, topic: str) -> bool:
    with suppress(TransientError):
        bus.publish(topic, "cam", b"jpeg", {}).result(5)
        return True
    return False


def _n(record: Record) -> int:
    return int(record.headers["n"])
