"""For how long a platform keeps us registered, as it is written down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from lianfang.clock import Clock
from lianfang.errors import TransientError

Note = Callable[[datetime, datetime], None]
"""Writes down a time of registration, from and until; TransientError while that is not possible."""


class LinkTime:
    """Notes one time of registration after the other, each up to the last word that we are there.

    Of one event loop; ``note`` is called in a thread.
    """

    def __init__(self, clock: Clock, note: Note | None) -> None:
        self._clock, self._note = clock, note
        self._since: datetime | None = None

    async def alive(self) -> None:
        """Note that the platform knows us now; what cannot be noted is noted with the next word."""
        now = self._clock.now()
        since = self._since = self._since or now
        if self._note is not None:
            with suppress(TransientError):
                await asyncio.to_thread(self._note, since, now)

    def lost(self) -> None:
        """Let another time begin with the next word: it does not know us any more, or does not answer."""
        self._since = None
