"""What people change of the configuration, as the alert service says it on the bus."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

import structlog

from lianfang.bus import Bus, Consumer, TopicPartition
from lianfang.codec import decode_version
from lianfang.config import Config
from lianfang.config.changes import Version, applied, read
from lianfang.errors import ConfigError, DecodeError, TransientError
from lianfang.events import SETTINGS

_log = structlog.get_logger()

_POLL_S = 0.5
_RETRY_S = 1.0
_EVER = datetime.min.replace(tzinfo=UTC)
_KEPT = 8  # more versions do not come into force within the life of a frame


def key_of(version: int) -> str:
    """Return the key under which a version is said: of each key the newest is kept, so the last few are."""
    return f"settings-{version % _KEPT}"


class Following:
    """Follows the topic from its beginning: what was said last is kept there. Thread-safe."""

    def __init__(self, file: Config, bus: Bus, who: str) -> None:
        """``file`` is the configuration as loaded; ``who`` is the service that follows."""
        self._file, self._bus, self._who = file, bus, who
        self._versions: tuple[Version, ...] = ()
        self._configs: dict[int, Config] = {}
        self._lock = threading.Lock()
        self.known = threading.Event()
        """Set once everything is read that was said before the start."""

    def run(self, stop: threading.Event) -> None:
        """Follow until ``stop``. A bus that is away changes nothing of what was said."""
        while not stop.is_set():
            try:
                consumer = self._bus.subscribe([SETTINGS], f"{self._who}-{uuid4()}", "latest")
                try:
                    self._follow(consumer, stop)
                finally:
                    consumer.close()
            except TransientError as error:
                _log.debug("settings_not_read", reason=str(error))
                stop.wait(_RETRY_S)

    def off(self, at: datetime) -> frozenset[str]:
        """Return the cameras that are switched off at ``at``."""
        version = self._at(at)
        return frozenset(version.changes.cameras_off) if version else frozenset()

    def config(self, at: datetime) -> Config:
        """Return the configuration in force at ``at``; it costs something once for each version."""
        version = self._at(at)
        if version is None:
            return self._file
        with self._lock:
            if id(version) not in self._configs:
                kept = {id(known) for known in self._versions}
                self._configs = {key: config for key, config in self._configs.items() if key in kept}
                self._configs[id(version)] = self._applied(version)
            return self._configs[id(version)]

    def _at(self, at: datetime) -> Version | None:
        versions = reversed(self._versions)  # of several that begin at once the last that was said
        return max((v for v in versions if v.since <= at), key=_since, default=None)

    def _applied(self, version: Version) -> Config:
        try:
            return applied(self._file, version.changes)
        except ConfigError as error:
            _log.error("version_does_not_fit", version=version.number, problems=str(error))
            return applied(self._file, version.changes.only_off())

    def _follow(self, consumer: Consumer, stop: threading.Event) -> None:
        begun: frozenset[TopicPartition] = frozenset()
        while not stop.is_set():
            given = consumer.assignment()
            for partition in given - begun:
                consumer.seek(partition, consumer.beginning(partition))
            begun = given
            if not self.known.is_set() and begun and all(map(partial(_is_empty, consumer), begun)):
                self.known.set()
            records = consumer.poll(_POLL_S)
            for record in sorted(records, key=lambda record: record.position.offset):
                try:
                    said = decode_version(record.value, record.headers)
                    self._take(Version(said.version, said.since, read(said.changes)))
                except (DecodeError, ConfigError) as error:
                    _log.error("settings_not_understood", reason=str(error))
            if records:
                self.known.set()

    def _take(self, version: Version) -> None:
        """Keep it; what was in force before the first one that is still there, nobody says any more."""
        if not self._versions and not self.known.is_set():
            version = replace(version, since=_EVER)
        if version not in self._versions:  # whoever starts says it again
            self._versions = (*self._versions, version)[-_KEPT:]


def _since(version: Version) -> datetime:
    return version.since


def _is_empty(consumer: Consumer, partition: TopicPartition) -> bool:
    return consumer.end(partition) == consumer.beginning(partition)
