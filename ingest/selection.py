"""Which pictures of a connection are published."""

from __future__ import annotations

from datetime import datetime

import av

from ingest.gate import MotionGate
from ingest.metrics import DropReason
from ingest.rate import Rate
from ingest.sampler import Sampler


class Selection:
    """So many a second as its hour says, and fewer behind a gate while nothing moves. One thread owns it."""

    def __init__(self, rate: Rate, gate: MotionGate | None, at: datetime) -> None:
        """``at`` is when the connection begins."""
        self._rate, self._gate = rate, gate
        self._sampler = Sampler(rate.fps(at))

    def refuses(self, frame: av.VideoFrame, captured_at: datetime) -> DropReason | None:
        """Return why a picture is not to be published, None where it is. Times must not decrease."""
        self._sampler.aim(self._rate.fps(captured_at))
        if not self._sampler.takes(captured_at):
            return "fps"
        if self._gate is not None and not self._gate.passes(frame, captured_at):
            return "still"
        return None
