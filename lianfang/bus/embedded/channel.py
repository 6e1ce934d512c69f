"""Messages over a stream socket: four bytes of length (big-endian), then msgpack. Nothing here blocks."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

import msgpack
import structlog

from lianfang.bus.embedded.requests import MAX_RECORD_BYTES

MAX_MESSAGE_BYTES = MAX_RECORD_BYTES + 1024 * 1024  # a record and what goes with it
_LENGTH = struct.Struct(">I")
_CHUNK = 256 * 1024
_log = structlog.get_logger(__name__)


def pack(message: Any) -> bytes:  # noqa: ANN401 - whatever msgpack can carry
    """Return a message as it travels."""
    body: bytes = msgpack.packb(message)
    return _LENGTH.pack(len(body)) + body


class Channel:
    """One end of a connection. ``send`` may be called by any thread, ``receive`` by one."""

    def __init__(self, connection: socket.socket, wake: Callable[[], None]) -> None:
        connection.setblocking(False)
        self.socket = connection
        self._wake = wake
        self._lock = threading.Lock()  # guards _outgoing; never held over a system call
        self._sending = threading.Lock()
        self._outgoing = bytearray()
        self._incoming = bytearray()

    @property
    def wants_to_send(self) -> bool:
        """Whether something waits until the other end takes it."""
        return bool(self._outgoing)

    def send(self, data: bytes) -> None:
        """Send now what the socket takes, the loop sends the rest; it also notices a lost connection."""
        self.put(data)
        self.push()

    def put(self, data: bytes) -> None:
        """Let ``data`` be sent after what was put before it, with the next ``push``. Never waits."""
        with self._lock:
            self._outgoing += data

    def push(self) -> None:
        """Send what was put; where another thread is sending, that one takes it along."""
        if not self.flush():
            self._wake()

    def flush(self) -> bool:
        """Send what waits, as far as the socket takes it; say whether it takes more."""
        while self._outgoing and self._sending.acquire(blocking=False):
            try:
                if not self._flush():
                    return False
            finally:
                self._sending.release()
        return True

    def receive(self) -> list[Any] | None:
        """Return the messages that have come whole; None when the connection is over or speaks nonsense."""
        try:
            data = self.socket.recv(_CHUNK)
        except BlockingIOError:
            return []
        except OSError:
            return None
        self._incoming += data
        return self._split() if data else None

    def _split(self) -> list[Any] | None:
        messages, at = [], 0
        while len(self._incoming) - at >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(self._incoming, at)
            if size > MAX_MESSAGE_BYTES:
                return None
            end = at + _LENGTH.size + size
            if len(self._incoming) < end:
                break
            try:
                messages.append(msgpack.unpackb(memoryview(self._incoming)[at + _LENGTH.size : end]))
            except (ValueError, msgpack.UnpackException):
                return None
            at = end
        del self._incoming[:at]
        return messages

    def _flush(self) -> bool:
        while True:
            with self._lock:
                data = self._outgoing[:_CHUNK]
            if not data:
                return True
            try:
                sent = self.socket.send(data)
            except BlockingIOError:
                return False
            except OSError:
                sent = len(data)  # lost, as the loop notices: nothing of it goes anywhere
            with self._lock:
                del self._outgoing[:sent]


class SocketLoop:
    """A thread that serves channels: those it is given, and those that a listener accepts.

    ``on_message(channel, message)`` and ``on_lost(channel)`` are called in that thread. A message that makes
    ``on_message`` raise LookupError, TypeError or ValueError costs its sender the connection.
    """

    def __init__(
        self,
        name: str,
        on_message: Callable[[Channel, Any], None],
        on_lost: Callable[[Channel], None],
        listener: socket.socket | None = None,
    ) -> None:
        self._on_message = on_message
        self._on_lost = on_lost
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._channels: set[Channel] = set()
        self._waker, self._woken = socket.socketpair()
        self._closing = False
        for end in (self._waker, self._woken):
            end.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        if listener is not None:
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def add(self, connection: socket.socket) -> Channel:
        """Serve a connection: before ``start``, or in the loop's thread."""
        channel = Channel(connection, self.wake)
        self._selector.register(connection, selectors.EVENT_READ, channel)
        self._channels.add(channel)
        return channel

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Make the loop look again at what its channels want."""
        with contextlib.suppress(OSError):  # full: it is awake already; closed: there is nothing to do
            self._waker.send(b"\0")

    def close(self) -> None:
        """Close every connection and end the thread; ``on_lost`` is not called for them."""
        self._closing = True
        self.wake()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._closing:
                for key, events in self._selector.select():
                    self._serve(key, events)
                for channel in self._channels:
                    wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if channel.wants_to_send else 0)
                    if self._selector.get_key(channel.socket).events != wanted:
                        self._selector.modify(channel.socket, wanted, channel)
        finally:
            for end in (self._waker, self._woken, self._listener, *(c.socket for c in self._channels)):
                if end is not None:
                    end.close()
            self._selector.close()

    def _serve(self, key: selectors.SelectorKey, events: int) -> None:
        if key.fileobj is self._woken:
            self._woken.recv(4096)
        elif key.fileobj is self._listener:
            with contextlib.suppress(OSError):  # the other end may have gone already
                self.add(self._listener.accept()[0])
        elif events & selectors.EVENT_WRITE:
            key.data.flush()
        else:
            self._read(key.data)

    def _read(self, channel: Channel) -> None:
        messages = channel.receive()
        try:
            for message in messages or ():
                self._on_message(channel, message)
        except (LookupError, TypeError, ValueError):  # the other end is not what it should be
            _log.exception("bus_message_not_understood")
            messages = None
        if messages is None:
            self._selector.unregister(channel.socket)
            self._channels.discard(channel)
            channel.socket.close()
            self._on_lost(channel)
