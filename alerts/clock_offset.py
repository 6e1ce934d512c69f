"""By how much a platform's clock differs from ours, as it is logged and written down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import structlog

from lianfang.clock import Clock
from lianfang.errors import TransientError

Note = Callable[[datetime, float], None]
"""Writes down by how many seconds it was ahead of ours at a time; TransientError where that cannot be."""
_log = structlog.get_logger()
_FAR_S = 5.0  # a clock that is farther off puts reports into another order than they happened in


class ClockOffset:
    """Tells of the clock of one platform, where we are ``device``. ``note`` is called in a thread."""

    def __init__(self, device: str, clock: Clock, note: Note | None) -> None:
        self._device, self._clock, self._note = device, clock, note

    async def found(self, offset_s: float) -> None:
        """Log and write down by how many seconds it is ahead of ours."""
        log = _log.warning if abs(offset_s) > _FAR_S else _log.info
        log("platform_clock", device=self._device, offset_s=offset_s)
        if self._note is not None:
            with suppress(TransientError):
                await asyncio.to_thread(self._note, self._clock.now(), offset_s)


def registered_as(device: str, offset_s: float | None) -> str:
    """Return what a trial says of a platform that has registered us; of its clock only where it is known."""
    if offset_s is None:
        return f"registered as {device}"
    behind = "ahead of" if offset_s >= 0 else "behind"
    return f"registered as {device}; its clock is {abs(offset_s):g} s {behind} ours"
