"""What every bus promises. A class of tests for each implementation inherits ``BusContract``.

Nothing here knows how a bus works: topics, keys and groups are fresh in every test, so that a broker can be
shared; a consumer may be given its partitions late, so ``started`` waits for them.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from lianfang.bus import Bus, Consumer, Footage, Mode, Record, TopicPartition
from lianfang.errors import EvidenceMissing, TransientError
from lianfang.events import FRAMES, FrameReference

WAIT_S = 30.0


class Harness:
    """A bus under test. ``reopen`` connects anew; ``expire`` makes a frame one that is not kept any more."""

    bus: Bus

    def reopen(self) -> None:
        """Close the connection and make a new one to the same bus."""
        raise NotImplementedError

    def expire(self, reference: FrameReference) -> None:
        """Have the bus drop the frame, as it does when newer ones need the room."""
        raise NotImplementedError


@pytest.fixture
def topic() -> str:
    return f"test-{secrets.token_hex(4)}.v1"


@pytest.fixture
def group() -> str:
    return f"group-{secrets.token_hex(4)}"


@pytest.fixture
def camera() -> str:
    return f"cam_{secrets.token_hex(4)}"


def publish(bus: Bus, topic: str, key: str, *values: str) -> list[int]:
    """Publish and wait for the acknowledgements; return the offsets."""
    futures = [bus.publish(topic, key, value.encode(), {}) for value in values]
    return [future.result(WAIT_S).offset for future in futures]


def publish_frame(
    bus: Bus, camera: str, seq: int, pixels: bytes = b"jpeg", epoch: str = "e1"
) -> FrameReference:
    headers = {"camera_id": camera, "epoch": epoch, "seq": str(seq)}
    place = bus.publish(FRAMES, camera, pixels, headers).result(WAIT_S)
    return FrameReference(
        topic=place.topic,
        partition=place.partition,
        offset=place.offset,
        camera_id=camera,
        epoch=epoch,
        seq=seq,
    )


def started(bus: Bus, topics: Sequence[str], group: str, mode: Mode = "durable") -> Consumer:
    """Subscribe in a mode and, if ``latest``, wait until the end is where reading starts."""
    consumer = bus.subscribe(topics, group, mode)
    if mode == "latest":
        deadline = time.monotonic() + WAIT_S
        while not any(p.topic in topics for p in consumer.assignment()):
            assert consumer.poll(0.05) == []
            assert time.monotonic() < deadline, "no partition was assigned"
    return consumer


def read(consumer: Consumer, count: int, max_records: int = 500) -> list[Record]:
    """Poll until ``count`` records have come; more or fewer fail."""
    records: list[Record] = []
    deadline = time.monotonic() + WAIT_S
    while len(records) < count:
        assert time.monotonic() < deadline, f"{len(records)} of {count} records came"
        records += consumer.poll(0.2, max_records)
    assert len(records) == count
    return records


def texts(records: list[Record]) -> list[str]:
    return [record.value.decode() for record in records]


def after(records: list[Record]) -> dict[TopicPartition, int]:
    """Return what to commit once ``records`` have been dealt with."""
    offsets: dict[TopicPartition, int] = {}
    for record in records:
        place = TopicPartition(record.position.topic, record.position.partition)
        offsets[place] = max(offsets.get(place, 0), record.position.offset + 1)
    return offsets


def a_while_ago() -> datetime:
    """Return a time before anything that a test publishes."""
    return datetime.now(UTC) - timedelta(minutes=1)


def read_on(footage: Footage, count: int) -> list[Record]:
    """Read until there are ``count`` records or more."""
    deadline, records = time.monotonic() + WAIT_S, list[Record]()
    while len(records) < count:
        assert time.monotonic() < deadline, f"{len(records)} of {count} frames"
        records += footage.read()
    return records


class BusContract:
    """The behaviours."""

    # --- durable reading

    def test_records_of_a_key_come_in_order(self, harness: Harness, topic: str, group: str) -> None:
        sent = [f"{i}" for i in range(300)]
        publish(harness.bus, topic, "gate", *sent)
        assert texts(read(harness.bus.subscribe([topic], group), 300, max_records=70)) == sent

    def test_where_a_key_is_was_said_before(self, harness: Harness, topic: str) -> None:
        for key in ("a", "b", "桥", "canary-7"):
            place = harness.bus.publish(topic, key, b"", {}).result(WAIT_S)
            assert harness.bus.partition_of(topic, key) == place.partition

    def test_a_new_group_reads_from_the_earliest(self, harness: Harness, topic: str, group: str) -> None:
        publish(harness.bus, topic, "gate", "before")
        consumer = harness.bus.subscribe([topic], group)
        assert texts(read(consumer, 1)) == ["before"]

    def test_records_published_later_come_too(self, harness: Harness, topic: str, group: str) -> None:
        consumer = harness.bus.subscribe([topic], group)
        publish(harness.bus, topic, "gate", "a")
        assert texts(read(consumer, 1)) == ["a"]
        publish(harness.bus, topic, "gate", "b")
        assert texts(read(consumer, 1)) == ["b"]

    def test_what_is_not_committed_comes_again(self, harness: Harness, topic: str, group: str) -> None:
        publish(harness.bus, topic, "gate", "a", "b", "c")
        consumer = harness.bus.subscribe([topic], group)
        first = read(consumer, 3)
        consumer.commit(after(first[:1]))
        consumer.close()
        assert texts(read(harness.bus.subscribe([topic], group), 2)) == ["b", "c"]

    def test_what_is_committed_does_not_come_again(self, harness: Harness, topic: str, group: str) -> None:
        publish(harness.bus, topic, "gate", "a", "b")
        consumer = harness.bus.subscribe([topic], group)
        consumer.commit(after(read(consumer, 2)))
        consumer.close()
        harness.reopen()
        publish(harness.bus, topic, "gate", "c")
        assert texts(read(harness.bus.subscribe([topic], group), 1)) == ["c"]

    def test_groups_are_independent(self, harness: Harness, topic: str, group: str) -> None:
        publish(harness.bus, topic, "gate", "a", "b")
        one = harness.bus.subscribe([topic], group)
        one.commit(after(read(one, 2)))
        assert texts(read(harness.bus.subscribe([topic], f"{group}-other"), 2)) == ["a", "b"]

    def test_two_topics_in_one_subscription(self, harness: Harness, topic: str, group: str) -> None:
        other = f"other-{topic}"
        publish(harness.bus, topic, "gate", "a")
        publish(harness.bus, other, "gate", "b")
        records = read(harness.bus.subscribe([topic, other], group), 2)
        assert {(r.position.topic, r.value) for r in records} == {(topic, b"a"), (other, b"b")}

    def test_what_was_acknowledged_survives_reopening(self, harness: Harness, topic: str, group: str) -> None:
        publish(harness.bus, topic, "gate", "a", "b")
        harness.reopen()
        assert texts(read(harness.bus.subscribe([topic], group), 2)) == ["a", "b"]

    def test_poll_without_records_returns_nothing(self, harness: Harness, topic: str, group: str) -> None:
        publish(harness.bus, topic, "gate", "a")
        consumer = harness.bus.subscribe([topic], group)
        read(consumer, 1)
        assert consumer.poll(0.02) == []
        assert consumer.poll(0) == []

    def test_max_records_bounds_a_poll(self, harness: Harness, topic: str, group: str) -> None:
        publish(harness.bus, topic, "gate", "a", "b", "c")
        consumer = harness.bus.subscribe([topic], group)
        assert texts(read(consumer, 1, max_records=1)) == ["a"]
        assert texts(read(consumer, 2, max_records=2)) == ["b", "c"]

    # --- place

    def test_offsets_grow_and_tell_where_a_record_is(self, harness: Harness, topic: str, group: str) -> None:
        offsets = publish(harness.bus, topic, "gate", *"abcdef")
        assert offsets == sorted(set(offsets))
        records = read(harness.bus.subscribe([topic], group), 6)
        assert [r.position.offset for r in records] == offsets

    def test_seek(self, harness: Harness, topic: str, group: str) -> None:
        offsets = publish(harness.bus, topic, "gate", "a", "b", "c")
        consumer = harness.bus.subscribe([topic], group)
        place = next(iter(after(read(consumer, 3))))
        consumer.seek(place, offsets[1])
        assert texts(read(consumer, 2)) == ["b", "c"]

    @pytest.mark.parametrize("beyond", [1, 1_000_000], ids=["just", "far"])
    def test_seek_out_of_range_is_the_earliest(
        self, harness: Harness, topic: str, group: str, beyond: int
    ) -> None:
        publish(harness.bus, topic, "gate", "a", "b")
        consumer = harness.bus.subscribe([topic], group)
        place = next(iter(after(read(consumer, 2))))
        consumer.seek(place, consumer.end(place) + beyond)
        assert texts(read(consumer, 2)) == ["a", "b"]

    def test_seek_to_the_end_skips_what_is_there(self, harness: Harness, topic: str, group: str) -> None:
        publish(harness.bus, topic, "gate", "a", "b")
        consumer = harness.bus.subscribe([topic], group)
        place = next(iter(after(read(consumer, 2))))
        consumer.seek(place, consumer.beginning(place))
        consumer.seek(place, consumer.end(place))
        publish(harness.bus, topic, "gate", "c")
        assert texts(read(consumer, 1)) == ["c"]

    def test_beginning_and_end(self, harness: Harness, topic: str, group: str) -> None:
        offsets = publish(harness.bus, topic, "gate", "a", "b")
        consumer = harness.bus.subscribe([topic], group)
        place = next(iter(after(read(consumer, 2))))
        assert consumer.beginning(place) == offsets[0]
        assert offsets[1] < consumer.end(place) <= publish(harness.bus, topic, "gate", "c")[0]

    def test_the_assignment_names_the_topic(self, harness: Harness, topic: str, group: str) -> None:
        publish(harness.bus, topic, "gate", "a")
        consumer = harness.bus.subscribe([topic], group)
        read(consumer, 1)
        assert {p.topic for p in consumer.assignment()} == {topic}

    def test_pause_and_resume(self, harness: Harness, topic: str, group: str) -> None:
        publish(harness.bus, topic, "gate", "a")
        consumer = harness.bus.subscribe([topic], group)
        places = after(read(consumer, 1))
        consumer.pause(places)
        publish(harness.bus, topic, "gate", "b", "c")
        assert consumer.poll(0.1) == []
        consumer.resume(places)
        assert texts(read(consumer, 2)) == ["b", "c"]

    def test_the_generation_grows_with_every_consumer(self, harness: Harness, topic: str, group: str) -> None:
        publish(harness.bus, topic, "gate", "a")
        seen = []
        for _ in range(3):
            consumer = harness.bus.subscribe([topic], group)
            read(consumer, 1)
            seen.append(consumer.generation)
            consumer.close()
            harness.reopen()
        assert seen == sorted(set(seen))

    # --- content

    @pytest.mark.parametrize(
        ("key", "value", "headers"),
        [
            ("gate", b"", {}),
            ("gate", b"\x00\xff", {"schema": "observation/1.0", "empty": ""}),
            ("河边_1", "有人落水".encode(), {"名称": "东门 🚨", "line": "a\nb"}),
            ("gate", bytes(range(256)) * 4096, {"size": "1 MB"}),
        ],
        ids=["empty", "binary", "unicode", "1 MB"],
    )
    def test_content_survives(
        self, harness: Harness, topic: str, group: str, key: str, value: bytes, headers: dict[str, str]
    ) -> None:
        harness.bus.publish(topic, key, value, headers).result(WAIT_S)
        (record,) = read(harness.bus.subscribe([topic], group), 1)
        assert (record.key, record.value, dict(record.headers)) == (key, value, headers)

    def test_the_time_of_publishing_is_kept(self, harness: Harness, topic: str, group: str) -> None:
        before = datetime.now(UTC)
        publish(harness.bus, topic, "gate", "a")
        (record,) = read(harness.bus.subscribe([topic], group), 1)
        # A broker keeps milliseconds.
        assert timedelta(milliseconds=-1) <= record.published_at - before <= datetime.now(UTC) - before

    # --- latest

    def test_latest_starts_at_the_end(self, harness: Harness, topic: str, group: str) -> None:
        publish(harness.bus, topic, "gate", "old")
        consumer = started(harness.bus, [topic], group, "latest")
        assert consumer.poll(0.1) == []
        publish(harness.bus, topic, "gate", "new")
        assert texts(read(consumer, 1)) == ["new"]

    def test_latest_ignores_what_the_group_committed(self, harness: Harness, topic: str, group: str) -> None:
        publish(harness.bus, topic, "gate", "a", "b")
        consumer = harness.bus.subscribe([topic], group)
        consumer.commit(after(read(consumer, 2)[:1]))
        consumer.close()
        assert started(harness.bus, [topic], group, "latest").poll(0.1) == []

    def test_latest_gives_the_newest_of_each_key(self, harness: Harness, topic: str, group: str) -> None:
        publish(harness.bus, topic, "gate", "old")
        consumer = started(harness.bus, [topic], group, "latest")
        publish(harness.bus, topic, "gate", "g1", "g2", "g3")
        publish(harness.bus, topic, "river", "r1", "r2")
        records = poll_all(consumer, lambda seen: {r.key for r in seen} >= {"gate", "river"})
        assert {r.key: r.value for r in records} == {"gate": b"g3", "river": b"r2"}
        assert len(records) + sum(consumer.skipped().values()) == 5

    @pytest.mark.parametrize("frames", [False, True], ids=["durable", "frames"])
    def test_latest_serves_every_key_in_turn(
        self, harness: Harness, topic: str, group: str, camera: str, frames: bool
    ) -> None:
        keys = [f"{camera}_{i}" for i in range(4)]

        def publish_all(seq: int) -> None:
            for key in keys:
                if frames:
                    publish_frame(harness.bus, key, seq)
                else:
                    publish(harness.bus, topic, key, f"{seq}")

        publish_all(0)
        consumer = started(harness.bus, [FRAMES if frames else topic], group, "latest")
        served = []
        for seq in range(1, 9):
            publish_all(seq)
            served += [r.key for r in read(consumer, 1, max_records=1)]
        assert {key: served.count(key) for key in keys} == dict.fromkeys(keys, 2)

    # --- frames

    def test_latest_gives_the_newest_frame(self, harness: Harness, group: str, camera: str) -> None:
        publish_frame(harness.bus, camera, 0)
        consumer = started(harness.bus, [FRAMES], group, "latest")
        for seq in range(1, 6):
            publish_frame(harness.bus, camera, seq, pixels=b"picture %d" % seq)
        records = poll_all(consumer, lambda seen: any(r.headers["seq"] == "5" for r in seen))
        assert (records[-1].key, records[-1].value) == (camera, b"picture 5")
        assert consumer.poll(0.05) == []
        assert consumer.skipped().get(camera, 0) + len(records) == 5

    def test_a_camera_that_appears_later_is_read(self, harness: Harness, group: str, camera: str) -> None:
        publish_frame(harness.bus, camera, 0)
        consumer = started(harness.bus, [FRAMES], group, "latest")
        publish_frame(harness.bus, f"{camera}_new", 7)
        (record,) = read(consumer, 1)
        assert (record.key, record.headers["seq"]) == (f"{camera}_new", "7")

    def test_positions_of_frames_are_unique(self, harness: Harness, camera: str) -> None:
        places = [publish_frame(harness.bus, f"{camera}_{i % 3}", i) for i in range(9)]
        assert len({(p.partition, p.offset) for p in places}) == 9

    def test_fetch_returns_the_frame(self, harness: Harness, camera: str) -> None:
        references = [publish_frame(harness.bus, camera, seq, b"picture %d" % seq) for seq in range(5)]
        record = harness.bus.fetch(references[3])
        assert (record.key, record.value, record.headers["seq"]) == (camera, b"picture 3", "3")
        assert record.position.offset == references[3].offset

    def test_fetch_after_reopening(self, harness: Harness, camera: str) -> None:
        reference = publish_frame(harness.bus, camera, 0, b"picture")
        harness.reopen()
        assert harness.bus.fetch(reference).value == b"picture"

    def test_fetch_of_a_frame_not_kept_any_more(self, harness: Harness, camera: str) -> None:
        reference = publish_frame(harness.bus, camera, 0)
        harness.expire(reference)
        with pytest.raises(EvidenceMissing):
            harness.bus.fetch(reference)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"epoch": "e2"},
            {"seq": 1},
            {"camera_id": "cam_nowhere"},
            {"offset": 987_654},
            {"partition": 54_321},
        ],
        ids=lambda wrong: next(iter(wrong)),
    )
    def test_fetch_never_gives_another_frame(
        self, harness: Harness, camera: str, wrong: dict[str, str | int]
    ) -> None:
        reference = publish_frame(harness.bus, camera, 0)
        assert harness.bus.fetch(reference).headers["seq"] == "0"
        with pytest.raises(EvidenceMissing):
            harness.bus.fetch(reference.model_copy(update=wrong))

    # --- the frames of one camera, in their order

    def test_footage_is_every_frame_of_one_camera_in_order(self, harness: Harness, camera: str) -> None:
        for seq in range(12):
            publish_frame(harness.bus, camera, seq, b"picture %d" % seq)
            publish_frame(harness.bus, f"{camera}_beside", seq)
        footage = harness.bus.footage(camera, a_while_ago())
        first = footage.read(max_records=5)
        assert 0 < len(first) <= 5
        records = first + read_on(footage, 12 - len(first))
        assert [(r.key, r.value) for r in records] == [(camera, b"picture %d" % seq) for seq in range(12)]
        assert footage.read() == []
        publish_frame(harness.bus, camera, 12)
        (record,) = read_on(footage, 1)
        assert record.headers["seq"] == "12"
        footage.close()

    def test_footage_begins_at_a_time(self, harness: Harness, camera: str) -> None:
        publish_frame(harness.bus, camera, 0)
        time.sleep(0.05)
        since = datetime.now(UTC)
        time.sleep(0.05)
        publish_frame(harness.bus, camera, 1)
        footage = harness.bus.footage(camera, since)
        assert [r.headers["seq"] for r in read_on(footage, 1)] == ["1"]
        later = harness.bus.footage(camera, since + timedelta(hours=1))
        assert later.read() == []
        for reader in (footage, later):
            reader.close()

    def test_footage_passes_over_what_is_not_kept(self, harness: Harness, camera: str) -> None:
        first = publish_frame(harness.bus, camera, 0)
        harness.expire(first)
        publish_frame(harness.bus, camera, 9, b"kept")
        footage = harness.bus.footage(camera, a_while_ago())
        records = read_on(footage, 1)
        assert records[0].headers["seq"] != "0"
        while records[-1].headers["seq"] != "9":
            records += read_on(footage, 1)
        assert records[-1].value == b"kept"
        footage.close()

    def test_footage_of_a_camera_that_nobody_knows(self, harness: Harness, camera: str) -> None:
        footage = harness.bus.footage(camera, a_while_ago())
        assert footage.read() == []
        publish_frame(harness.bus, camera, 0)
        assert [r.headers["seq"] for r in read_on(footage, 1)] == ["0"]
        footage.close()

    # --- many at once, and the end

    def test_threads_keep_the_order_of_their_keys(self, harness: Harness, topic: str, group: str) -> None:
        sent = [f"{i}" for i in range(200)]
        keys = [f"key_{i}" for i in range(4)]
        threads = [threading.Thread(target=publish, args=(harness.bus, topic, key, *sent)) for key in keys]
        for thread in threads:
            thread.start()
        records = read(harness.bus.subscribe([topic], group), 800)
        for thread in threads:
            thread.join(WAIT_S)
        assert {key: [r.value.decode() for r in records if r.key == key] for key in keys} == dict.fromkeys(
            keys, sent
        )

    @pytest.mark.parametrize("frames", [False, True], ids=["durable", "frames"])
    def test_publishing_after_close_is_refused(
        self, harness: Harness, topic: str, camera: str, frames: bool
    ) -> None:
        publish_frame(harness.bus, camera, 0)
        harness.bus.close()
        with pytest.raises(TransientError):
            harness.bus.publish(FRAMES if frames else topic, camera, b"", {})
        harness.reopen()

    def test_close_flushes_what_was_published(self, harness: Harness, topic: str, group: str) -> None:
        futures = [harness.bus.publish(topic, "gate", b"%d" % i, {}) for i in range(50)]
        harness.bus.close()
        assert all(future.done() and future.exception() is None for future in futures)
        harness.reopen()
        assert texts(read(harness.bus.subscribe([topic], group), 50)) == [f"{i}" for i in range(50)]


def poll_all(consumer: Consumer, enough: Callable[[list[Record]], bool]) -> list[Record]:
    """Poll until ``enough``; return all that came."""
    records: list[Record] = []
    deadline = time.monotonic() + WAIT_S
    while not enough(records):
        assert time.monotonic() < deadline, f"only {[r.value for r in records]} came"
        records += consumer.poll(0.2)
    return records
