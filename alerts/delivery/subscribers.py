"""Tells subscribers what they are owed: in order, together where it can be, and not after their time.

What goes together in a message is written down before the first attempt: every later one is the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from alerts.channels.base import Channel, Delivery, Receipt
from alerts.delivery.attempt import PictureSource
from alerts.payload import Notice, notice_of
from alerts.publishing import Item, Message, Operation, Publisher, Subscribed
from alerts.store import Store, subscriptions
from alerts.store.schema import OutboxRow
from alerts.store.subscriptions import SubscriptionRow, receiver_of
from lianfang.clock import Clock
from lianfang.errors import PermanentError, TransientError

_log = structlog.get_logger()
_LOOK_S = 1.0
_LOOKED_AT = 200  # rows behind the first, for what may go along


@dataclass(frozen=True, slots=True)
class _Owed:
    """A row of the outbox for a message."""

    id: str
    incident: str
    item: Item


@dataclass(frozen=True, slots=True)
class _Draft:
    """What a message is to be: the first row, and those that may go along, or do if it is ``fixed``."""

    to: Subscribed
    kind: str
    operation: Operation
    owed: tuple[_Owed, ...]
    fixed: bool


class SubscriberChannel:
    """The way to everybody who subscribes with one receiver. Of one event loop."""

    def __init__(self, publisher: Publisher, store: Store, clock: Clock, pictures: PictureSource) -> None:
        self._publisher, self._store, self._clock, self._pictures = publisher, store, clock, pictures

    async def send(self, delivery: Delivery) -> Receipt:
        """Post the message that begins with ``delivery``; PermanentError where the subscription is over."""
        draft = await asyncio.to_thread(self._draft, delivery)
        try:
            draft, message = await self._post(draft)
        except PermanentError as error:
            if len(draft.owed) == 1 or error.disable:
                raise
            # One of them is to blame, and the others are not.
            draft, message = await self._post(replace(draft, owed=draft.owed[:1], fixed=False))
        name = delivery.payload["notify"]["subscription"]
        await asyncio.to_thread(self._taken, name, draft, message)
        return Receipt("taken", message.id)

    async def close(self) -> None:
        """Nothing to do: the connections are those of the receiver's channel."""

    async def _post(self, draft: _Draft) -> tuple[_Draft, Message]:
        draft, message = await asyncio.to_thread(self._fit, draft)
        if not draft.fixed:
            await asyncio.to_thread(self._fix, draft)
        await self._publisher.publish(draft.to, message)
        return draft, message

    def _draft(self, delivery: Delivery) -> _Draft:
        notify: Mapping[str, Any] = delivery.payload["notify"]
        name, kind, operation = notify["subscription"], notify["kind"], Operation(notify["operation"])
        with self._store.read() as session:
            now = self._store.now(session, self._clock.now())
            if why := subscriptions.over(session, name, now):
                raise PermanentError(why)
            row = session.get_one(SubscriptionRow, name)
            to = Subscribed(row.number, row.title, row.address)
            head = session.scalars(select(OutboxRow).where(OutboxRow.id == delivery.id)).one()
            fixed = "along" in notify
            if fixed:
                found = session.scalars(select(OutboxRow).where(OutboxRow.id.in_(notify["along"])))
                along = sorted(found, key=lambda one: one.seq)
            else:
                along = _alike(head, subscriptions.waiting(session, name, head.seq, _LOOKED_AT))
        first = _Owed(
            delivery.id,
            delivery.incident_id,
            Item(_notice(delivery.payload), delivery.pictures, delivery.created_at),
        )
        others = self._with_pictures(along[: self._publisher.most - 1], fixed=fixed)
        return _Draft(to, kind, operation, (first, *others), fixed)

    def _with_pictures(self, rows: Sequence[OutboxRow], *, fixed: bool) -> Iterator[_Owed]:
        for row in rows:
            found = self._pictures(row.about)
            if found is None and not fixed:
                return  # not known yet: it goes with a later one, and what comes after it, too
            pictures, missing = found or ((), "")
            payload = row.payload | ({"pictures_missing": missing} if missing else {})
            item = Item(_notice(payload), pictures, row.owed_since or row.created_at)
            yield _Owed(row.id, row.about, item)

    def _fit(self, draft: _Draft) -> tuple[_Draft, Message]:
        """Return the message, with no more along than there is room for."""
        while True:
            message = self._message(draft)
            size, count = len(message.body), len(draft.owed)
            if size <= self._publisher.most_bytes or draft.fixed:
                return draft, message
            if count == 1:
                raise PermanentError(
                    f"the message has {size} bytes; max_body_bytes is {self._publisher.most_bytes}"
                )
            draft = replace(draft, owed=draft.owed[: (count + 1) // 2])

    def _message(self, draft: _Draft) -> Message:
        newest = {one.incident: one.item for one in draft.owed}  # of two changes only the later one counts
        first, *others = newest
        items = [newest[first], *(newest[incident] for incident in others)]
        return self._publisher.message(draft.to, draft.kind, draft.operation, items)

    def _fix(self, draft: _Draft) -> None:
        """Write down what goes along: it counts as tried from now on, and is not taken back any more."""
        head, *along = (one.id for one in draft.owed)
        with self._store.write() as session:
            query = select(OutboxRow).where(OutboxRow.id.in_((head, *along)), OutboxRow.state == "pending")
            rows = {row.id: row for row in session.scalars(query.order_by(OutboxRow.seq).with_for_update())}
            if head not in rows:
                raise PermanentError("it is owed no more")
            if len(rows) <= len(along):
                raise TransientError("something of it was withdrawn meanwhile")
            for one in along:
                rows[one].attempts = max(rows[one].attempts, 1)
            notify = rows[head].payload["notify"] | {"along": along}
            rows[head].payload = rows[head].payload | {"notify": notify}

    def _taken(self, name: str, draft: _Draft, message: Message) -> None:
        head, *along = (one.id for one in draft.owed)
        with self._store.write() as session:
            now = self._store.now(session, self._clock.now())
            subscriptions.taken(session, name, head, along, now, message.id)


class Subscribers(Mapping[str, Channel]):
    """The ways to all who subscribe with ``publishers``, by the names of their subscriptions.

    Those that are in force, or are owed something; ``keep`` looks who that is.
    """

    def __init__(
        self,
        publishers: Mapping[str, Publisher],
        store: Store,
        clock: Clock,
        pictures: PictureSource,
    ) -> None:
        self._store, self._clock = store, clock
        self._ways = {
            name: SubscriberChannel(publisher, store, clock, pictures)
            for name, publisher in publishers.items()
        }
        self._names: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Channel:
        """Return the way to a subscriber."""
        return self._ways[receiver_of(name)]

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._names)

    async def keep(self) -> None:
        """Look who subscribes, and end what is owed to those who do no more; until cancelled."""
        while self._ways:
            try:
                self._names = await asyncio.to_thread(self._look)
            except (TransientError, DBAPIError) as error:
                _log.debug("subscriptions_unknown", error=str(error))  # the lanes say that the store is away
            await asyncio.sleep(_LOOK_S)

    def _look(self) -> tuple[str, ...]:
        with self._store.read() as session:
            now = self._store.now(session, self._clock.now())
            names = subscriptions.served(session, self._ways, now)
            over = [name for name in names if subscriptions.over(session, name, now)]
        if over:
            with self._store.write() as session:
                ended = subscriptions.end_owed(session, over, now)
            _log.info("subscriptions_over", count=len(over), ended=ended)
        return tuple(names)


def _alike(head: OutboxRow, rows: Sequence[OutboxRow]) -> list[OutboxRow]:
    """Return those of ``rows`` that may go along with ``head``: none passes one about the same incident."""
    wanted, passed, found = head.payload["notify"], set[str](), []
    for row in rows:
        notify = row.payload["notify"]
        if notify["kind"] != wanted["kind"]:
            continue
        if notify["operation"] == wanted["operation"] and row.about not in passed:
            found.append(row)
        else:
            passed.add(row.about)
    return found


def _notice(payload: Mapping[str, Any]) -> Notice:
    return notice_of({key: value for key, value in payload.items() if key != "notify"})
