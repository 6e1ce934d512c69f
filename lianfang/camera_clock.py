"""Whether a camera's clock is off: said by whoever measures it, the same everywhere."""

from __future__ import annotations

from datetime import datetime

from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.events import CameraClock, ClockSource
from lianfang.host_clock import HostClock

_BACK = 0.75  # of the limit: a clock at the limit would come and go


class ClockJudge:
    """Judges the clock of one camera by ``limit_s`` and by what ``host`` says of the host's own."""

    def __init__(self, limit_s: float, host: HostClock) -> None:
        self._limit_s, self._host = limit_s, host
        self._off = False

    def word(self, offset_s: float, source: ClockSource, at: datetime) -> CameraClock:
        """Return what is to be said of a clock that was ahead by ``offset_s`` at ``at``.

        No camera is blamed while the host's clock may be wrong itself; one that was goes on to be.
        """
        trusted = self._host.is_right()
        limit_s = self._limit_s * (_BACK if self._off else 1)
        self._off = abs(offset_s) > limit_s and (trusted or self._off)
        return CameraClock(offset_s=round(offset_s, 3), source=source, at=at, trusted=trusted, off=self._off)


def host_clock(config: Config, clock: Clock) -> HostClock:
    """Return the host's clock as ``config`` believes it."""
    return HostClock(clock, trusted=config.clocks.host == "trusted")
