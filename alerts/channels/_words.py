"""What a device has said of its commands, for those who wait for it to say more."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from alerts.channels.base import UNDER_WAY, Outcome
from lianfang.errors import TransientError

_REMEMBERED = 256  # commands


@dataclass(frozen=True, slots=True)
class Word:
    """What a device says of one command."""

    outcome: Outcome
    detail: str = ""


class Words:
    """The newest word about each of the last commands. One event loop owns it."""

    def __init__(self) -> None:
        self._words: OrderedDict[str, Word] = OrderedDict()
        self._news = asyncio.Condition()
        self._trouble = ""
        self._losses = 0

    def about(self, command_id: str) -> Word | None:
        """Return the newest word about a command, None if there is none."""
        return self._words.get(command_id)

    def forget(self, command_id: str) -> None:
        """Let a command that is sent again begin without a word."""
        self._words.pop(command_id, None)

    async def write_down(self, command_id: str, word: Word) -> None:
        """Keep a word. What has ended does not go on because a message is late."""
        known = self._words.get(command_id)
        if known is not None and known.outcome not in UNDER_WAY and word.outcome in UNDER_WAY:
            return
        async with self._news:
            self._words[command_id] = word
            self._words.move_to_end(command_id)
            if len(self._words) > _REMEMBERED:
                self._words.popitem(last=False)
            self._news.notify_all()

    async def lost(self, trouble: str) -> None:
        """Wake those who wait: what the device says now is not heard, and how far it is nobody knows."""
        async with self._news:
            self._trouble = trouble
            self._losses += 1
            for command_id in [name for name, word in self._words.items() if word.outcome in UNDER_WAY]:
                del self._words[command_id]
            self._news.notify_all()

    async def until(self, command_id: str, not_yet: Collection[Outcome], wait_s: float) -> Word | None:
        """Return the word once it is none of ``not_yet``, or the one that there is after ``wait_s`` seconds.

        TransientError if the device is lost meanwhile.
        """
        losses = self._losses

        def over() -> bool:
            word = self._words.get(command_id)
            return self._losses != losses or (word is not None and word.outcome not in not_yet)

        async with self._news:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, wait_s)):
                    await self._news.wait_for(over)
        if self._losses != losses:
            raise TransientError(self._trouble)
        return self._words.get(command_id)
