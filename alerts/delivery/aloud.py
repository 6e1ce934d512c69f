"""Speeches that may save a life, said from memory where the store does not take them in time.

What was said so is known by its id until the process ends: the store hears of it when it is back, and the
lane does not say it again.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from alerts.channels.base import Channel, Delivery, Receipt
from alerts.payload import Speech
from alerts.store.speakers import Health
from lianfang.clock import Clock
from lianfang.errors import PermanentError, TransientError

_log = structlog.get_logger()

_KEPT = 1000  # of speeches: one a second for a quarter of an hour
_AGAIN_S = 1.0
_ENDS_S = 60.0  # for a channel that never comes to an end, beyond the validity of the command
_RANK: Mapping[Health, int] = {"ready": 0, "emergency": 1, "faulty": 2, "silent": 2}


@dataclass(frozen=True, slots=True)
class Urgent:
    """One broadcast about an incident, for what ``source`` saw; what each speaker says, the nearest first."""

    id: str
    incident_id: str
    source: str
    captured_at: datetime
    valid_until: datetime
    speeches: Sequence[tuple[str, Speech]]


class Aloud:
    """Says what the store has not taken. Thread-safe but for ``bind`` and ``ending``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: dict[str, Urgent] = {}
        self._said: OrderedDict[str, tuple[str, asyncio.Task[Receipt]]] = OrderedDict()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._channels: Mapping[str, Channel] = {}
        self._health: Mapping[str, Health] = {}

    def bind(self, channels: Mapping[str, Channel], health: Mapping[str, Health]) -> None:
        """Speak through ``channels`` in the running event loop; ``health`` is how each is, as last heard.

        What was expected before is said now, unless it is written meanwhile.
        """
        self._channels, self._health = channels, health
        loop = asyncio.get_running_loop()
        with self._lock:
            self._loop = loop
            waiting = list(self._waiting)
        for speech_id in waiting:
            loop.call_soon(self._begin, speech_id)

    def unbind(self) -> None:
        """Say nothing more: the loop ends."""
        self._loop = None

    def expect(self, speeches: Iterable[Urgent], after_s: float) -> None:
        """Say those of ``speeches`` that are new after ``after_s``, unless they are ``written`` by then."""
        with self._lock:
            loop = self._loop
            new = [s for s in speeches if s.id not in self._said and s.id not in self._waiting]
            self._waiting |= {speech.id: speech for speech in new}
        for speech in new if loop else ():
            assert loop is not None  # noqa: S101 - asked in the line above
            with suppress(RuntimeError):  # closed in between
                loop.call_soon_threadsafe(loop.call_later, after_s, self._begin, speech.id)

    def written(self, until: Mapping[str, datetime]) -> None:
        """Leave to the store what it has now: what each source saw, up to the time given."""
        with self._lock:
            self._waiting = {
                speech_id: urgent
                for speech_id, urgent in self._waiting.items()
                if urgent.source not in until or urgent.captured_at > until[urgent.source]
            }

    def leave(self, speech_id: str) -> None:
        """Say nothing of what is not to be said, as far as only the store knows; what has begun goes on."""
        with self._lock:
            self._waiting.pop(speech_id, None)

    def said_by(self, speech_id: str) -> str | None:
        """Return the speaker that has said, or says, the speech of that id; None where none does."""
        with self._lock:
            known = self._said.get(speech_id)
            return known[0] if known else None

    def ending(self, speech_id: str) -> asyncio.Task[Receipt] | None:
        """Return what ends with the speaker's word for a speech; None where it was not said from here."""
        with self._lock:
            known = self._said.get(speech_id)
            return known[1] if known else None

    def _begin(self, speech_id: str) -> None:
        with self._lock:
            urgent = self._waiting.pop(speech_id, None)
            if urgent is None:
                return
            order = sorted(urgent.speeches, key=lambda said: _RANK[self._health.get(said[0], "ready")])
            task = asyncio.create_task(self._say(urgent, order))
            self._said[speech_id] = order[0][0], task
            while len(self._said) > _KEPT:
                self._said.popitem(last=False)

    async def _say(self, urgent: Urgent, order: Sequence[tuple[str, Speech]]) -> Receipt:
        bound = _log.bind(alert_id=urgent.incident_id, delivery=urgent.id)
        bound.warning("speaking_from_memory", receiver=order[0][0])
        attempt, trouble = 0, ""
        while self._clock.now() < urgent.valid_until:
            for speaker, speech in order:
                attempt += 1
                try:
                    receipt = await self._attempt(urgent, speaker, speech, attempt)
                except (TransientError, PermanentError, TimeoutError) as error:
                    trouble = f"{speaker}: {error}"
                    bound.warning("receiver_failed", receiver=speaker, error=str(error))
                else:
                    with self._lock:
                        self._said[urgent.id] = speaker, self._said[urgent.id][1]
                    return Receipt(receipt.outcome, f"said from memory by {speaker}; {receipt.detail}")
            await asyncio.sleep(_AGAIN_S)
        with self._lock:
            self._said.pop(urgent.id, None)
        bound.error("delivery_failed", state="expired", error=trouble)
        raise PermanentError(f"no speaker could say it from memory: {trouble}")

    async def _attempt(self, urgent: Urgent, speaker: str, speech: Speech, attempt: int) -> Receipt:
        left = urgent.valid_until - self._clock.now()
        async with asyncio.timeout((left + timedelta(seconds=_ENDS_S)).total_seconds()):
            return await self._channels[speaker].send(
                Delivery(
                    id=urgent.id,
                    incident_id=urgent.incident_id,
                    incident_version=0,
                    attempt=attempt,
                    payload=speech.model_dump(mode="json"),
                    created_at=self._clock.now(),
                    valid_until=urgent.valid_until,
                )
            )
