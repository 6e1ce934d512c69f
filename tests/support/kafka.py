"""Real brokers for tests: one that they share, and some of their own to kill."""

from __future__ import annotations

import atexit
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

from deploy.kafka import Broker, Login, jars
from lianfang.bus import Consumer, TopicPartition
from lianfang.bus.kafka import Access, KafkaBus, Topic, topics_of
from lianfang.clock import Clock
from lianfang.config.kafka import Kafka
from lianfang.errors import LianfangError

ADDRESS = "LIANFANG_TEST_KAFKA"
WAIT_S = 30.0
SETTINGS = Kafka(frame_partitions=4, event_partitions=3)


def missing(reason: str) -> NoReturn:
    """Skip the test, or fail it under CI, where nothing may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _jars() -> Path:
    try:
        return jars()
    except LianfangError as error:
        missing(f"no Kafka: {error}; or give the address of a broker in {ADDRESS}")


@cache
def _shared(jars: Path) -> Broker:
    """Return the broker of this test run."""
    resources = ExitStack()
    atexit.register(resources.close)
    folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="lianfang-kafka-"))
    return resources.enter_context(Broker(Path(folder), jars))


def shared_broker() -> str:
    """Return the address of a broker that tests share; skip where there is none.

    That is the one at ``LIANFANG_TEST_KAFKA``, or one started here. Topics of ``SETTINGS``.
    """
    given = os.environ.get(ADDRESS)
    if given:
        return given
    return _shared(_jars()).address


@contextmanager
def own_broker(folder: Path, login: Login | None = None) -> Iterator[Broker]:
    """Give a broker that the test may kill; skip where none can be started."""
    with Broker(folder, _jars(), login=login) as broker:
        yield broker


def access(address: str) -> Access:
    """Return the access to a broker without TLS and login."""
    return Access.of(f"kafka://{address}", SETTINGS)


def connected(address: str, *topics: str, clock: Clock | None = None) -> KafkaBus:
    """Return a bus with the topics of an installation, and ``topics`` like its observations."""
    extra = [Topic(name, SETTINGS.event_partitions, 1) for name in topics]
    return KafkaBus.connect(access(address), [*topics_of(SETTINGS), *extra], clock, timeout_s=30)


def fresh(name: str) -> str:
    """Return a name that no other test uses."""
    return f"{name}-{secrets.token_hex(4)}"


def poll_until_assigned(consumer: Consumer) -> frozenset[TopicPartition]:
    """Poll until the group has given us partitions; return them. Records that come are lost."""
    deadline = time.monotonic() + WAIT_S
    while not consumer.assignment():
        assert time.monotonic() < deadline, "no partition was assigned"
        consumer.poll(0.1)
    return consumer.assignment()


def open_files() -> int:
    """Return how many files and sockets this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))
