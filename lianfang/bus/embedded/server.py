"""The owner's end of the socket: requests of other processes to the writer, results back."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from lianfang.bus import Position
from lianfang.bus.embedded.channel import Channel, SocketLoop, pack
from lianfang.bus.embedded.host import listen
from lianfang.bus.embedded.requests import Append, Commit, Register, Request, Subscribe
from lianfang.bus.embedded.writer import LogWriter
from lianfang.errors import TransientError

PROTOCOL = 1
HELLO, WATCH = "hello", "watch"
WRITTEN = pack([0])  # a message of its own accord: a batch has been written
REQUESTS: Mapping[str, type[Request]] = {
    "append": Append,
    "commit": Commit,
    "subscribe": Subscribe,
    "register": Register,
}
NAMES = {request: name for name, request in REQUESTS.items()}


class LogServer:
    """Serves the log to the processes that join.

    A request is ``[number, name, fields]``, its answer ``[number, result]`` or ``[number, None, error]``;
    answers come in the order in which the writer settles the requests. The first request is HELLO, whose
    answer tells the protocol's version and ``welcome``: what a process that joins needs to know. After WATCH
    the process is told of every batch that is written.
    """

    def __init__(self, socket_path: Path, writer: LogWriter, welcome: Mapping[str, Any]) -> None:
        self._writer = writer
        self._welcome = {"protocol": PROTOCOL, **welcome}
        self._lock = threading.Lock()  # guards the two below
        self._answers: dict[Channel, bytearray] = {}
        self._watchers: set[Channel] = set()
        self._socket_path = socket_path
        self._loop = SocketLoop("bus-server", self._receive, self._forget, listen(socket_path))
        writer.on_written = self._send_batch
        self._loop.start()

    def close(self) -> None:
        """Hang up on everybody."""
        self._loop.close()
        self._socket_path.unlink(missing_ok=True)

    def _receive(self, channel: Channel, message: Any) -> None:  # noqa: ANN401 - not yet checked
        number, name, fields = message
        if name == HELLO:
            channel.send(pack([number, self._welcome]))
        elif name == WATCH:
            with self._lock:
                self._watchers.add(channel)
            channel.send(pack([number, None]))
        else:
            self._submit(channel, number, REQUESTS[name](*fields))

    def _submit(self, channel: Channel, number: int, request: Request) -> None:
        try:
            # Waiting here for room leaves the others' requests in their sockets: they see it as a full queue.
            future = self._writer.submit(request, wait_for_room=True)
        except TransientError as error:
            channel.send(pack([number, None, str(error)]))
            return
        future.add_done_callback(lambda done: self._keep_answer(channel, number, done))
        if future.done():  # maybe since before the line above: the writer then saw no answer to send
            self._send({})

    def _keep_answer(self, channel: Channel, number: int, done: Future[Any]) -> None:
        error = done.exception()
        answer = pack([number, _wire(done.result())] if error is None else [number, None, str(error)])
        with self._lock:
            self._answers.setdefault(channel, bytearray()).extend(answer)

    def _send_batch(self) -> None:
        """Send the answers of one batch: one write per process, not one per record."""
        with self._lock:
            notices = {channel: bytearray(WRITTEN) for channel in self._watchers}
        self._send(notices)

    def _send(self, messages: dict[Channel, bytearray]) -> None:
        with self._lock:
            answers, self._answers = self._answers, {}
        for channel, data in answers.items():
            messages.setdefault(channel, bytearray()).extend(data)
        for channel, data in messages.items():
            channel.send(bytes(data))

    def _forget(self, channel: Channel) -> None:
        with self._lock:
            self._answers.pop(channel, None)
            self._watchers.discard(channel)


def _wire(result: Any) -> Any:  # noqa: ANN401 - each request has its own result
    return (result.topic, result.partition, result.offset) if isinstance(result, Position) else result
