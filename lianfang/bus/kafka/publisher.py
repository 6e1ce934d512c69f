"""Publishing: a producer for frames, which are perishable, and one for everything else, which is not."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from lianfang.bus import Position
from lianfang.bus.kafka.access import Access, transient
from lianfang.bus.kafka.topics import MAX_DEAD_BYTES, MAX_RECORD_BYTES, Topic
from lianfang.clock import Clock
from lianfang.errors import PermanentError, TransientError

_log = structlog.get_logger(__name__)

_OVERHEAD = 200  # bytes that a batch and a record occupy beyond what is in them, roughly
_MEGABYTE = 1024 * 1024
_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)


@dataclass(frozen=True)
class Terms:
    """What a producer promises and what it may hold. ``settings`` are those of kafka-python.

    The library bounds nothing: a broker that stands still would fill the memory, so we count what is in
    flight and refuse above ``max_bytes`` or ``max_records``. Records held may cost up to about three times
    their bytes (record, batch, request).
    """

    name: str
    max_bytes: int
    max_records: int
    close_s: float
    settings: Mapping[str, Any] = field(default_factory=dict)


# A frame is worth something for a second: acknowledged by one broker, tried once, given up soon.
FRAMES_TERMS = Terms(
    "frames",
    max_bytes=8 * _MEGABYTE,
    max_records=1000,
    close_s=1.0,
    settings={
        "acks": 1,
        "enable_idempotence": False,
        "retries": 0,
        "linger_ms": 0,
        "compression_type": None,  # JPEG does not get smaller
        "max_request_size": MAX_RECORD_BYTES,
        "max_block_ms": 200,
        "request_timeout_ms": 1000,
        "delivery_timeout_ms": 1500,
    },
)
# An event is a fact: on every in-sync broker, once, in order, and tried for two minutes.
EVENTS_TERMS = Terms(
    "events",
    max_bytes=16 * _MEGABYTE,
    max_records=10_000,
    close_s=5.0,
    settings={
        "acks": "all",
        "enable_idempotence": True,
        "linger_ms": 5,
        "batch_size": 64 * 1024,
        "max_request_size": MAX_DEAD_BYTES,
        "max_block_ms": 200,
        "request_timeout_ms": 10_000,
        "delivery_timeout_ms": 120_000,
    },
)


class Publisher:
    """One producer and the bound on what it holds. Thread-safe."""

    def __init__(self, access: Access, version: tuple[int, ...], terms: Terms, clock: Clock) -> None:
        self._terms = terms
        self._clock = clock
        self._lock = threading.Lock()
        self._bytes = self._records = 0
        self._closed = False
        self._answered = True
        try:
            self._producer = KafkaProducer(
                **access.arguments, **terms.settings, api_version=version, allow_auto_create_topics=False
            )
        except (KafkaError, OSError) as error:
            raise transient("no producer", error) from error

    @property
    def in_flight(self) -> tuple[int, int]:
        """Return (bytes, records) that were published and not yet answered."""
        with self._lock:
            return self._bytes, self._records

    def publish(self, topic: Topic, key: str, value: bytes, headers: Mapping[str, str]) -> Future[Position]:
        """Hand a record over; return in at most 200 ms, and that only where a topic is not known yet."""
        encoded_key = _encoded(key)
        encoded = [(name, _encoded(content)) for name, content in headers.items()]
        size = len(value) + len(encoded_key) + sum(len(n) + len(v) for n, v in encoded) + _OVERHEAD
        if size > topic.max_bytes:
            raise PermanentError(
                f"a record of {topic.name} has {size} bytes, the bus takes {topic.max_bytes}"
            )
        self._reserve(size)
        future: Future[Position] = Future()
        future.set_running_or_notify_cancel()  # it cannot be taken back any more
        try:
            sent = self._producer.send(
                topic.name,
                value,
                encoded_key,
                encoded,
                partition=topic.partition_of(key),
                timestamp_ms=int(self._clock.now().timestamp() * 1000),
            )
        except BaseException as error:
            self._release(size)
            if isinstance(error, (KafkaError, ValueError)):  # ValueError: the partition is not known just now
                self._note(error)
                raise transient(f"{topic.name} cannot be written now", error) from error
            raise
        sent.add_callback(self._succeeded, future, size)
        sent.add_errback(self._failed, future, size, topic.name)
        return future

    def learn(self, topic: Topic, timeout_s: float) -> None:
        """Learn where the partitions of ``topic`` are, so that no later publish has to wait for it."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                known = self._producer.partitions_for(topic.name)
            except KafkaError as error:
                if time.monotonic() >= deadline:
                    raise transient(f"{topic.name} cannot be found", error) from error
                continue
            if len(known) == topic.partitions:
                return
            if time.monotonic() >= deadline:
                raise TransientError(f"{topic.name}: {len(known)} of {topic.partitions} partitions are there")
            time.sleep(0.05)

    def close(self) -> None:
        """Wait a while for what is in flight, then give the rest up: its futures fail."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        try:
            self._producer.flush(self._terms.close_s)
        except KafkaError as error:
            _log.warning("kafka_gave_up", producer=self._terms.name, reason=str(error))
            # Its own close would wait again, raise, and leave the thread running.
            self._producer._sender.force_close()  # noqa: SLF001
            self._producer._sender.join(self._terms.close_s)  # noqa: SLF001
        self._producer.close(self._terms.close_s)

    def _reserve(self, size: int) -> None:
        with self._lock:
            if self._closed:
                raise TransientError("the bus is closed")
            if self._records >= self._terms.max_records or self._bytes + size > self._terms.max_bytes:
                raise TransientError(
                    f"{self._records} {self._terms.name} of {self._bytes} bytes wait for the broker's answer"
                )
            self._bytes += size
            self._records += 1

    def _release(self, size: int) -> None:
        with self._lock:
            self._bytes -= size
            self._records -= 1

    def _succeeded(self, future: Future[Position], size: int, sent: Any) -> None:  # noqa: ANN401
        self._release(size)
        self._note(None)
        future.set_result(Position(sent.topic, sent.partition, sent.offset))

    def _failed(self, future: Future[Position], size: int, topic: str, error: BaseException) -> None:
        self._release(size)
        if isinstance(error, _TOO_LARGE):
            future.set_exception(PermanentError(f"{topic}: {error}"))
            return
        self._note(error)
        future.set_exception(transient(f"{topic} was not acknowledged", error))

    def _note(self, error: BaseException | None) -> None:
        """Say once that the brokers do not take what we send, and once that they do again."""
        answered = error is None
        with self._lock:
            changed, self._answered = self._answered != answered, answered
        if not changed:
            return
        if answered:
            _log.info("kafka_takes_again", producer=self._terms.name)
        else:
            _log.warning("kafka_takes_nothing", producer=self._terms.name, reason=str(error))


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise PermanentError(f"no Unicode text: {error}") from error
