"""Reach the bus that a configuration names."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import structlog

from lianfang.bus import Bus
from lianfang.bus.embedded import EmbeddedBus, RingSettings
from lianfang.clock import Clock, SystemClock
from lianfang.config import Config
from lianfang.errors import TransientError
from lianfang.patience import wait_for

_log = structlog.get_logger()


@contextmanager
def own(config: Config, clock: Clock) -> Iterator[Bus]:
    """Give the embedded bus to the one process that keeps it; TransientError if another one does."""
    ring = RingSettings(config.runtime.ring_seconds, config.runtime.ring_max_bytes)
    bus = EmbeddedBus.own(config.data_dir, ring, clock)
    try:
        yield bus
    finally:
        bus.close()


@contextmanager
def join(config: Config, clock: Clock, stop: threading.Event) -> Iterator[Bus | None]:
    """Give the bus once it is there, None where ``stop`` came first.

    The embedded bus is lost with its owner: that sets ``stop``. Kafka is never lost: its clients find the
    brokers again.
    """
    if not config.bus_is_embedded:
        with _kafka(config, clock, stop) as reached:
            yield reached
        return
    bus = wait_for("bus", lambda: EmbeddedBus.join(config.data_dir, clock), clock, stop)
    if bus is None:
        yield None
        return
    ended = threading.Event()

    def watch() -> None:
        bus.lost.wait()
        if not ended.is_set():
            _log.warning("bus_lost")
            stop.set()

    threading.Thread(target=watch, name="bus-watch", daemon=True).start()
    try:
        yield bus
    finally:
        ended.set()
        bus.close()


def reach(config: Config, opened: ExitStack) -> Bus:
    """Return the bus, be it kept by a running installation, by nobody, or by Kafka; ``opened`` closes it.

    TransientError where it cannot be reached.
    """
    clock = SystemClock()
    if config.bus_is_embedded:
        with suppress(TransientError):  # the installation runs
            return opened.enter_context(own(config, clock))
    bus = opened.enter_context(join(config, clock, threading.Event()))
    if bus is None:
        raise TransientError("the bus cannot be reached")
    return bus


@contextmanager
def _kafka(config: Config, clock: Clock, stop: threading.Event) -> Iterator[Bus | None]:
    # Imported only where it is configured: the library reads a hundred schemas, 0.4 s.
    from lianfang.bus.kafka import Access, KafkaBus, topics_of  # noqa: PLC0415

    access, topics = Access.of(config.bus, config.kafka), topics_of(config.kafka)
    bus = wait_for("bus", lambda: KafkaBus.connect(access, topics, clock), clock, stop)
    try:
        yield bus
    finally:
        if bus is not None:
            bus.close()
