"""Reach the bus that a configuration names."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from lianfang.bus import Bus
from lianfang.bus.embedded import EmbeddedBus, RingSettings
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.errors import TransientError

_log = structlog.get_logger()

_RETRY_S = 0.2
_SAY_AFTER_S = 2.0


@contextmanager
def own(config: Config, clock: Clock) -> Iterator[Bus]:
    """Give the bus to the one process that keeps it; TransientError if another one does."""
    ring = RingSettings(config.runtime.ring_seconds, config.runtime.ring_max_bytes)
    bus = EmbeddedBus.own(config.data_dir, ring, clock)
    try:
        yield bus
    finally:
        bus.close()


@contextmanager
def join(config: Config, clock: Clock, stop: threading.Event) -> Iterator[Bus | None]:
    """Give the bus once its owner is there, None where ``stop`` came first; set ``stop`` when it is lost."""
    bus = _joined(config, clock, stop)
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


def _joined(config: Config, clock: Clock, stop: threading.Event) -> EmbeddedBus | None:
    started, said = clock.monotonic(), False
    while not stop.is_set():
        try:
            return EmbeddedBus.join(config.data_dir, clock)
        except TransientError as error:
            if not said and clock.monotonic() - started >= _SAY_AFTER_S:
                _log.info("waiting_for_bus", reason=str(error))
                said = True
            stop.wait(_RETRY_S)
    return None
