"""Asks every speaker how it is, so that one that is dead is passed over before anybody needs it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping

import structlog
from sqlalchemy.exc import DBAPIError

from alerts.channels.base import Channel, Speaker
from alerts.store import Store, speakers
from alerts.store.speakers import Health
from alerts.store.store import QUIET
from lianfang.clock import Clock
from lianfang.errors import PermanentError, TransientError

_log = structlog.get_logger()

_ANSWER_S = 10.0  # for a channel without a time-out of its own
_SOONER = 5  # so many times as often while something is wrong
_SILENT_AFTER = 2  # questions in a row without an answer
_WRITTEN_EVERY_S = 60.0  # so that a state that stays is not taken for an old one


class Rounds:
    """Asks the speakers among ``channels``, each every so many seconds as ``every_s`` says.

    ``tell`` hears of each, from any thread, what is news and now and then that it is as before.
    """

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        every_s: Mapping[str, float],
        clock: Clock,
        tell: Callable[[str, Health, str], None] | None = None,
    ) -> None:
        self._store, self._clock, self._tell = store, clock, tell
        self.health: dict[str, Health] = {}
        """How each is, as it said last."""
        self._speakers = {n: (c, every_s[n]) for n, c in channels.items() if isinstance(c, Speaker)}

    async def run(self) -> None:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name, (channel, every_s) in self._speakers.items():
                group.create_task(self._follow(name, channel, every_s))

    async def _follow(self, name: str, channel: Speaker, every_s: float) -> None:
        known, detail = await asyncio.to_thread(self._known, name), ""
        written_s, unanswered = -math.inf, 0
        while True:
            try:
                async with asyncio.timeout(_ANSWER_S):
                    said = await channel.status()
            except PermanentError as error:
                _log.info("speaker_cannot_say_how_it_is", receiver=name, error=str(error))
                return
            except (TransientError, TimeoutError) as error:
                unanswered += 1
                health: Health = "silent" if unanswered >= _SILENT_AFTER else known
                detail = str(error) or f"no answer within {_ANSWER_S:g} s"
            else:
                unanswered = 0
                health = "ready" if said.condition == "playing" else said.condition
                detail = said.detail
            self.health[name] = health
            now_s = self._clock.monotonic()
            if health != known or now_s - written_s >= _WRITTEN_EVERY_S:
                if await asyncio.to_thread(self._write, name, health, detail):
                    _log.info("speaker_health", receiver=name, health=health, before=known, detail=detail)
                known, written_s = health, now_s
            await asyncio.sleep(every_s if health == "ready" and not unanswered else every_s / _SOONER)

    def _known(self, name: str) -> Health:
        with self._store.read() as session:
            return speakers.health(session, [name], self._clock.now())[name]

    def _write(self, name: str, health: Health, detail: str) -> bool:
        """Write it down and tell of it; return whether it is news. A store that is away hears it later."""
        if self._tell is not None:
            self._tell(name, health, detail)
        try:
            with self._store.write() as session:
                news = speakers.heard(session, name, health, detail=detail, now=self._clock.now())
                session.info[QUIET] = not news
                return news
        except (TransientError, DBAPIError):
            return False
