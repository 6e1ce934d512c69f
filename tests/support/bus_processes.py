"""Processes that own, join and write an embedded bus, so that tests can kill them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from lianfang.bus.embedded import EmbeddedBus, RingSettings

WAIT_S = 30.0
_CONTEXT = multiprocessing.get_context("forkserver")  # forks of a clean, single-threaded process: 20 ms each
_CONTEXT.set_forkserver_preload(["pytest", "lianfang.bus.embedded", __name__])


class Child:
    """A process running ``target(connection, *args)``, and our end of the connection."""

    def __init__(self, target: Callable[..., None], *args: Any) -> None:  # noqa: ANN401 - whatever it takes
        self.connection, theirs = _CONTEXT.Pipe()
        self._process: ForkServerProcess = _CONTEXT.Process(target=target, args=(theirs, *args), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return self._process.pid

    def receive(self) -> Any:  # noqa: ANN401 - whatever it sends
        """Return the next thing it sends; EOFError when it has ended."""
        assert self.connection.poll(WAIT_S), "the child is silent"
        return self.connection.recv()

    def drain(self) -> list[Any]:
        """Return what it has sent and we have not yet seen, after its end."""
        sent = []
        try:
            while True:
                sent.append(self.connection.recv())
        except (EOFError, OSError):
            return sent

    def pause(self) -> None:
        """Stop it with SIGSTOP: its connections stand, but it does nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def kill(self) -> None:
        """Kill it with SIGKILL and wait until it is gone."""
        os.kill(self.pid, signal.SIGKILL)
        self.join()

    def join(self) -> None:
        """Wait for its end."""
        self._process.join(WAIT_S)
        assert not self._process.is_alive()

    def close(self) -> None:
        """End it if it runs, and release what it holds of ours. Once more does no harm."""
        if not self.connection.closed:
            if self._process.is_alive():
                self.kill()
            self._process.close()
            self.connection.close()


def own(connection: Connection, data_dir: Path, ring: RingSettings) -> None:
    """Own the bus until the other end of the connection is closed."""
    bus = EmbeddedBus.own(data_dir, ring)
    connection.send("ready")
    try:
        connection.recv()
    except EOFError:
        bus.close()


def eventually(condition: Callable[[], object], what: str) -> None:
    """Return once ``condition`` holds; AssertionError if it does not in a generous time."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not in {WAIT_S} s"
        time.sleep(0.002)
