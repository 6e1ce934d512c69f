"""Consumer groups on a real broker: shared partitions, a member that dies, offsets that are gone; topics."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

import pytest
from kafka import TopicPartition as KafkaPartition
from kafka.admin import KafkaAdminClient
from structlog.testing import capture_logs

from lianfang.bus import Consumer, Mode, TopicPartition
from lianfang.bus.kafka import KafkaBus, Topic, topics_of
from lianfang.config.kafka import Kafka
from lianfang.errors import LianfangError, PermanentError, TransientError
from lianfang.events import FRAMES, FrameReference
from tests.contract.bus_contract import after, poll_all, publish, publish_frame, read
from tests.support.bus_processes import Child
from tests.support.kafka import SETTINGS, access, connected, fresh, poll_until_assigned, shared_broker

PARTITIONS = SETTINGS.event_partitions
KEYS = [f"cam{i}" for i in range(20)]


@pytest.fixture
def topic() -> str:
    return fresh("topic")


@pytest.fixture
def bus(topic: str) -> Iterator[KafkaBus]:
    bus = connected(shared_broker(), topic)
    yield bus
    bus.close()


def member(connection: Connection, address: str, topic: str, group: str, mode: Mode) -> None:
    """Read and commit for ever; report each change of the assignment and each value."""
    consumer = connected(address, topic).subscribe([topic], group, mode)
    assigned: frozenset[TopicPartition] = frozenset()
    while True:
        records = consumer.poll(0.1)
        if consumer.assignment() != assigned:
            assigned = consumer.assignment()
            connection.send(("assigned", sorted(p.partition for p in assigned)))
        for record in records:
            connection.send(("read", (record.key, record.value.decode())))
        if records and mode == "durable":
            consumer.commit(after(records))


def settle(consumer: Consumer, child: Child, ours: int) -> None:
    """Poll until ``ours`` of the partitions are ours and the rest the child's."""
    deadline = time.monotonic() + 30
    theirs: list[int] = []
    while len(consumer.assignment()) != ours or len(theirs) != PARTITIONS - ours:
        assert time.monotonic() < deadline, f"{consumer.assignment()} are ours, {theirs} theirs"
        consumer.poll(0.1)
        while child.connection.poll(0):
            kind, value = child.connection.recv()
            theirs = value if kind == "assigned" else theirs


def test_members_share_partitions_and_take_over_from_one_that_dies(bus: KafkaBus, topic: str) -> None:
    group = fresh("group")
    consumer = bus.subscribe([topic], group)
    assert len(poll_until_assigned(consumer)) == PARTITIONS
    alone = consumer.generation
    child = Child(member, shared_broker(), topic, group, "durable")
    try:
        settle(consumer, child, 2)
        assert consumer.generation > alone
        kept = consumer.assignment()
        for key in KEYS:
            publish(bus, topic, key, "both")
        ours = poll_all(consumer, lambda seen: len(seen) >= sum(_partition(topic, k) in kept for k in KEYS))
        theirs = [child.receive() for _ in range(len(KEYS) - len(ours))]
        assert {r.key for r in ours} | {value[0] for _, value in theirs} == set(KEYS)
        consumer.commit(after(ours))

        child.kill()
        died = time.monotonic()
        for key in KEYS:
            publish(bus, topic, key, "alone")
        seen = poll_all(consumer, lambda seen: {r.key for r in seen if r.value == b"alone"} == set(KEYS))
        print(f"taken over {time.monotonic() - died:.1f} s after a kill")
    finally:
        child.close()
    assert consumer.assignment() > kept
    values = [r.value for r in seen if _partition(topic, r.key) in kept]
    assert values.count(b"both") == 0, "what is kept is not read again"
    consumer.close()


def test_a_member_that_stops_polling_is_replaced_and_its_offsets_refused(bus: KafkaBus, topic: str) -> None:
    group = fresh("group")
    for key in KEYS:
        publish(bus, topic, key, "a")
    slow = bus.subscribe([topic], group)
    records = read(slow, len(KEYS))
    others = [bus.subscribe([topic], group) for _ in range(2)]
    # It goes on polling, but not committing: the others are given a partition each.
    deadline = time.monotonic() + 30
    while not all(len(each.assignment()) == 1 for each in (slow, *others)):
        assert time.monotonic() < deadline
        for each in (slow, *others):
            each.poll(0.1)
    lost = {place: offset for place, offset in after(records).items() if place not in slow.assignment()}
    assert len(lost) == 2
    with pytest.raises(TransientError, match="another member"):
        slow.commit(lost)
    for each in (slow, *others):
        each.close()


def test_no_record_comes_before_its_partition_is_known(bus: KafkaBus, topic: str) -> None:
    for key in KEYS:
        publish(bus, topic, key, "a", "b")
    consumer = bus.subscribe([topic], fresh("group"))
    known: frozenset[TopicPartition] = frozenset()
    count = 0
    deadline = time.monotonic() + 30
    while count < 2 * len(KEYS):
        assert time.monotonic() < deadline
        records = consumer.poll(1)
        assert after(records).keys() <= known
        known = consumer.assignment()
        count += len(records)
    consumer.close()


def test_latest_members_share_partitions(bus: KafkaBus, topic: str) -> None:
    group = fresh("group")
    consumer = bus.subscribe([topic], group, "latest")
    poll_until_assigned(consumer)
    child = Child(member, shared_broker(), topic, group, "latest")
    try:
        settle(consumer, child, 2)
        kept = consumer.assignment()
        for key in KEYS:
            publish(bus, topic, key, "both")
        ours = poll_all(consumer, lambda seen: len(seen) >= sum(_partition(topic, k) in kept for k in KEYS))
        theirs = [child.receive() for _ in range(len(KEYS) - len(ours))]
        assert {r.key for r in ours} | {value[0] for _, value in theirs} == set(KEYS)
    finally:
        child.close()
    with pytest.raises(ValueError, match="commits nothing"):
        consumer.commit({})
    consumer.close()


def test_an_offset_that_is_gone_is_the_earliest(bus: KafkaBus, topic: str) -> None:
    group = fresh("group")
    offsets = publish(bus, topic, "gate", "a", "b", "c", "d")
    consumer = bus.subscribe([topic], group)
    place = next(iter(after(read(consumer, 4))))
    consumer.commit({place: offsets[1]})
    consumer.close()
    admin = KafkaAdminClient(bootstrap_servers=shared_broker())
    admin.delete_records({KafkaPartition(topic, place.partition): offsets[2]})
    admin.close()
    again = bus.subscribe([topic], group)
    assert [r.value for r in read(again, 2)] == [b"c", b"d"]
    assert again.beginning(place) == offsets[2]
    again.close()


def test_keys_go_where_every_other_client_of_kafka_sends_them(bus: KafkaBus, topic: str) -> None:
    # Values of the Java client's own tests of its murmur2, modulo 1000.
    known = Topic("any", 1000, 1)
    hashes = {"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536}
    assert {key: known.partition_of(key) for key in hashes} == {
        key: (value & 0x7FFFFFFF) % 1000 for key, value in hashes.items()
    }
    for key in KEYS:
        position = bus.publish(topic, key, b"", {}).result(30)
        assert TopicPartition(topic, position.partition) == _partition(topic, key)


def test_frames_are_read_back_by_their_place_only(bus: KafkaBus) -> None:
    reference = publish_frame(bus, fresh("cam"), 3, bytes(300_000))
    assert len(bus.fetch(reference).value) == 300_000
    with pytest.raises(LianfangError, match="no topic"):
        bus.fetch(FrameReference.model_validate({**reference.model_dump(), "topic": "elsewhere.v1"}))
    with pytest.raises(ValueError, match="latest only"):
        bus.subscribe([FRAMES], "group", "durable")


def test_what_can_never_be_stored_is_said_at_once(bus: KafkaBus, topic: str) -> None:
    with pytest.raises(PermanentError, match="bytes"):
        bus.publish(topic, "gate", bytes(2 * 1024 * 1024), {})
    with pytest.raises(PermanentError, match="Unicode"):
        bus.publish(topic, "\ud800", b"", {})
    with pytest.raises(PermanentError, match="no topic"):
        bus.publish("elsewhere.v1", "gate", b"", {})
    assert bus.in_flight == {"frames": (0, 0), "events": (0, 0)}


def test_partition_counts_that_differ_are_refused(topic: str) -> None:
    address = shared_broker()
    KafkaBus.connect(access(address), [Topic(topic, 3, 1)]).close()
    with pytest.raises(LianfangError, match=rf"{topic} has 3 partitions, expected 5") as refused:
        KafkaBus.connect(access(address), [Topic(topic, 5, 1)])
    assert not isinstance(refused.value, TransientError), "waiting does not help"


def test_a_topic_that_takes_too_little_is_refused_and_other_differences_are_said(topic: str) -> None:
    address = shared_broker()
    KafkaBus.connect(access(address), [Topic(topic, 1, 1, 1000, {"retention.ms": "60000"})]).close()
    with pytest.raises(LianfangError, match=rf"{topic} takes records of 1000 bytes"):
        KafkaBus.connect(access(address), [Topic(topic, 1, 1)])
    with capture_logs() as logs:
        KafkaBus.connect(access(address), [Topic(topic, 1, 1, 1000, {"retention.ms": "99999"})]).close()
    (said,) = [entry for entry in logs if entry["event"] == "topic_differs"]
    assert said["found"] == {"retention.ms": "60000"}


def test_more_copies_than_brokers_are_refused(topic: str) -> None:
    with pytest.raises(LianfangError, match="refuse"):
        KafkaBus.connect(access(shared_broker()), [Topic(topic, 1, 3)])


def test_services_that_start_together_make_each_topic_once(topic: str) -> None:
    address, failures = shared_broker(), []

    def start() -> None:
        try:
            KafkaBus.connect(access(address), [Topic(topic, 4, 1)]).close()
        except LianfangError as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


def test_topics_have_the_settings_that_evidence_and_back_tests_need() -> None:
    address = shared_broker()
    connected(address).close()
    with capture_logs() as logs:
        connected(address).close()
    assert logs == [], "made, found as expected, nothing to say"
    production = {t.name: t for t in topics_of(Kafka(replication=3))}
    assert production[FRAMES].replication == 1
    assert {t.replication for n, t in production.items() if n != FRAMES} == {3}
    assert {t.settings.get("min.insync.replicas") for n, t in production.items() if n != FRAMES} == {"2"}


def _partition(topic: str, key: str) -> TopicPartition:
    return TopicPartition(topic, Topic(topic, PARTITIONS, 1).partition_of(key))


def test_a_partition_that_was_paused_with_records_in_hand_is_read_on(bus: KafkaBus, topic: str) -> None:
    # Enough for several fetches, read in small polls: some of it is fetched and not given out when we pause.
    for key in KEYS:
        publish(bus, topic, key, *(f"{i}" for i in range(30)))
    consumer = bus.subscribe([topic], fresh("group"))
    seen = poll_all(consumer, lambda seen: len(seen) > 0)
    for turn in range(12):
        paused = sorted(consumer.assignment(), key=lambda p: p.partition)[turn % PARTITIONS]
        consumer.pause([paused])
        records = consumer.poll(0.2, 7)
        assert paused not in after(records)
        seen += records
        consumer.resume([paused])
        seen += consumer.poll(0.1, 7)
    seen += poll_all(consumer, lambda more: len(seen) + len(more) >= 30 * len(KEYS))
    for key in KEYS:
        assert [r.value.decode() for r in seen if r.key == key] == [f"{i}" for i in range(30)]
    consumer.close()
