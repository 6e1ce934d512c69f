"""The delivery worker: two lanes over one outbox, woken by every commit of the store."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import structlog
from sqlalchemy.exc import DBAPIError

from alerts.channels.base import Channel, Kept, Role
from alerts.delivery.aloud import Aloud
from alerts.delivery.attempt import FilmSource, PictureSource
from alerts.delivery.backoff import Backoff
from alerts.delivery.exchange import Unsaid
from alerts.delivery.health import Rounds
from alerts.delivery.lane import Lane, LaneSettings
from alerts.delivery.policy import ByReceiver, NoticePolicy, SpeechPolicy
from alerts.delivery.recorded import RecordsTold
from alerts.delivery.subscribers import Subscribers
from alerts.metrics import DeliveryMetrics
from alerts.notice_settings import NoticeConfig, Retry
from alerts.publishing import Publishing
from alerts.store import Store, outbox, receivers, speakers
from alerts.store.speakers import Health
from lianfang.clock import Clock
from lianfang.errors import TransientError
from lianfang.ids import new_epoch

_log = structlog.get_logger()

_DEPTHS_EVERY_S = 5.0
# Whoever waits for a name to be found, or for a disk, holds a thread of the loop, also after its time is
# over: by default there are as few as six, and a speaker that needs one would wait behind who is away.
_THREADS = 64
_KEEP_AGAIN_S = 5.0
_STORE_AGAIN_S = 0.5


def speech_settings(jitter: random.Random) -> LaneSettings:
    """Return how speakers are served: short pauses, and no breaker before a spoken warning."""
    return LaneSettings(
        policy=SpeechPolicy(Backoff(0.2, 2, jitter.random)),
        breaker_backoff=Backoff(1, 60, jitter.random),
        per_receiver=1,  # a speaker says one thing at a time: what is more urgent goes before, from here
        lease_s=5,
        timeout_s=180,
        commands=True,
        breaker_threshold=2,
    )


def notice_settings(jitter: random.Random, stanzas: Mapping[str, NoticeConfig] | None = None) -> LaneSettings:
    """Return how other receivers are served: many at a time, and patience where one is down."""
    stanzas = stanzas or {}
    own = {name: _patience(stanza.retry, jitter) for name, stanza in stanzas.items()}
    return LaneSettings(
        policy=ByReceiver(_patience(Retry(), jitter), own),
        breaker_backoff=Backoff(5, 60, jitter.random),
        per_receiver=32,
        lease_s=15,
        timeout_s=120,
        commands=False,
        backfill={name: stanza.backfill for name, stanza in stanzas.items()},
    )


def subscriber_settings(
    jitter: random.Random, stanzas: Mapping[str, NoticeConfig] | None = None
) -> LaneSettings:
    """Return how subscribers are served: as other receivers, but each gets one message after the other."""
    return replace(notice_settings(jitter, stanzas), per_receiver=1, in_order=True)


def _patience(retry: Retry, jitter: random.Random) -> NoticePolicy:
    backoff = Backoff(retry.first_s, retry.longest_s, jitter.random)
    return NoticePolicy(backoff, timedelta(hours=retry.give_up_h))


class DeliveryWorker:
    """Delivers what is owed to ``channels``, by receiver, each in its role; closes them at the end.

    ``pictures`` and ``films`` give those of an incident for notices. ``ask_every_s`` says how often a speaker
    is asked how it is, none where it is not given; ``tell`` hears the answers. ``unsaid`` is told of speeches
    that no speaker could say. ``stanzas`` of receivers of notices say how patient to be, and how late ones go
    out. ``aloud`` speaks through the same channels where the store is away. ``alone`` says that there is no
    other worker on the store: one that was killed has ended, and no warning waits for its leases. Whoever
    subscribes with one of them is served, too.
    """

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        roles: Mapping[str, Role],
        *,
        clock: Clock,
        metrics: DeliveryMetrics,
        pictures: PictureSource | None = None,
        films: FilmSource | None = None,
        jitter: random.Random | None = None,
        speech: LaneSettings | None = None,
        notice: LaneSettings | None = None,
        ask_every_s: Mapping[str, float] | None = None,
        tell: Callable[[str, Health, str], None] | None = None,
        unsaid: Unsaid | None = None,
        stanzas: Mapping[str, NoticeConfig] | None = None,
        aloud: Aloud | None = None,
        alone: bool = False,
    ) -> None:
        self._alone = alone
        self._store, self._channels, self._clock, self._metrics = store, channels, clock, metrics
        jitter = jitter or random.SystemRandom()
        settings: dict[Role, LaneSettings] = {
            "speaker": speech or speech_settings(jitter),
            "notice": notice or notice_settings(jitter, stanzas),
        }
        served: dict[str, tuple[Mapping[str, Channel], LaneSettings]] = {
            role: ({name: c for name, c in channels.items() if roles[name] == role}, how)
            for role, how in settings.items()
        }
        publishers = {name: c.publisher for name, c in channels.items() if isinstance(c, Publishing)}
        self._subscribers = Subscribers(publishers, store, clock, pictures or (lambda _: ((), "")))
        self._records = RecordsTold(publishers, store, clock, Backoff(5, 600, jitter.random))
        if publishers:
            served["subscriber"] = self._subscribers, subscriber_settings(jitter, stanzas)
        owner = new_epoch()
        self._lanes = [
            Lane(
                store,
                those,
                how,
                owner=f"{owner}:{lane}",
                clock=clock,
                metrics=metrics,
                pictures=pictures,
                films=films,
                unsaid=unsaid,
                aloud=aloud,
            )
            for lane, (those, how) in served.items()
        ]
        asked = {name: channels[name] for name in ask_every_s or {}}
        self._rounds = Rounds(store, asked, ask_every_s or {}, clock, tell)
        self._aloud = aloud or Aloud(clock)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = False
        store.on_commit(self.wake)

    def wake(self) -> None:
        """Look at the outbox now. From any thread, at any time."""
        self._call(Lane.wake)

    def stop(self) -> None:
        """Let ``run`` end: nothing more is taken, what is under way has five seconds. From any thread."""
        self._stopped = True
        self._call(Lane.stop)

    def enable(self, receiver: str) -> bool:
        """Call a receiver again that was disabled; return False if it was not."""
        with self._store.write() as session:
            return receivers.enable(session, receiver, now=self._clock.now())

    async def run(self) -> None:
        """Deliver until ``stop``, or until cancelled; then close the channels."""
        self._loop = asyncio.get_running_loop()
        self._loop.set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="aside"))
        self._aloud.bind(self._channels, self._rounds.health)
        aside = [asyncio.create_task(self._show_depths()), asyncio.create_task(self._rounds.run())]
        aside.append(asyncio.create_task(self._subscribers.keep()))
        aside.append(asyncio.create_task(self._records.keep()))
        kept = {name: c for name, c in self._channels.items() if isinstance(c, Kept)}
        aside += [asyncio.create_task(_keep(*one)) for one in kept.items()]
        try:
            if self._alone:
                await self._inherit()
            async with asyncio.TaskGroup() as group:
                for lane in self._lanes:
                    group.create_task(lane.run())
                    if self._stopped:
                        lane.stop()
        finally:
            self._loop = None
            self._aloud.unbind()
            for task in aside:
                task.cancel()
            await asyncio.gather(*aside, return_exceptions=True)
            for channel in self._channels.values():
                await channel.close()

    async def _inherit(self) -> None:
        """Wait for no lease of whoever was there before, as soon as the store can be asked."""

        def inherit() -> None:
            with self._store.write() as session:
                speakers.predecessor_ended(session)

        while not self._stopped:
            try:
                await asyncio.to_thread(inherit)
            except TransientError:  # the store is away: nothing can be claimed either
                await asyncio.sleep(_STORE_AGAIN_S)
            else:
                break

    def _call(self, what: Callable[[Lane], None]) -> None:
        loop = self._loop
        if loop is None:
            return
        with suppress(RuntimeError):  # closed in between
            for lane in self._lanes:
                loop.call_soon_threadsafe(what, lane)

    async def _show_depths(self) -> None:
        while True:
            with suppress(TransientError, DBAPIError):  # the lanes say when the store is away
                self._metrics.owed(self._channels, await asyncio.to_thread(self._depths))
            await asyncio.sleep(_DEPTHS_EVERY_S)

    def _depths(self) -> Mapping[tuple[str, str], int]:
        with self._store.read() as session:
            return outbox.depths(session)


async def _keep(name: str, channel: Kept) -> None:
    """Keep a way open; a bug of its plug-in must not close it for good."""
    while True:
        try:
            await channel.keep()
        except Exception:  # noqa: BLE001 - a worker's outermost loop
            _log.exception("receiver_not_kept", receiver=name)
        await asyncio.sleep(_KEEP_AGAIN_S)
