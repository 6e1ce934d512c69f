"""The other end of the socket: the log, for a process that does not own it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any

from lianfang.bus import Position
from lianfang.bus.embedded.channel import Channel, SocketLoop, pack
from lianfang.bus.embedded.host import connect
from lianfang.bus.embedded.requests import Append, Commit, Register, Registration, Request, Subscribe
from lianfang.bus.embedded.server import HELLO, NAMES, PROTOCOL, WATCH
from lianfang.errors import LianfangError, TransientError

_IN_FLIGHT_RECORDS, _IN_FLIGHT_BYTES = 4096, 32 * 1024 * 1024
_ANSWER_WITHIN_S = 30.0


class RemoteLog:
    """The log of another process. Thread-safe.

    ``lost`` is set when that process is gone: nothing pending was acknowledged, nothing more can be.
    """

    def __init__(self, socket_path: Path) -> None:
        self.lost = threading.Event()
        self._path = socket_path
        self._lock = threading.Lock()
        self._pending: dict[int, tuple[Future[Any], Callable[[Any], Any], int]] = {}
        self._in_flight_bytes = 0
        self._number = 0
        self._closed = False
        self._watching = False
        self._written = threading.Condition()  # guards _batches
        self._batches = 0
        try:
            connection = connect(socket_path)
        except OSError as error:
            raise TransientError(
                f"{socket_path.parent}: no running process owns this bus ({error})"
            ) from error
        self._loop = SocketLoop("bus-client", self._receive, self._lose)
        self._channel = self._loop.add(connection)
        self._loop.start()

    def hello(self) -> Mapping[str, Any]:
        """Return the owner's welcome; LianfangError if it speaks another protocol."""
        welcome: Mapping[str, Any] = self._wait(self._send(HELLO, (), 0, _unchanged))
        if welcome["protocol"] != PROTOCOL:
            raise LianfangError(f"the owner speaks protocol {welcome['protocol']}, this program {PROTOCOL}")
        return welcome

    def append(self, record: Append) -> Future[Position]:
        """Send a record; TransientError when too many are unanswered or the owner is gone."""
        return self._send(NAMES[Append], record, record.size, _position)

    def commit(self, request: Commit) -> None:
        """Store offsets; TransientError when the group has a newer owner."""
        self._ask(request)

    def subscribe(self, group: str) -> int:
        """Return the generation of the group's new owner."""
        return int(self._ask(Subscribe(group)))

    def register(self, key: str, lost: bool) -> Registration:
        """Return the registration of the ring of ``key``."""
        return Registration(*self._ask(Register(key, lost)))

    def check(self) -> None:
        """Raise TransientError when the owner is gone or this end closed."""
        if self._closed:
            raise TransientError("the bus is closed")
        if self.lost.is_set():
            raise TransientError(f"{self._path.parent}: the process that owned this bus is gone")

    def ticket(self) -> int:
        """Return the number of batches that the owner has told of; the first call asks it to tell."""
        if not self._watching:
            self._wait(self._send(WATCH, (), 0, _unchanged))
            self._watching = True
        return self._batches

    def wait(self, ticket: int, timeout_s: float) -> None:
        """Return after a batch later than ``ticket`` or when the owner is gone, or after ``timeout_s``."""
        with self._written:
            self._written.wait_for(lambda: self._batches != ticket, timeout_s)

    def close(self) -> None:
        """Wait for what is pending, then hang up."""
        with self._lock:
            pending = [future for future, _, _ in self._pending.values()]
            self._closed = True
        wait(pending, _ANSWER_WITHIN_S)
        self._loop.close()
        self._fail_pending("the bus was closed before the owner answered")

    def _ask(self, request: Request) -> Any:  # noqa: ANN401 - each request has its own result
        return self._wait(self._send(NAMES[type(request)], request, 0, _unchanged))

    def _wait(self, future: Future[Any]) -> Any:  # noqa: ANN401
        try:
            return future.result(_ANSWER_WITHIN_S)
        except TimeoutError as error:
            raise TransientError(
                f"{self._path.parent}: no answer of the owner in {_ANSWER_WITHIN_S} s"
            ) from error

    def _send(self, name: str, fields: Any, size: int, convert: Callable[[Any], Any]) -> Future[Any]:  # noqa: ANN401
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        with self._lock:  # numbers and bytes have one order; nobody waits here for what another one sends
            self.check()
            if size and (
                len(self._pending) >= _IN_FLIGHT_RECORDS or self._in_flight_bytes + size > _IN_FLIGHT_BYTES
            ):
                raise TransientError(f"{len(self._pending)} records are not yet acknowledged: no room")
            self._number += 1
            self._pending[self._number] = (future, convert, size)
            self._in_flight_bytes += size
            self._channel.put(pack([self._number, name, fields]))
        self._channel.push()
        return future

    def _receive(self, channel: Channel, message: Any) -> None:  # noqa: ANN401
        del channel
        if message == [0]:
            self._announce()
            return
        number, result, *error = message
        with self._lock:
            future, convert, size = self._pending.pop(number)
            self._in_flight_bytes -= size
        if error:
            future.set_exception(TransientError(error[0]))
        else:
            future.set_result(convert(result))

    def _lose(self, channel: Channel) -> None:
        del channel
        self.lost.set()
        self._fail_pending("the owner is gone, this was not acknowledged")

    def _fail_pending(self, reason: str) -> None:
        with self._lock:
            pending, self._pending = self._pending, {}
        for future, _, _ in pending.values():
            future.set_exception(TransientError(f"{self._path.parent}: {reason}"))
        self._announce()

    def _announce(self) -> None:
        with self._written:
            self._batches += 1
            self._written.notify_all()


def _position(result: Any) -> Position:  # noqa: ANN401
    return Position(*result)


def _unchanged(result: Any) -> Any:  # noqa: ANN401
    return result
