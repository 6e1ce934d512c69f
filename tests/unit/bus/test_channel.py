from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lianfang.bus.embedded.channel import MAX_MESSAGE_BYTES, Channel, SocketLoop, pack
from tests.support.bus_processes import eventually

WAIT_S = 30.0


class Served:
    """A loop with one channel, and the raw other end of it."""

    def __init__(self, on_message: Callable[[Any], None] = lambda _: None) -> None:
        ours, self.other = socket.socketpair()
        self.messages: list[Any] = []
        self.lost = threading.Event()
        self._on_message = on_message
        self.loop = SocketLoop("test", self._receive, lambda _: self.lost.set())
        self.channel = self.loop.add(ours)
        self.loop.start()

    def _receive(self, channel: Channel, message: Any) -> None:  # noqa: ANN401
        assert channel is self.channel
        self.messages.append(message)
        self._on_message(message)


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.other.close()
    served.loop.close()


@pytest.mark.parametrize("piece", [1, 3, 1000], ids=lambda piece: f"{piece} bytes at a time")
def test_messages_arrive_however_they_are_cut(served: Served, piece: int) -> None:
    sent: list[Any] = [[1, "append", ["河边", b"\x00\xff"]], {}, None, [b"x" * 300]]
    data = b"".join(map(pack, sent))
    for at in range(0, len(data), piece):
        served.other.sendall(data[at : at + piece])
    eventually(lambda: len(served.messages) == len(sent), "all messages")
    assert served.messages == sent


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">I", MAX_MESSAGE_BYTES + 1),
        struct.pack(">I", 1) + b"\xc1",  # a byte that msgpack never uses
        struct.pack(">I", 2) + b"\xa5a",  # a string longer than the message
        struct.pack(">I", 2) + b"\xa1\xff",  # a string that is no UTF-8
        b"",
    ],
    ids=["too long", "no msgpack", "cut", "no Unicode", "end"],
)
def test_nonsense_and_the_end_lose_the_connection(served: Served, data: bytes) -> None:
    served.other.sendall(pack("good") + data)
    if not data:
        served.other.shutdown(socket.SHUT_WR)
    assert served.lost.wait(WAIT_S)
    assert served.other.recv(1) == b""
    assert served.messages in ([], ["good"])


def test_a_message_that_is_not_understood_loses_only_its_sender() -> None:
    def refuse(_: Any) -> None:  # noqa: ANN401
        raise KeyError("unknown")

    served = Served(refuse)
    served.other.sendall(pack("strange"))
    assert served.lost.wait(WAIT_S)
    assert served.loop._thread.is_alive()
    served.other.close()
    served.loop.close()


def test_a_peer_that_does_not_read_holds_nobody_up(served: Served) -> None:
    message = pack(b"x" * 1_000_000)
    for _ in range(8):
        served.channel.send(message)  # far more than a socket takes
    assert served.channel.wants_to_send
    received = 0
    while received < 8 * len(message):
        received += len(served.other.recv(1_000_000))
    eventually(lambda: not served.channel.wants_to_send, "everything is sent")


def test_sending_to_a_peer_that_is_gone_is_no_error(served: Served) -> None:
    served.other.close()
    assert served.lost.wait(WAIT_S)
    served.channel.send(pack("late"))
    assert not served.channel.wants_to_send


def test_closing_twice_is_no_error(served: Served) -> None:
    served.loop.close()
    served.loop.close()
    assert not served.lost.is_set()


class HeldSocket(socket.socket):
    """Its first send takes until ``go`` is set."""

    def __init__(self, other: socket.socket) -> None:
        super().__init__(fileno=other.detach())
        self.sending, self.go = threading.Event(), threading.Event()

    def send(self, data: Any, flags: int = 0) -> int:  # noqa: ANN401 - a buffer
        self.sending.set()
        assert self.go.wait(WAIT_S)
        return super().send(data, flags)


def test_nobody_waits_for_what_another_thread_sends_and_all_arrives_in_order() -> None:
    ours, other = socket.socketpair()
    with other, HeldSocket(ours) as held:
        channel = Channel(held, lambda: None)
        first = threading.Thread(target=channel.send, args=(b"first",))
        first.start()
        assert held.sending.wait(WAIT_S)
        channel.send(b" second")
        channel.send(b" third")
        held.go.set()
        first.join()
        other.settimeout(WAIT_S)
        wanted, got = b"first second third", b""
        while len(got) < len(wanted):
            got += other.recv(100)
        assert got == wanted
        assert not channel.wants_to_send


def test_many_threads_and_a_slow_other_end_lose_and_reorder_nothing(served: Served) -> None:
    """Each thread's messages arrive whole and in its order, though the socket is full most of the time."""

    def say(n: int) -> None:
        for i in range(200):
            served.channel.send(pack([n, i, "x" * 2000]))

    threads = [threading.Thread(target=say, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    ours, mine = socket.socketpair()
    with ours, mine:
        reader = Channel(ours, lambda: None)
        got: list[Any] = []
        served.other.settimeout(WAIT_S)
        while len(got) < 8 * 200:
            mine.sendall(served.other.recv(4000))
            got += reader.receive() or []
    for thread in threads:
        thread.join()
    assert [[i for n, i, _ in got if n == of] for of in range(8)] == [list(range(200))] * 8
