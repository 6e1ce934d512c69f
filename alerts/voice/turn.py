"""One thing after the other, each of which may be broken off: what speakers that are called share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from alerts.channels.base import Delivery, Receipt
from alerts.payload import Speech
from lianfang.errors import PermanentError, TransientError


class Turn:
    """Whose turn it is at a speaker. ``current`` is the id of what is said now, "" for nothing."""

    def __init__(self) -> None:
        self.current, self._stopped = "", ""
        self._one = asyncio.Lock()

    async def of(self, delivery: Delivery, say: Callable[[Speech], Awaitable[Receipt]]) -> Receipt:
        """Wait for its turn and let it be said; what was broken off is not tried again."""
        async with self._one:  # what was broken off a moment ago may still be ending
            self.current, self._stopped = delivery.id, ""
            try:
                return await say(Speech.model_validate(delivery.payload))
            except TransientError:
                self.go_on()
                raise
            finally:
                self.current = ""

    def go_on(self) -> None:
        """Return unless it was broken off; PermanentError then."""
        if self._stopped:
            raise PermanentError("the speaker says stopped: broken off")

    def stop(self, command_id: str) -> None:
        """Break it off; PermanentError if another is said, or nothing."""
        if self.current != command_id:
            raise PermanentError("it is not said here")
        self._stopped = command_id
