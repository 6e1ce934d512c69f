"""The serial numbers (SN) of messages, and what a platform answers to them."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from datetime import UTC, datetime

from lianfang.clock import Clock

_NUMBER = re.compile(r"[0-9]{1,10}")
_SINCE = datetime(2025, 1, 1, tzinfo=UTC)
_A_SECOND = 4  # numbers: 2**31 of them last until 2042
_REMEMBERED = 1000  # deliveries


class Numbers:
    """Numbers that grow, also over restarts, as long as fewer than four a second are needed in the long run.

    A delivery has the same number on every attempt, and what is said to it is kept for the next one.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0
        self._of: OrderedDict[str, int] = OrderedDict()
        self._said: dict[int, asyncio.Future[str]] = {}

    def next(self) -> int:
        """Return a number that nothing has had."""
        since = (self._clock.now() - _SINCE).total_seconds()
        self._last = max(self._last + 1, int(since * _A_SECOND))
        return self._last

    def of(self, delivery_id: str) -> int:
        """Return the number of a delivery."""
        if delivery_id not in self._of:
            number = self._of[delivery_id] = self.next()
            self._said[number] = asyncio.get_running_loop().create_future()
            if len(self._of) > _REMEMBERED:
                _, oldest = self._of.popitem(last=False)
                del self._said[oldest]
        return self._of[delivery_id]

    def forget(self, delivery_id: str) -> None:
        """Let a delivery that is made again, for whatever reason, have another number."""
        self._said.pop(self._of.pop(delivery_id, 0), None)

    def is_answered(self, number: int) -> bool:
        """Say whether the platform's word is there, such as one that came after the last attempt."""
        return self._said[number].done()

    def answered(self, number: str, result: str) -> None:
        """Take the platform's word; the first one stands."""
        future = self._said.get(int(number)) if _NUMBER.fullmatch(number) else None
        if future is not None and not future.done():
            future.set_result(result)

    async def said(self, number: int, wait_s: float) -> str:
        """Return the platform's word about a delivery; TimeoutError where it says nothing for so long."""
        async with asyncio.timeout(wait_s):
            return await asyncio.shield(self._said[number])
