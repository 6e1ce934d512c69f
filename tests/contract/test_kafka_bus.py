from __future__ import annotations

from collections.abc import Iterator

import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from lianfang.bus.kafka import KafkaBus
from lianfang.events import FrameReference
from tests.contract.bus_contract import BusContract, Harness, camera, group, topic
from tests.support.kafka import connected, shared_broker

__all__ = ["camera", "group", "topic"]


class KafkaHarness(Harness):
    """A bus of the broker that tests share, with the topics of one test."""

    def __init__(self, address: str, topics: tuple[str, ...]) -> None:
        self._address = address
        self._topics = topics
        self.bus: KafkaBus = connected(address, *topics)

    def reopen(self) -> None:
        self.bus.close()
        self.bus = connected(self._address, *self._topics)

    def expire(self, reference: FrameReference) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self._address)
        place = TopicPartition(reference.topic, reference.partition)
        admin.delete_records({place: reference.offset + 1})
        admin.close()


class TestKafka(BusContract):
    """The bus over a real broker."""

    @pytest.fixture
    def harness(self, topic: str) -> Iterator[KafkaHarness]:
        harness = KafkaHarness(shared_broker(), (topic, f"other-{topic}"))
        yield harness
        harness.bus.close()
