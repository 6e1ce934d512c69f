"""What a source of pictures is."""

from __future__ import annotations

import threading
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias, runtime_checkable

import av

from ingest.timing import ArrivalTiming, HostTime, Timing
from lianfang.clock import Clock
from lianfang.config import way
from lianfang.errors import LianfangError
from lianfang.events import CameraReason

Pictures = Generator["Picture", None, None]
Stream: TypeAlias = way.Stream


@dataclass(slots=True)
class Asked:
    """What is wanted of a source at the moment. Whoever opens it owns this and may change it at any time."""

    stream: Stream = "main"
    """Which stream; asked for when a connection begins. A source that has no such one gives its main."""
    keyframes: bool = False
    """Whether keyframes alone are decoded; looked at with every packet, so that no connection ends for it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture as it came out of the decoder.

    ``frame`` is None where the data did not decode; ``corrupt`` is set where the decoder had to make up
    parts of it. ``pts_s`` is its time in the stream, in seconds; ``camera_time`` is what the camera's own
    clock said, aware, UTC. ``waited_s`` is for how long the source waited since the picture before, for data
    or for its time, and ``data_bytes`` how much came; None where that is not known.
    """

    frame: av.VideoFrame | None
    pts_s: float | None = None
    camera_time: datetime | None = None
    corrupt: bool = False
    waited_s: float | None = None
    data_bytes: int | None = None


class SourceLost(LianfangError):  # noqa: N818 - reads as the fact it states
    """The source gives no more pictures, for ``reason``; trying again later may help.

    ``detail`` is for technicians, in English, and holds no password.
    """

    def __init__(self, reason: CameraReason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason.value)
        self.reason, self.detail = reason, detail


class SourceEnded(SourceLost):
    """The source has given everything that it has: trying again would only repeat it."""


class Source(Protocol):
    """Where the pictures of one camera come from."""

    @property
    def live(self) -> bool:
        """Whether pictures come as they are taken: what cannot be published at once is then dropped."""
        ...

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams that it has, as far as is known; ``("main",)`` of most."""
        ...

    def timing(self, host: HostTime) -> Timing:
        """Return what says when the pictures of a new connection were taken."""
        ...

    def open(self, stop: threading.Event, asked: Asked) -> Pictures:
        """Connect and yield pictures, as ``asked``, until ``stop`` is set; SourceLost says why no more come.

        To end without it counts as a loss too. May be called again after that. Everything is released when
        the generator is closed.
        """
        ...


class LiveSource:
    """What sources have in common whose pictures come as they are taken, and that have one stream."""

    @property
    def live(self) -> bool:
        """They do."""
        return True

    @property
    def streams(self) -> tuple[Stream, ...]:
        """One."""
        return ("main",)

    def timing(self, host: HostTime) -> Timing:
        """Return host time, with the spacing of the time stamps where the pictures have any."""
        return ArrivalTiming(host)


@runtime_checkable
class TellsClock(Protocol):
    """The stanza of a source whose device says what its clock says, apart from its pictures."""

    def clock_ahead_s(self, clock: Clock) -> float:
        """Ask it, and return by how many seconds it is ahead of ``clock``; LianfangError, TimeoutError."""
        ...
