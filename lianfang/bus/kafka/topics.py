"""The topics: what they must be like, made where they are missing, refused where they differ.

Partition counts never change: a key's partition follows from the count, and with it the order of a camera's
events and the offsets that the alert store holds.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError
from kafka.net.compat import KafkaNetClient
from kafka.partitioner.default import murmur2

from lianfang.bus.kafka.access import Access, LastWords, transient
from lianfang.config.kafka import Kafka
from lianfang.errors import LianfangError, TransientError
from lianfang.events import DEAD_LETTER, FRAMES, OBSERVATIONS, READINGS, SETTINGS

_log = structlog.get_logger(__name__)

_MINUTE_MS = 60_000
_DAY_MS = 24 * 60 * _MINUTE_MS
MAX_RECORD_BYTES = 2 * 1024 * 1024
"""The largest record of frames and events, key and headers included."""
MAX_DEAD_BYTES = 2 * MAX_RECORD_BYTES
"""The largest dead letter: it holds the whole record, and why."""
_READY_S = 20.0


@dataclass(frozen=True)
class Topic:
    """One topic as it must be. ``settings`` are Kafka's own names and values."""

    name: str
    partitions: int
    replication: int
    max_bytes: int = MAX_RECORD_BYTES
    settings: Mapping[str, str] = field(default_factory=dict)

    def partition_of(self, key: str) -> int:
        """Return the partition of ``key``: the one that Kafka's own clients choose, for ever the same."""
        hashed: int = murmur2(key.encode())
        return (hashed & 0x7FFFFFFF) % self.partitions


def topics_of(settings: Kafka) -> list[Topic]:
    """Return every topic of an installation."""
    held = settings.replication
    # One broker may be away: what is acknowledged is on all but one of those that hold it.
    safe = {"min.insync.replicas": str(max(1, held - 1))}
    # Evidence is read back from the frames for 10 minutes; a segment is dropped whole, so they are short.
    perishable = {"retention.ms": str(10 * _MINUTE_MS), "segment.ms": str(_MINUTE_MS)}
    day, month = {"retention.ms": str(_DAY_MS)}, {"retention.ms": str(30 * _DAY_MS)}
    return [
        Topic(FRAMES, settings.frame_partitions, 1, MAX_RECORD_BYTES, perishable),
        Topic(OBSERVATIONS, settings.event_partitions, held, MAX_RECORD_BYTES, {**safe, **day}),
        Topic(READINGS, settings.event_partitions, held, MAX_RECORD_BYTES, {**safe, **day}),
        # What was said last holds until something else is said.
        Topic(SETTINGS, 1, held, MAX_RECORD_BYTES, {**safe, "cleanup.policy": "compact"}),
        Topic(DEAD_LETTER, settings.event_partitions, held, MAX_DEAD_BYTES, {**safe, **month}),
    ]


def ensure(access: Access, topics: Sequence[Topic], timeout_s: float) -> tuple[int, ...]:
    """Make what is missing, check what is there; return the brokers' version.

    TransientError: no broker answers within ``timeout_s``, they refuse our login, or are not ready.
    LianfangError names the topic whose partitions differ, or what the brokers refuse.
    """
    client: KafkaNetClient | None = None

    def made(**arguments: Any) -> KafkaNetClient:  # noqa: ANN401 - kafka-python is untyped
        nonlocal client
        client = KafkaNetClient(**arguments)
        return client

    with LastWords() as words:
        try:
            admin = KafkaAdminClient(
                **access.arguments,
                bootstrap_timeout_ms=int(timeout_s * 1000),
                request_timeout_ms=max(1000, int(timeout_s * 1000)),
                kafka_client=made,
            )
        except (KafkaError, OSError) as error:
            if client is not None:  # one that reached nobody leaves its thread and sockets behind
                client.close()
                client._manager._net.stop()  # noqa: SLF001 - it has no public name
            raise TransientError(f"no broker serves us at {access.brokers}: {words.text or error}") from error
    try:
        _create(admin, topics)
        _verify(admin, topics)
        version: tuple[int, ...] = admin._manager.broker_version  # noqa: SLF001 - it has no public name
    except KafkaError as error:
        if getattr(error, "retriable", False):
            raise transient(f"the brokers at {access.brokers} are not ready", error) from error
        raise LianfangError(f"the brokers at {access.brokers} refuse: {error}") from error
    finally:
        admin.close()
    return version


def _create(admin: Any, topics: Sequence[Topic]) -> None:  # noqa: ANN401 - kafka-python is untyped
    known = set(admin.list_topics())
    for topic in topics:
        if topic.name in known:
            continue
        wanted = {
            "num_partitions": topic.partitions,
            "replication_factor": topic.replication,
            "configs": {**topic.settings, "max.message.bytes": str(topic.max_bytes)},
        }
        try:
            admin.create_topics({topic.name: wanted})
        except TopicAlreadyExistsError:
            continue  # another service was quicker
        _log.info(
            "topic_created", topic=topic.name, partitions=topic.partitions, replication=topic.replication
        )


def _verify(admin: Any, topics: Sequence[Topic]) -> None:  # noqa: ANN401
    found = _described(admin, topics)
    settings = _settings(admin, topics)
    for topic in topics:
        partitions = found[topic.name]
        if len(partitions) != topic.partitions:
            raise LianfangError(
                f"topic {topic.name} has {len(partitions)} partitions, expected {topic.partitions}: "
                "partition counts never change; set the configuration to what is there"
            )
        has = settings.get(topic.name, {})
        if int(has.get("max.message.bytes", topic.max_bytes)) < topic.max_bytes:
            raise LianfangError(
                f"topic {topic.name} takes records of {has['max.message.bytes']} bytes (max.message.bytes), "
                f"expected {topic.max_bytes}"
            )
        # Retention and replication are the operators' to change: say it, and go on.
        differs = {k: has[k] for k, v in topic.settings.items() if k in has and has[k] != v}
        replicas = min(len(partition["replica_nodes"]) for partition in partitions)
        if replicas < topic.replication:
            differs["replication"] = str(replicas)
        if differs:
            _log.warning("topic_differs", topic=topic.name, found=differs, expected=dict(topic.settings))


def _described(admin: Any, topics: Sequence[Topic]) -> dict[str, list[dict[str, Any]]]:  # noqa: ANN401
    """Return the partitions of every topic, once each has a leader: a new one needs a moment."""
    names = [topic.name for topic in topics]
    deadline = time.monotonic() + _READY_S
    while True:
        described = {entry["name"]: entry for entry in admin.describe_topics(names)}
        waiting = [name for name in names if not _ready(described.get(name))]
        if not waiting:
            return {name: described[name]["partitions"] for name in names}
        if time.monotonic() >= deadline:
            raise TransientError(f"topics without a leader: {', '.join(waiting)}")
        time.sleep(0.1)


def _ready(entry: dict[str, Any] | None) -> bool:
    if entry is None or entry["error_code"] or not entry["partitions"]:
        return False
    return all(partition["leader_id"] >= 0 for partition in entry["partitions"])


def _settings(admin: Any, topics: Sequence[Topic]) -> dict[str, dict[str, str]]:  # noqa: ANN401
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    described = admin.describe_configs(resources, config_filter="all").get("topic", {})
    return {
        name: {key: entry["value"] for key, entry in entries.items() if entry["value"] is not None}
        for name, entries in described.items()
    }
