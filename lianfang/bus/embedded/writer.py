"""The one thread that writes the log: whatever has been queued meanwhile becomes one transaction."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import structlog

from lianfang.bus import Position
from lianfang.bus.embedded.log import LogStore
from lianfang.bus.embedded.requests import Append, Commit, Register, Registration, Request, Subscribe
from lianfang.clock import Clock
from lianfang.errors import LianfangError, TransientError

_log = structlog.get_logger(__name__)
_QUEUE_RECORDS, _QUEUE_BYTES = 16_384, 64 * 1024 * 1024
_BATCH_RECORDS, _BATCH_BYTES = 512, 4 * 1024 * 1024
_TRIM_EVERY_S = 1.0
_ANSWER_WITHIN_S = 30.0  # a disk that takes longer is as good as none
_SMALL = 200  # bytes that a request other than a record counts for


class LogWriter:
    """Owns the log and answers requests in the order they came. Thread-safe.

    ``on_written`` is called by the writing thread after each batch, its futures being done. Callbacks of
    the futures run in that thread too, so they must be short.
    """

    def __init__(self, path: Path, open_store: Callable[[], LogStore], clock: Clock) -> None:
        self._path = path
        self._open_store = open_store
        self._clock = clock
        self._store: LogStore | None = open_store()
        self._queue: deque[tuple[Request, Future[Any]]] = deque()
        self._queued_bytes = 0
        self._changed = threading.Condition()  # guards the queue, its bytes and _closed
        self._closed = False
        self._written = threading.Condition()  # guards _batches; apart, so that publishing wakes no reader
        self._batches = 0
        self._failing = False
        self.on_written: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def append(self, record: Append) -> Future[Position]:
        """Queue a record; TransientError when the queue is full: the disk does not keep up."""
        return self.submit(record)

    def commit(self, request: Commit) -> None:
        """Store offsets; TransientError when the group has a newer owner."""
        self._ask(request)

    def subscribe(self, group: str) -> int:
        """Return the generation of the group's new owner."""
        return int(self._ask(Subscribe(group)))

    def register(self, key: str, lost: bool) -> Registration:
        """Return the registration of the ring of ``key``; on the disk when it returns."""
        registration: Registration = self._ask(Register(key, lost))
        return registration

    def submit(self, request: Request, wait_for_room: bool = False) -> Future[Any]:
        """Queue a request; its future cannot be cancelled."""
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        size = request.size if isinstance(request, Append) else _SMALL
        with self._changed:
            while wait_for_room and not self._closed and not self._has_room(size):
                self._changed.wait()
            if self._closed:
                raise TransientError("the bus is closed")
            if not self._has_room(size):
                raise TransientError(f"{self._path}: {len(self._queue)} records wait to be written: no room")
            self._queue.append((request, future))
            self._queued_bytes += size
            self._changed.notify_all()
        return future

    def check(self) -> None:
        """Raise TransientError when it is closed."""
        if self._closed:
            raise TransientError("the bus is closed")

    def ticket(self) -> int:
        """Return the number of batches written so far."""
        return self._batches

    def wait(self, ticket: int, timeout_s: float) -> None:
        """Return after a batch later than ``ticket``, at the latest after ``timeout_s``."""
        with self._written:
            self._written.wait_for(lambda: self._batches != ticket or self._closed, timeout_s)

    def close(self) -> None:
        """Write what is queued, then close the log."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _ask(self, request: Request) -> Any:  # noqa: ANN401 - each request has its own result
        try:
            return self.submit(request).result(_ANSWER_WITHIN_S)
        except TimeoutError as error:
            raise TransientError(f"{self._path}: no answer of the disk in {_ANSWER_WITHIN_S} s") from error

    def _run(self) -> None:
        trimmed_at = time.monotonic()
        while True:
            batch = self._take()
            if batch is None:
                break
            if batch:
                self._settle(batch, self._outcome([request for request, _ in batch]))
                self._announce()
            if time.monotonic() - trimmed_at >= _TRIM_EVERY_S:
                trimmed_at = time.monotonic()
                self._trim()
        if self._store is not None:
            self._store.close()
        self._announce()

    def _take(self) -> list[tuple[Request, Future[Any]]] | None:
        """Return what is queued, at most one batch; nothing after a pause; None when all is done."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed, _TRIM_EVERY_S)
            if not self._queue:
                return None if self._closed else []
            batch: list[tuple[Request, Future[Any]]] = []
            size = 0
            while self._queue and len(batch) < _BATCH_RECORDS and size < _BATCH_BYTES:
                batch.append(self._queue.popleft())
                request = batch[-1][0]
                size += request.size if isinstance(request, Append) else _SMALL
            self._queued_bytes -= size
            self._changed.notify_all()
        return batch

    def _outcome(self, requests: list[Request]) -> list[Any]:
        """Return each request's result or error, having done them in one transaction or not at all."""
        try:
            if self._store is None:
                self._store = self._open_store()
            results = self._store.apply(requests)
        except (sqlite3.Error, LianfangError) as error:
            self._reopen_later(error)
            return [TransientError(f"{self._path}: not written: {error}")] * len(requests)
        except Exception as error:  # noqa: BLE001 - a bug must not end the only writer
            _log.exception("log_writer_bug", path=str(self._path))
            return [TransientError(f"{self._path}: not written: {error!r}")] * len(requests)
        if self._failing:
            self._failing = False
            _log.info("log_written_again", path=str(self._path))
        return results

    def _settle(self, batch: list[tuple[Request, Future[Any]]], results: list[Any]) -> None:
        for (_, future), result in zip(batch, results, strict=True):
            if isinstance(result, LianfangError):
                future.set_exception(result)
            else:
                future.set_result(result)

    def _announce(self) -> None:
        self.on_written()
        with self._written:
            self._batches += 1
            self._written.notify_all()

    def _trim(self) -> None:
        try:
            if self._store is not None:
                self._store.trim(self._clock.now())
        except sqlite3.Error as error:
            self._reopen_later(error)

    def _reopen_later(self, error: Exception) -> None:
        if not self._failing:
            self._failing = True
            _log.error("log_not_written", path=str(self._path), error=str(error))
        if self._store is not None:
            self._store.close()
            self._store = None

    def _has_room(self, size: int) -> bool:
        return len(self._queue) < _QUEUE_RECORDS and (
            not self._queue or self._queued_bytes + size <= _QUEUE_BYTES
        )
