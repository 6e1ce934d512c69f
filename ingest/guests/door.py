"""The only way out of a process that reads a guest's camera: one connection to an address that was checked.

FFmpeg follows what a camera says, to wherever it says. Here it speaks to us, and we to the camera: a
redirection is cut off, and what does not look like an answer is not handed on.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import BinaryIO, Self

from lianfang.reach.guests import GuestSource, connected
from lianfang.reach.networks import Network

CONNECT_S = 5.0
_CHUNK = 64 * 1024
_LINE, _LINES, _BODY = 8 * 1024, 100, 256 * 1024
MAX_BYTES_S = 4 * 1024 * 1024
"""More than any camera sends; a flood is slowed to this."""

Pump = Callable[[BinaryIO, Callable[[bytes], object]], None]


class Door:
    """Listens on this machine for FFmpeg, and connects to the camera for it. A context manager."""

    def __init__(self, source: GuestSource, networks: Sequence[Network]) -> None:
        self._source, self._networks = source, networks
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = False
        self.refused = ""
        """Why the camera was not reached at last, "" where it was."""

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, name="door", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._closed, left = True, list(self._open)
        for one in (self._listener, *left):
            _hang_up(one)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def _serve(self) -> None:
        while not self._closed:
            try:
                inner, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._join, args=(inner,), name="door", daemon=True).start()

    def _join(self, inner: socket.socket) -> None:
        host, port = self._source.parts.hostname or "", self._source.port
        try:
            outer = connected(host, port, self._networks, CONNECT_S)
        except OSError as error:
            self.refused = error.strerror or type(error).__name__
            _hang_up(inner)
            return
        self.refused = ""
        outer.settimeout(None)
        with self._lock:
            self._open |= {inner, outer}
            late = self._closed
        if late:
            _hang_up(inner)
            _hang_up(outer)
        there, back = _pumps(self._source)
        outward = threading.Thread(target=_run, args=(there, inner, outer), name="door", daemon=True)
        outward.start()
        _run(back, outer, inner)
        outward.join()
        with self._lock:
            self._open -= {inner, outer}
        inner.close()
        outer.close()


def _run(pump: Pump, source: socket.socket, target: socket.socket) -> None:
    """Hand on until either side ends; then both end."""
    try:
        with source.makefile("rb") as file:
            pump(file, _paced(target.sendall))
    except (OSError, ValueError):
        pass
    finally:
        _hang_up(source)
        _hang_up(target)


def _pumps(source: GuestSource) -> tuple[Pump, Pump]:
    scheme = source.parts.scheme
    if scheme == "http":
        return _with_host(source), _raw
    return _raw, _answers if scheme == "rtsp" else _raw


def _raw(source: BinaryIO, send: Callable[[bytes], object]) -> None:
    while chunk := source.read1(_CHUNK):  # type: ignore[attr-defined]  # a buffered reader has it
        send(chunk)


def _with_host(source: GuestSource) -> Pump:
    """Return a pump of requests that names the camera, and not our door, as the host."""
    name = source.parts.netloc.encode()

    def pump(requests: BinaryIO, send: Callable[[bytes], object]) -> None:
        while head := _head(requests):
            lines = [b"Host: " + name if line.lower().startswith(b"host:") else line for line in head]
            send(b"\r\n".join([*lines, b"", b""]))

    return pump


def _answers(source: BinaryIO, send: Callable[[bytes], object]) -> None:
    """Hand on RTSP: pictures between answers as they are, answers as we have understood them.

    ValueError for a redirection, and for what is no RTSP. FFmpeg sees the very text that was looked at.
    """
    while first := source.read(1):
        if first == b"$":
            header = source.read(3)
            if len(header) < 3:
                return
            send(first + header + source.read(int.from_bytes(header[1:], "big")))
            continue
        head = _head(source, first)
        if not head:
            return
        if re.match(rb"RTSP/\d\.\d\s+3", head[0]):
            raise ValueError("a redirection")
        head = [line for line in head if not line.lower().startswith(b"location")]
        length = _length(head)
        kept = [line for line in head if not line.lower().startswith(b"content-length")]
        body = source.read(length)
        send(b"\r\n".join([*kept, b"Content-Length: %d" % length, b"", body]))


def _head(source: BinaryIO, first: bytes = b"") -> list[bytes]:
    """Return the lines of a head, without line ends; none at the end. ValueError for what is none."""
    lines: list[bytes] = []
    for _ in range(_LINES):
        line = first + source.readline(_LINE)
        first = b""
        if not line.endswith(b"\n"):
            if line:
                raise ValueError("a line without an end")
            return []
        line = line.strip(b"\r\n")
        if not line and lines:
            return lines
        if b"\r" in line or b"\0" in line:
            raise ValueError("a line with a line end in it")
        if line:
            lines.append(line)
    raise ValueError("a head without an end")


def _length(head: Sequence[bytes]) -> int:
    given = [line.partition(b":")[2].strip() for line in head if line.lower().startswith(b"content-length")]
    length = int(given[-1]) if given else 0
    if not 0 <= length <= _BODY:
        raise ValueError("a body that is too long")
    return length


def _paced(send: Callable[[bytes], object]) -> Callable[[bytes], object]:
    """Return ``send``, slowed where more than MAX_BYTES_S would go through."""
    begun, sent = time.monotonic(), 0

    def paced(data: bytes) -> None:
        nonlocal begun, sent
        sent += len(data)
        due = begun + sent / MAX_BYTES_S
        now = time.monotonic()
        if due > now:
            time.sleep(due - now)
        elif now - due > 1:  # quiet for a while: no credit for it
            begun, sent = now, 0
        send(data)

    return paced


def _hang_up(one: socket.socket) -> None:
    with suppress(OSError):  # it may be gone already
        one.shutdown(socket.SHUT_RDWR)
    one.close()
