"""What a process that reads a guest's camera may say: frames and states of that camera, into a pipe."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from typing import IO, BinaryIO, NoReturn

import msgpack

from lianfang.bus import Position
from lianfang.errors import TransientError
from lianfang.events import FRAMES, OBSERVATIONS

_SIZE = 4
MOST = 8 * 1024 * 1024
"""Bytes of one record at most."""
_TOPICS = (FRAMES, OBSERVATIONS)

Said = tuple[str, bytes, dict[str, str]]


class PipeBus:
    """As much of a bus as a reader of cameras asks for. Thread-safe."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._lock = out, threading.Lock()

    def publish(self, topic: str, key: str, value: bytes, headers: Mapping[str, str]) -> Future[Position]:
        """Write a record; TransientError where nobody reads any more."""
        del key  # the other end knows whose process this is
        record: bytes = msgpack.packb([topic, value, dict(headers)])
        try:
            with self._lock:
                self._out.write(len(record).to_bytes(_SIZE, "big") + record)
                self._out.flush()
        except (OSError, ValueError) as error:
            raise TransientError("nobody listens any more") from error
        future: Future[Position] = Future()
        future.set_result(Position(topic, 0, 0))
        return future

    def __getattr__(self, name: str) -> NoReturn:
        """Refuse whatever else a bus can do."""
        raise AttributeError(f"this process has no bus: {name}")


def said(source: IO[bytes]) -> Iterator[Said]:
    """Yield (topic, value, headers) of what a process says until it ends; ValueError for anything else."""
    while size := source.read(_SIZE):
        length = int.from_bytes(size, "big")
        if len(size) < _SIZE or not 0 < length <= MOST:
            raise ValueError("no record")
        data = source.read(length)
        if len(data) < length:
            return
        topic, value, headers = msgpack.unpackb(data)
        plain = isinstance(value, bytes) and all(isinstance(v, str) for kv in headers.items() for v in kv)
        if topic not in _TOPICS or not plain:
            raise ValueError("a record of another kind")
        yield topic, value, headers
