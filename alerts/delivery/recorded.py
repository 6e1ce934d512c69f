"""Tells subscribers how cameras and tollgates are: all of them at the start, then each that has changed.

That is a state and no news: nothing is owed, and what is told is how it is at that time.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError

from alerts.delivery.backoff import Backoff
from alerts.publishing import Operation, Publisher, Record, Subscribed
from alerts.store import Store, subscriptions
from alerts.store.subscriptions import SubscriptionRow
from lianfang.clock import Clock
from lianfang.errors import PermanentError, TransientError

_log = structlog.get_logger()
_EVERY_S = 2.0
_LEASE = timedelta(seconds=120)  # beyond the time-out of any attempt


@dataclass
class _Trying:
    """What this process knows of a subscriber that it tells: the message under way, and how often it failed.

    ``at`` is the time of that message, the same on each attempt as long as it says the same.
    """

    said: tuple[tuple[str, str], ...] = ()
    at: datetime | None = None
    failures: int = 0
    not_before_s: float = 0.0
    trouble: str = ""


@dataclass
class RecordsTold:
    """Tells those who subscribe to records with ``publishers``, by receiver. Of one event loop."""

    publishers: Mapping[str, Publisher]
    store: Store
    clock: Clock
    backoff: Backoff
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict, init=False)
    _trying: dict[str, _Trying] = field(default_factory=dict, init=False)

    async def keep(self, every_s: float = _EVERY_S) -> None:
        """Look what has changed, every so many seconds; until cancelled."""
        try:
            while self.publishers:
                for name, publisher in self.publishers.items():
                    try:
                        await self._look(name, publisher)
                    except (TransientError, DBAPIError) as error:
                        _log.debug("records_unknown", receiver=name, error=str(error))
                await asyncio.sleep(every_s)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _look(self, receiver: str, publisher: Publisher) -> None:
        rows = await asyncio.to_thread(self._subscriptions, receiver)
        if not rows:
            return
        records = await asyncio.to_thread(publisher.records)
        for row in rows:
            waits = self._trying.setdefault(row.id, _Trying()).not_before_s > self.clock.monotonic()
            if row.id in self._tasks or waits or not _due(row, records, row.told):
                continue
            # Each by itself: one that is dead holds up nobody.
            task = asyncio.create_task(self._tell(row, publisher))
            self._tasks[row.id] = task
            task.add_done_callback(lambda _, name=row.id: self._tasks.pop(name, None))  # type: ignore[misc]

    def _subscriptions(self, receiver: str) -> list[SubscriptionRow]:
        with self.store.read() as session:
            now = self.store.now(session, self.clock.now())
            return subscriptions.in_force(session, receiver, now)

    async def _tell(self, row: SubscriptionRow, publisher: Publisher) -> None:
        """Tell one subscriber of the first that it does not know, and of others like it."""
        trying = self._trying[row.id]
        try:
            told = await asyncio.to_thread(self._begin, row.id)
            if told is None:
                return  # somebody else does, or nothing may be sent now
            # How it is now: before it was our turn another service may have told of something newer.
            due = _due(row, await asyncio.to_thread(publisher.records), told)
            if not due:
                await asyncio.to_thread(self._end, row.id, {})
                return
            operation = _operation(due[0], told)
            some = [r for r in due if r.kind == due[0].kind and _operation(r, told) is operation]
            some = some[: publisher.most]
            digests = {record.code: _digest(record) for record in some}
            known: Mapping[str, str] = {}
            try:
                await self._post(row, publisher, operation, some, trying)
            except TransientError as error:
                self._failed(row, trying, error)
            except PermanentError as error:
                _log.warning("records_refused", subscription=row.id, codes=list(digests), error=str(error))
                known = digests  # until they change
            else:
                known = digests
                self._recovered(row, trying)
            await asyncio.to_thread(self._end, row.id, known)
        except (TransientError, DBAPIError) as error:
            self._failed(row, trying, error)  # the store is away

    async def _post(
        self,
        row: SubscriptionRow,
        publisher: Publisher,
        operation: Operation,
        records: Sequence[Record],
        trying: _Trying,
    ) -> None:
        said = ((str(operation), ""), *((record.code, _digest(record)) for record in records))
        if trying.said != said or trying.at is None:
            trying.said, trying.at = said, self.clock.now()
        to = Subscribed(row.number, row.title, row.address)
        message = await asyncio.to_thread(publisher.telling, to, operation, records, trying.at)
        await publisher.publish(to, message)

    def _failed(self, row: SubscriptionRow, trying: _Trying, error: Exception) -> None:
        trying.failures += 1
        trying.not_before_s = self.clock.monotonic() + self.backoff.delay_s(trying.failures)
        trouble = str(error).partition(":")[0]
        if trouble != trying.trouble:
            _log.warning("records_not_told", subscription=row.id, error=str(error))
        trying.trouble = trouble

    def _recovered(self, row: SubscriptionRow, trying: _Trying) -> None:
        if trying.trouble:
            _log.info("records_told_again", subscription=row.id, after=trying.trouble)
        trying.said, trying.at, trying.failures, trying.trouble = (), None, 0, ""

    def _begin(self, name: str) -> Mapping[str, Any] | None:
        with self.store.write() as session:
            now = self.store.now(session, self.clock.now())
            return subscriptions.begin_telling(session, name, now, now + _LEASE)

    def _end(self, name: str, known: Mapping[str, str]) -> None:
        with self.store.write() as session:
            subscriptions.end_telling(session, name, known, self.store.now(session, self.clock.now()))


def _due(row: SubscriptionRow, records: Sequence[Record], told: Mapping[str, Any]) -> list[Record]:
    """Return the records that a subscription asks for and has not been told of as they are."""
    return [
        record
        for record in records
        if record.number in row.kinds
        and (not row.resources or record.code in row.resources)
        and told.get(record.code) != _digest(record)
    ]


def _operation(record: Record, told: Mapping[str, Any]) -> Operation:
    return Operation.CHANGE if record.code in told else Operation.ADD


def _digest(record: Record) -> str:
    return hashlib.sha256(json.dumps(record.body, sort_keys=True).encode()).hexdigest()[:32]
