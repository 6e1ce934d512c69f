"""Which cameras people have switched off, as the alert service says on the bus."""

from __future__ import annotations

import threading
from functools import partial
from uuid import uuid4

import structlog

from lianfang.bus import Bus, Consumer, TopicPartition
from lianfang.clock import Clock
from lianfang.codec import decode_cameras_off
from lianfang.errors import DecodeError, TransientError
from lianfang.events import SETTINGS, CamerasOff

_log = structlog.get_logger()

_POLL_S = 0.5
_RETRY_S = 1.0


class Switches:
    """Follows the topic from its beginning: what was said last is kept there. Thread-safe."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus, self._clock = bus, clock
        self._said: tuple[CamerasOff, ...] = ()
        self.known = threading.Event()
        """Set once everything is read that was said before the start."""

    def run(self, stop: threading.Event) -> None:
        """Follow until ``stop``. A bus that is away changes nothing of what was said."""
        while not stop.is_set():
            try:
                consumer = self._bus.subscribe([SETTINGS], f"ingest-{uuid4()}", "latest")
                try:
                    self._follow(consumer, stop)
                finally:
                    consumer.close()
            except TransientError as error:
                _log.debug("switches_not_read", reason=str(error))
                stop.wait(_RETRY_S)

    def off(self) -> frozenset[str]:
        """Return the cameras that are switched off now."""
        now = self._clock.now()
        return next((frozenset(s.cameras) for s in reversed(self._said) if s.since <= now), frozenset())

    def _follow(self, consumer: Consumer, stop: threading.Event) -> None:
        begun: frozenset[TopicPartition] = frozenset()
        while not stop.is_set():
            given = consumer.assignment()
            for partition in given - begun:
                consumer.seek(partition, consumer.beginning(partition))
            begun = given
            if not self.known.is_set() and begun and all(map(partial(_is_empty, consumer), begun)):
                self.known.set()
            for record in consumer.poll(_POLL_S):
                try:
                    self._take(decode_cameras_off(record.value, record.headers))
                except DecodeError as error:
                    _log.error("switches_not_understood", reason=str(error))
                self.known.set()

    def _take(self, said: CamerasOff) -> None:
        """Keep it, and what was in force before it."""
        now = self._clock.now()
        before = [s for s in self._said if s.since <= now][-1:]
        self._said = (*before, *(s for s in self._said if s.since > now), said)


def _is_empty(consumer: Consumer, partition: TopicPartition) -> bool:
    return consumer.end(partition) == consumer.beginning(partition)
