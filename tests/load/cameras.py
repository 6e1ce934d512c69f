"""Simulated RTSP cameras, as many as wanted, from a few processes.

All cameras show the same video: it is encoded once and a few playings of it are shared, so that a camera
costs little more than sending its packets.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.elementary import Encoding, elementary_stream
from tests.support.rtsp_server import Login, RtspServer, pattern

PLAYINGS = 8
"""Of a video in a process: their keyframes come at different times, and each costs threads."""


@dataclass(frozen=True)
class CameraAddress:
    """Where the streams of one camera are; ``sub`` is None where it has only one."""

    main: str
    sub: str | None = None


@dataclass
class Cameras:
    """``count`` cameras on 127.0.0.1, a context manager.

    ``video`` is what they show, looped, numbered pictures where not given; ``sub`` is how their second stream
    is encoded, if they have one; ``login`` is what they ask for.
    """

    count: int
    main: Encoding = field(default_factory=Encoding)
    sub: Encoding | None = None
    video: Path | None = None
    login: Login | None = None
    processes: int = 2
    addresses: list[CameraAddress] = field(init=False, default_factory=list)
    servers: list[RtspServer] = field(init=False, default_factory=list)
    _running: ExitStack = field(init=False, default_factory=ExitStack)

    def __enter__(self) -> Self:
        video = self.video or pattern()
        files = {"main": elementary_stream(video, self.main)}
        if self.sub is not None:
            files["sub"] = elementary_stream(video, self.sub)
        with ExitStack() as started:
            for first in range(self.processes):
                numbers = range(first, self.count, self.processes)
                streams = {f"{n}/{name}": file for name, file in files.items() for n in numbers}
                if streams:
                    server = RtspServer(login=self.login, streams=streams, playings=PLAYINGS)
                    self.servers.append(started.enter_context(server))
            self._running = started.pop_all()
        self.addresses = [self._address(n) for n in range(self.count)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()
        self.servers.clear()

    def _address(self, number: int) -> CameraAddress:
        server = self.servers[number % self.processes]
        return CameraAddress(
            server.at(f"{number}/main"), None if self.sub is None else server.at(f"{number}/sub")
        )
