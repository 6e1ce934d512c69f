"""A speaker whose every word a test decides: it plays until told to end, and can be stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from alerts.channels.base import Delivery, Receipt, SpeakerStatus
from lianfang.errors import PermanentError


@dataclass
class Horn:
    """Plays each command until ``end`` or ``stop``; ``answers`` are what stops and questions meet instead.

    ``heard`` are the texts that it began, in order, and ``at_once`` how many it played at the same time at
    most. With ``others``, which share its place, that counts over all of them.
    """

    stop_answers: list[Exception] = field(default_factory=list)
    statuses: list[SpeakerStatus | Exception] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    others: Sequence[Horn] = ()
    at_once: int = 0
    asked: int = 0
    _playing: dict[str, asyncio.Future[str]] = field(default_factory=dict)

    async def send(self, delivery: Delivery) -> Receipt:
        """Play until told to end."""
        self.heard.append(delivery.payload["text"])
        self.ids.append(delivery.id)
        self._playing[delivery.id] = asyncio.get_running_loop().create_future()
        self.at_once = max(self.at_once, sum(len(horn.playing) for horn in (self, *self.others)))
        try:
            word = await self._playing[delivery.id]
        finally:
            del self._playing[delivery.id]
        if word == "finished":
            return Receipt(word)
        raise PermanentError(f"the speaker says {word}")

    async def stop(self, command_id: str) -> Receipt:
        """Break it off, unless a fault stands in the way."""
        self.stopped.append(command_id)
        if self.stop_answers:
            raise self.stop_answers.pop(0)
        self.end("stopped")
        return Receipt("stopped")

    async def status(self) -> SpeakerStatus:
        """Answer as written, then for ever as the last time; at first it is ready."""
        self.asked += 1
        if not self.statuses:
            return SpeakerStatus("ready")
        said = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if isinstance(said, Exception):
            raise said
        return said

    async def close(self) -> None:
        """Nothing is open."""

    @property
    def playing(self) -> list[str]:
        """What it plays now, by id."""
        return [name for name, word in self._playing.items() if not word.done()]

    def end(self, word: str = "finished") -> None:
        """Let what is played end with ``word``."""
        for future in self._playing.values():
            if not future.done():
                future.set_result(word)
