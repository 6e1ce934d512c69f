"""The bus over Kafka."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime

from lianfang.bus import Consumer, Mode, Position, Record
from lianfang.bus.kafka.access import Access, quiet
from lianfang.bus.kafka.durable import DurableConsumer
from lianfang.bus.kafka.footage import KafkaFootage
from lianfang.bus.kafka.frames import FrameReader
from lianfang.bus.kafka.latest import LatestConsumer
from lianfang.bus.kafka.publisher import EVENTS_TERMS, FRAMES_TERMS, Publisher
from lianfang.bus.kafka.topics import Topic, ensure
from lianfang.clock import Clock, SystemClock
from lianfang.errors import EvidenceMissing, PermanentError
from lianfang.events import FRAMES, FrameReference

_CONNECT_S = 5.0


class KafkaBus:
    """A connection to the brokers, made by ``connect``. It finds them again by itself, for ever."""

    def __init__(
        self, access: Access, version: tuple[int, ...], topics: Sequence[Topic], clock: Clock
    ) -> None:
        self._access, self._version = access, version
        self._topics = {topic.name: topic for topic in topics}
        with ExitStack() as opened:
            self._events = Publisher(access, version, EVENTS_TERMS, clock)
            opened.callback(self._events.close)
            self._frames = Publisher(access, version, FRAMES_TERMS, clock)
            opened.callback(self._frames.close)
            self._reader = FrameReader(access, version)
            opened.callback(self._reader.close)
            with ThreadPoolExecutor(len(topics)) as pool:  # each waits for an answer
                list(pool.map(lambda topic: self._publisher(topic.name).learn(topic, _CONNECT_S), topics))
            self._resources = opened.pop_all()

    @classmethod
    def connect(
        cls,
        access: Access,
        topics: Sequence[Topic],
        clock: Clock | None = None,
        timeout_s: float = _CONNECT_S,
    ) -> KafkaBus:
        """Reach the brokers, make the topics that are missing, check those that are there.

        TransientError: no broker answers within ``timeout_s``. LianfangError: a topic is not what it must
        be, or the brokers refuse us.
        """
        quiet()
        version = ensure(access, topics, timeout_s)
        return cls(access, version, topics, clock or SystemClock())

    @property
    def in_flight(self) -> Mapping[str, tuple[int, int]]:
        """Per producer, (bytes, records) that were published and not yet answered."""
        return {"frames": self._frames.in_flight, "events": self._events.in_flight}

    def publish(self, topic: str, key: str, value: bytes, headers: Mapping[str, str]) -> Future[Position]:
        """Append a record; never waits longer than 200 ms.

        The future of a frame is done once its one broker has it, that of an event once it is on every
        in-sync broker. TransientError, at once or from the future: too much waits for an answer (8 MB of
        frames, 16 MB of events), none came in time, or this is closed. PermanentError: too large, or no
        topic of this installation. A record whose future failed may have been stored all the same. Callbacks
        must be short: they run in the client's thread.
        """
        return self._publisher(topic).publish(self._topic(topic), key, value, headers)

    def subscribe(self, topics: Sequence[str], group: str, mode: Mode = "durable") -> Consumer:
        """Return a consumer: ``durable`` from the group's committed offset, ``latest`` from the end.

        The members of a group share the partitions; each must poll at least every 30 s. ValueError for
        frames in the mode ``durable``: they are perishable.
        """
        names = list(dict.fromkeys(self._topic(topic).name for topic in topics))
        if not names:
            raise ValueError("a consumer reads at least one topic")
        if mode == "latest":
            return LatestConsumer(self._access, self._version, names, group)
        if FRAMES in names:
            raise ValueError(f"{FRAMES} can be read in the mode latest only")
        return DurableConsumer(self._access, self._version, names, group)

    def partition_of(self, topic: str, key: str) -> int:
        """Return the partition that records of ``key`` are in."""
        return self._topic(topic).partition_of(key)

    def fetch(self, reference: FrameReference) -> Record:
        """Return the record of the frame; EvidenceMissing if it is gone or another stands there."""
        topic = self._topics.get(reference.topic)
        if topic is None:
            raise EvidenceMissing(f"{reference.topic} is no topic of this installation")
        return self._reader.fetch(topic, reference)

    def footage(self, camera_id: str, since: datetime) -> KafkaFootage:
        """Return the frames of a camera published at ``since`` or later, as far as they are kept."""
        return KafkaFootage(self._access, self._version, self._topic(FRAMES), camera_id, since)

    def forget(self, camera_id: str) -> None:
        """Do nothing: brokers delete records by their age, frames after 10 to 16 minutes."""

    def close(self) -> None:
        """Flush for a few seconds, and release everything but the consumers."""
        self._resources.close()

    def _publisher(self, topic: str) -> Publisher:
        return self._frames if topic == FRAMES else self._events

    def _topic(self, name: str) -> Topic:
        topic = self._topics.get(name)
        if topic is None:
            raise PermanentError(f"{name!r} is no topic of this installation")
        return topic
