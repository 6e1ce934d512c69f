"""A lane: the receivers of one role, served by one loop with a thread of its own for the store.

Speakers have a lane to themselves: nothing that is owed to anybody else stands before a spoken warning.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import DBAPIError

from alerts.channels.base import Channel
from alerts.delivery.aloud import Aloud
from alerts.delivery.attempt import (
    Attempt,
    FilmSource,
    PictureSource,
    attempt,
    remembered,
    said_until,
)
from alerts.delivery.backfill import Allowance
from alerts.delivery.backoff import Backoff
from alerts.delivery.breaker import Breaker
from alerts.delivery.endpoint import Endpoint
from alerts.delivery.exchange import Asked, Exchange, Given, Unsaid
from alerts.delivery.halt import until_over
from alerts.delivery.policy import Again, Dead, Done, Kept, Late, Policy, Stopped, Verdict
from alerts.delivery.settle import Settled
from alerts.metrics import DeliveryMetrics
from alerts.notice_settings import Backfill
from alerts.store import Store
from alerts.store.schema import OutboxRow
from alerts.store.speakers import Health
from lianfang.clock import Clock
from lianfang.errors import TransientError

_log = structlog.get_logger()
_POLL_S = 1.0  # rows that another process wrote, leases that ended, breakers that let a probe through
_STORE_RETRY_S = 0.5
_GRACE_S = 5.0  # what is under way at the end may still be answered
_WORDS: dict[type, str] = {
    Done: "delivered",
    Again: "retried",
    Kept: "kept",
    Dead: "dead",
    Late: "expired",
    Stopped: "stopped",
}


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """How a lane works.

    ``per_receiver`` attempts are under way to one receiver at most, so that a slow one delays nobody else.
    An attempt ends after ``timeout_s``, for a command counted from the end of its validity.
    ``commands`` are speeches, of use for a while only: no breaker holds them back, and what is too late ends.
    ``in_order``: a receiver gets one thing after the other, whatever it is about.
    ``backfill`` says how late notices go out to receivers that have a way of their own.
    """

    policy: Policy
    breaker_backoff: Backoff
    per_receiver: int
    lease_s: float
    timeout_s: float
    commands: bool
    breaker_threshold: int = 5
    in_order: bool = False
    backfill: Mapping[str, Backfill] = field(default_factory=dict)


class Lane:
    """Serves ``channels``, by receiver, from the store's outbox; others may come and go meanwhile."""

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        settings: LaneSettings,
        *,
        owner: str,
        clock: Clock,
        metrics: DeliveryMetrics,
        pictures: PictureSource | None,
        films: FilmSource | None = None,
        unsaid: Unsaid | None = None,
        aloud: Aloud | None = None,
    ) -> None:
        self._aloud = aloud
        self._channels, self._settings = channels, settings
        self._clock, self._metrics, self._pictures, self._films = clock, metrics, pictures, films
        others = () if settings.commands or settings.in_order else channels
        self._backfill = {name: settings.backfill.get(name, Backfill()) for name in others}
        self._late = {name: Allowance(how.per_s) for name, how in self._backfill.items()}
        self._exchange = Exchange(
            store,
            owner,
            channels,
            lease_s=settings.lease_s,
            commands=settings.commands,
            unsaid=unsaid,
            in_order=settings.in_order,
            backfill=self._backfill,
        )
        self._endpoints: dict[str, Endpoint] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._stops: dict[int, asyncio.Future[str]] = {}
        self._health: dict[str, tuple[Health, str]] = {}
        self._ended: list[tuple[Attempt, Verdict]] = []
        self._recovered: set[str] = set()
        self._renewed_s = 0.0
        self._awake = asyncio.Event()
        self._stop_at_s: float | None = None
        self._store_trouble = ""

    def wake(self) -> None:
        """Look at the outbox now. Only from the lane's own event loop."""
        self._awake.set()

    def stop(self) -> None:
        """Take nothing more; ``run`` ends with the attempts under way. Only from the lane's event loop."""
        self._stop_at_s = asyncio.get_running_loop().time() + _GRACE_S
        self.wake()

    async def run(self) -> None:
        """Serve until ``stop``, or until cancelled."""
        with ThreadPoolExecutor(1, thread_name_prefix="outbox") as thread:
            try:
                while not self._finished():
                    self._awake.clear()
                    wait_s = await self._turn(thread)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(wait_s):
                            await self._awake.wait()
            finally:
                under_way = dict(self._tasks)
                for task in under_way.values():
                    task.cancel()
            if under_way:
                # The next service need not wait for these leases to end.
                await asyncio.gather(*under_way.values(), return_exceptions=True)
                with suppress(TransientError, DBAPIError):
                    await asyncio.to_thread(self._exchange.release, list(under_way), self._clock.now())

    def _finished(self) -> bool:
        if self._stop_at_s is None:
            return False
        return not (self._tasks or self._ended) or asyncio.get_running_loop().time() >= self._stop_at_s

    async def _turn(self, thread: ThreadPoolExecutor) -> float:
        """Exchange with the store and begin what it gives; return seconds until the next turn."""
        asked = self._asked()
        loop = asyncio.get_running_loop()
        now = self._clock.now()
        try:
            given = await loop.run_in_executor(thread, self._exchange, asked, now)
        except (TransientError, DBAPIError) as error:
            self._keep(asked, str(error.orig) if isinstance(error, DBAPIError) else str(error))
            return _STORE_RETRY_S
        except Exception:  # noqa: BLE001 - the worker's outer loop
            # A bug: the leases end, and the same ids go out again, which every receiver must bear.
            _log.exception("deliveries_not_recorded", deliveries=[a.row.id for a, _ in asked.verdicts])
            return _STORE_RETRY_S
        self._store_answered()
        for settled in given.settled:
            self._report(settled)
        for row in given.claimed:
            if (how := self._backfill.get(row.receiver)) and how.is_late(row.captured_at, now):
                self._late[row.receiver].took(1)
            self._endpoint(row.receiver).in_flight += 1
            self._stops[row.seq] = loop.create_future()
            self._tasks[row.seq] = asyncio.create_task(self._attempt(row))
        for seq, why in given.stop.items():
            if seq in self._stops and not self._stops[seq].done():
                self._stops[seq].set_result(why)
        return self._wait_s(given)

    def _asked(self) -> Asked:
        verdicts, self._ended = self._ended, []
        recovered, self._recovered = self._recovered, set()
        now_s = self._clock.monotonic()
        renew: tuple[int, ...] = ()
        if self._tasks and now_s - self._renewed_s >= self._settings.lease_s / 3:
            self._renewed_s, renew = now_s, tuple(self._tasks)
        health, self._health = self._health, {}
        room = {} if self._stop_at_s is not None else self._room(now_s)
        late = {name: allowance.room(now_s) for name, allowance in self._late.items()}
        return Asked(verdicts, recovered, renew, room, health, late)

    def _room(self, now_s: float) -> dict[str, int]:
        limit = self._settings.per_receiver
        endpoints = {name: self._endpoint(name) for name in self._channels}
        return {
            name: (limit if self._settings.commands else e.breaker.permits(now_s, limit)) - e.in_flight
            for name, e in endpoints.items()
        }

    def _endpoint(self, name: str) -> Endpoint:
        if name not in self._endpoints:
            breaker = Breaker(self._settings.breaker_threshold, self._settings.breaker_backoff)
            self._endpoints[name] = Endpoint(name, breaker)
        return self._endpoints[name]

    async def _attempt(self, row: OutboxRow) -> None:
        endpoint, settings = self._endpoint(row.receiver), self._settings
        now = self._clock.now()
        if row.attempts == 1:
            self._metrics.sent(row, now)
        ending = self._aloud.ending(row.id) if self._aloud else None
        if ending is None:
            row.valid_until = said_until(row)  # a process that has died may have said it from memory
        timeout_s = settings.timeout_s
        if row.valid_until is not None:
            timeout_s += (row.valid_until - now).total_seconds()
        channel, note = self._channels[row.receiver], self._exchange.note
        try:
            trying = (
                attempt(
                    row,
                    channel,
                    self._clock,
                    self._pictures,
                    timeout_s=timeout_s,
                    note=note,
                    films=self._films,
                )
                if ending is None
                else remembered(row, ending)
            )
            ended = await until_over(row, channel, trying, self._stops[row.seq])
        finally:
            endpoint.in_flight -= 1
            del self._tasks[row.seq], self._stops[row.seq]
        self._ended.append(self._judged(row, endpoint, ended))
        self.wake()

    def _judged(
        self, row: OutboxRow, endpoint: Endpoint, ended: Attempt | Stopped
    ) -> tuple[Attempt, Verdict]:
        if isinstance(ended, Stopped):
            return Attempt(row), ended
        down = endpoint.breaker.is_open
        if endpoint.heard(ended, self._clock.monotonic()):
            self._recovered.add(row.receiver)
        health = endpoint.health(ended)
        if self._settings.commands and health != endpoint.last_health:
            endpoint.last_health = health
            self._health[row.receiver] = health, str(ended.error or "")
        return ended, self._settings.policy.after(ended, self._clock.now(), down=down)

    def _wait_s(self, given: Given) -> float:
        wait_s = _POLL_S
        if given.next_due is not None:
            wait_s = min(wait_s, max(0.0, (given.next_due - self._clock.now()).total_seconds()))
        return min(wait_s, self._settings.lease_s / 3) if self._tasks else wait_s

    def _report(self, settled: Settled) -> None:
        row, verdict = settled.row, settled.verdict
        self._metrics.followed(row.receiver, _WORDS[type(verdict)])
        bound = _log.bind(alert_id=row.about, receiver=row.receiver, delivery=row.id)
        match verdict:
            case Done():
                self._metrics.delivered(row, row.finished_at or self._clock.now())
            case Dead() | Late():
                bound.error("delivery_failed", state=row.state, error=row.last_error)
            case Stopped():
                bound.info("speech_stopped", why=verdict.why, detail=verdict.detail)
            case Kept():
                bound.error("receiver_disabled", error=verdict.error)
            case Again():
                pass  # the receiver's trouble is logged when it changes

    def _keep(self, asked: Asked, trouble: str) -> None:
        """Hold on to what the store could not take now."""
        self._ended[:0] = asked.verdicts
        self._recovered |= set(asked.recovered)
        self._health = {**asked.health, **self._health}
        if trouble != self._store_trouble:
            _log.error("outbox_unavailable", error=trouble)
        self._store_trouble = trouble

    def _store_answered(self) -> None:
        if self._store_trouble:
            _log.info("outbox_recovered", after=self._store_trouble)
            self._store_trouble = ""
