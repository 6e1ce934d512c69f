"""The embedded bus: one process owns it, the others of the same host join it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from lianfang.bus import Mode, Position, Record
from lianfang.bus.embedded.client import RemoteLog
from lianfang.bus.embedded.consumer import EmbeddedConsumer, distinct
from lianfang.bus.embedded.footage import RingFootage
from lianfang.bus.embedded.frames import FramesSource
from lianfang.bus.embedded.host import FileLock, holder
from lianfang.bus.embedded.log import RETENTION, LogStore
from lianfang.bus.embedded.log_reader import LogReader
from lianfang.bus.embedded.requests import MAX_RECORD_BYTES, Append, Log, microseconds, pack_headers
from lianfang.bus.embedded.ring import RingSettings, encoded_key
from lianfang.bus.embedded.rings import RingPublisher, RingShelf, remove_abandoned
from lianfang.bus.embedded.server import LogServer
from lianfang.bus.embedded.topics import DurableTopic, LatestTopic, Source
from lianfang.bus.embedded.writer import LogWriter
from lianfang.clock import Clock, SystemClock
from lianfang.errors import LianfangError, PermanentError, TransientError
from lianfang.events import FRAMES, FrameReference

LOG_FILE, SOCKET_FILE, LOCK_FILE, FRAMES_FOLDER = "log.sqlite3", "bus.sock", "bus.lock", "frames"
_log = structlog.get_logger(__name__)


class EmbeddedBus:
    """The bus of one host, made by ``own`` or ``join``.

    ``lost`` is set when the owner is gone (never in the owner itself): nothing can be published or polled
    any more, and a process that joined should end.
    """

    def __init__(
        self,
        log: Log,
        data_dir: Path,
        frames_dir: Path,
        ring: RingSettings,
        clock: Clock,
        resources: ExitStack,
    ) -> None:
        self.lost = threading.Event()
        self._log = log
        self._log_path = data_dir / LOG_FILE
        self._frames_dir = frames_dir
        self._clock = clock
        self._publisher = RingPublisher(frames_dir, ring, log.register)
        self._shelf = RingShelf(frames_dir)
        self._resources = resources

    @classmethod
    def own(
        cls,
        data_dir: Path,
        ring: RingSettings | None = None,
        clock: Clock | None = None,
        *,
        frames_dir: Path | None = None,
        retention: Mapping[str, timedelta] = RETENTION,
    ) -> EmbeddedBus:
        """Open the bus in ``data_dir`` (made if need be) as its one owner.

        ``ring`` is how much is kept of every camera. ``frames_dir`` is where the rings lie, by default
        within ``data_dir``; a folder of its own on a tmpfs spares the disk. ``retention`` is how long the
        records of a topic are kept. TransientError when another process owns it, LianfangError when its
        files cannot be used.
        """
        data_dir = data_dir.absolute()
        frames_dir = (frames_dir or data_dir / FRAMES_FOLDER).absolute()
        ring, clock, log_path = ring or RingSettings(), clock or SystemClock(), data_dir / LOG_FILE
        _make_folders(data_dir, frames_dir)
        with ExitStack() as opened:
            opened.callback(_take_ownership(data_dir).release)
            for key in remove_abandoned(frames_dir, clock.now()):
                _log.info("ring_removed", camera_id=key)
            writer = LogWriter(log_path, partial(LogStore, log_path, retention), clock)
            opened.callback(writer.close)
            welcome = {"frames_dir": str(frames_dir), "seconds": ring.seconds, "max_bytes": ring.max_bytes}
            server = LogServer(data_dir / SOCKET_FILE, writer, welcome)
            opened.callback(server.close)
            return cls(writer, data_dir, frames_dir, ring, clock, opened.pop_all())

    @classmethod
    def join(cls, data_dir: Path, clock: Clock | None = None) -> EmbeddedBus:
        """Join the bus that another process owns in ``data_dir``; TransientError if none does."""
        data_dir = data_dir.absolute()
        log = RemoteLog(data_dir / SOCKET_FILE)
        try:
            welcome = log.hello()
        except BaseException:
            log.close()
            raise
        ring, frames_dir = RingSettings(welcome["seconds"], welcome["max_bytes"]), Path(welcome["frames_dir"])
        bus = cls(log, data_dir, frames_dir, ring, clock or SystemClock(), ExitStack())
        bus.lost = log.lost
        return bus

    def publish(self, topic: str, key: str, value: bytes, headers: Mapping[str, str]) -> Future[Position]:
        """Append a record; its future is done once a fall of any process cannot lose it.

        Frames are written before this returns. TransientError: too much waits, the disk is full, the owner
        is gone, or this is closed. PermanentError: it can never be stored (too large, no Unicode). When a
        future fails, later records of the key may have been stored. Callbacks of the future must be short:
        they run in a thread of the bus.
        """
        self._log.check()
        encoded_key(key)
        packed, published_us = pack_headers(headers), microseconds(self._clock.now())
        if topic == FRAMES:
            position = self._publisher.append(key, packed, value, published_us)
            done: Future[Position] = Future()
            done.set_result(position)
            return done
        record = Append(topic, key, packed, value, published_us)
        if record.size > MAX_RECORD_BYTES:
            raise PermanentError(
                f"a record of {topic} has {record.size} bytes, the bus takes {MAX_RECORD_BYTES}"
            )
        return self._log.append(record)

    def subscribe(self, topics: Sequence[str], group: str, mode: Mode = "durable") -> EmbeddedConsumer:
        """Return a consumer: ``durable`` from the group's committed offset, ``latest`` from the end.

        ValueError for frames in the mode ``durable``: they are perishable.
        """
        names = distinct(topics)
        if mode == "durable" and FRAMES in names:
            raise ValueError(f"{FRAMES} can be read in the mode latest only")
        self._log.check()
        generation = self._log.subscribe(group)
        with ExitStack() as opened:
            sources: dict[str, Source] = {}
            for topic in names:
                sources[topic] = self._source(topic, group, generation, mode)
                opened.callback(sources[topic].close)
            opened.pop_all()
        return EmbeddedConsumer(self._log, sources, group, generation)

    def partition_of(self, topic: str, key: str) -> int:
        """Return the partition that records of ``key`` are in: there is one."""
        del topic, key
        return 0

    def fetch(self, reference: FrameReference) -> Record:
        """Return the record of the frame; EvidenceMissing if it is gone or another stands there."""
        return self._shelf.fetch(reference)

    def footage(self, camera_id: str, since: datetime) -> RingFootage:
        """Return the frames of a camera published at ``since`` or later, as far as they are kept."""
        return RingFootage(self._shelf, camera_id, since)

    def forget(self, camera_id: str) -> None:
        """Delete the ring of a camera, whoever writes it."""
        self._publisher.forget(camera_id)

    def close(self) -> None:
        """Write what is queued and release everything but the consumers, which can only be closed then."""
        self._publisher.close()
        self._log.close()
        self._resources.close()
        self._shelf.close()

    def _source(self, topic: str, group: str, generation: int, mode: Mode) -> Source:
        if topic == FRAMES:
            return FramesSource(self._frames_dir)
        reader = LogReader(self._log_path)
        return (
            LatestTopic(reader, topic) if mode == "latest" else DurableTopic(reader, topic, group, generation)
        )


def _make_folders(*folders: Path) -> None:
    for folder in folders:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise LianfangError(
                f"{folder} cannot be used as a folder of the bus: {error.strerror}"
            ) from error


def _take_ownership(data_dir: Path) -> FileLock:
    lock = FileLock.take(data_dir / LOCK_FILE)
    if lock is None:
        raise TransientError(f"{data_dir} is in use by process {holder(data_dir / LOCK_FILE)}")
    return lock
