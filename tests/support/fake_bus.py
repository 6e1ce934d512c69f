"""A bus that keeps what is published, and refuses where a test says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime

from lianfang.bus import Consumer, Footage, Mode, Position, Record, TopicPartition
from lianfang.clock import SystemClock
from lianfang.codec import decode_event, decode_frame
from lianfang.errors import TransientError
from lianfang.events import FRAMES, OBSERVATIONS, CameraState, Frame, FrameReference

WAIT_S = 30.0


class FakeConsumer(Consumer):
    """Reads the records of a topic as they are published."""

    generation = 0
    lost = False

    def __init__(self, bus: FakeBus, topic: str) -> None:
        self._bus, self._place, self._next = bus, TopicPartition(topic, 0), 0

    def assignment(self) -> frozenset[TopicPartition]:
        """There is one partition."""
        return frozenset({self._place})

    def poll(self, timeout_s: float, max_records: int = 500) -> list[Record]:
        """Return what has come, looking for it twice."""
        for wait_s in (0.0, min(timeout_s, 0.05)):
            time.sleep(wait_s)
            found = [r for r in self._records() if r.position.offset >= self._next][:max_records]
            if found:
                self._next = found[-1].position.offset + 1
                return found
        return []

    def _records(self) -> list[Record]:
        return [r for r in list(self._bus.records) if r.position.topic == self._place.topic]

    def beginning(self, partition: TopicPartition) -> int:
        """Nothing is ever dropped."""
        del partition
        return 0

    def end(self, partition: TopicPartition) -> int:
        """Return the offset after the last record."""
        del partition
        return max((r.position.offset + 1 for r in self._records()), default=0)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go there."""
        del partition
        self._next = offset

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Keep none."""

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Never."""

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        """Always."""

    def skipped(self) -> Mapping[str, int]:
        """Return nothing: none is."""
        return {}

    def close(self) -> None:
        """Nothing to release."""


class FakeBus:
    """Publishing, and reading one topic. ``refuse`` is asked before a record is taken: true refuses it."""

    def __init__(self, refuse: Callable[[str, str], bool] = lambda _topic, _key: False) -> None:
        self.records: list[Record] = []
        self.refuse = refuse
        self._changed = threading.Condition()

    def publish(self, topic: str, key: str, value: bytes, headers: Mapping[str, str]) -> Future[Position]:
        """Keep the record."""
        if self.refuse(topic, key):
            raise TransientError("refused by the test")
        future: Future[Position] = Future()
        with self._changed:
            position = Position(topic, 0, len(self.records))
            self.records.append(Record(position, key, value, dict(headers), SystemClock().now()))
            self._changed.notify_all()
        future.set_result(position)
        return future

    def partition_of(self, topic: str, key: str) -> int:
        """There is one."""
        del topic, key
        return 0

    def frames(self, camera_id: str) -> list[Frame]:
        """Return the frames of a camera, in the order of publishing."""
        records = [r for r in list(self.records) if r.position.topic == FRAMES and r.key == camera_id]
        return [decode_frame(r.value, r.headers) for r in records]

    def states(self, camera_id: str) -> list[CameraState]:
        """Return the states of a camera, in the order of publishing."""
        records = [r for r in list(self.records) if r.position.topic == OBSERVATIONS]
        events = [decode_event(r.value, r.headers) for r in records]
        return [e for e in events if isinstance(e, CameraState) and e.camera_id == camera_id]

    def conditions(self, camera_id: str) -> list[str]:
        """Return the conditions of a camera, in the order of publishing."""
        return [state.condition.value for state in self.states(camera_id)]

    def wait(self, condition: Callable[[], object], timeout_s: float = WAIT_S) -> None:
        """Return once ``condition`` holds; AssertionError shows what was published when it never does."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not condition():
                left = deadline - time.monotonic()
                if left <= 0:
                    keys = sorted({r.key for r in self.records})
                    seen = {key: (len(self.frames(key)), self.states(key)) for key in keys}
                    raise AssertionError(f"condition not met in {timeout_s} s; published: {seen}")
                self._changed.wait(min(left, 0.05))

    def subscribe(self, topics: Sequence[str], group: str, mode: Mode = "durable") -> Consumer:
        """Return a consumer of one topic, from its beginning on."""
        del group, mode
        (topic,) = topics
        return FakeConsumer(self, topic)

    def fetch(self, reference: FrameReference) -> Record:
        """Not what this fake is for."""
        raise NotImplementedError

    def forget(self, camera_id: str) -> None:
        """Keep nothing anyway."""

    def footage(self, camera_id: str, since: datetime) -> Footage:
        """Not what this fake is for."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing to release."""
