"""What a source of pictures is."""

from __future__ import annotations

import threading
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import av

from ingest.timing import HostTime, Timing
from lianfang.errors import LianfangError

Pictures = Generator["Picture", None, None]


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture as it came out of the decoder.

    ``frame`` is None where the data did not decode; ``corrupt`` is set where the decoder had to make up
    parts of it. ``pts_s`` is its time in the stream, in seconds; ``camera_time`` is what the camera's own
    clock said, aware, UTC.
    """

    frame: av.VideoFrame | None
    pts_s: float | None = None
    camera_time: datetime | None = None
    corrupt: bool = False


class SourceLost(LianfangError):  # noqa: N818 - reads as the fact it states
    """The source gives no more pictures; trying again later may help.

    The text is for a person and for the log: it holds no password.
    """


class SourceEnded(SourceLost):
    """The source has given everything that it has: trying again would only repeat it."""


class Source(Protocol):
    """Where the pictures of one camera come from."""

    @property
    def live(self) -> bool:
        """Whether pictures come as they are taken: what cannot be published at once is then dropped."""
        ...

    def timing(self, host: HostTime) -> Timing:
        """Return what says when the pictures of a new connection were taken."""
        ...

    def open(self, stop: threading.Event) -> Pictures:
        """Connect and yield pictures until ``stop`` is set; SourceLost says why there are no more.

        To end without it counts as a loss too. May be called again after that. Everything is released when
        the generator is closed.
        """
        ...
