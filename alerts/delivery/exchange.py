"""One exchange with the store: record what came of attempts, take what is due. Runs in the lane's thread."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from alerts.delivery.attempt import Attempt
from alerts.delivery.policy import Dead, Late, Verdict
from alerts.delivery.settle import Settled, apply, settle
from alerts.store import Store, due, outbox, receivers
from alerts.store.schema import OutboxRow

_BATCH = 64  # rows of one transaction: the other writers wait no longer than for these


@dataclass(frozen=True, slots=True)
class Asked:
    """What a lane brings along: verdicts, receivers that are back, leases to prolong, and room for more."""

    verdicts: Sequence[tuple[Attempt, Verdict]]
    recovered: Collection[str]
    renew: Collection[int]
    room: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Given:
    """What it gets: rows that are settled, rows to attempt, and when more is due (None: unknown).

    After anything was written there is another turn at once, because the commit wakes the lane.
    """

    settled: Sequence[Settled] = ()
    claimed: Sequence[OutboxRow] = ()
    next_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """Exchanges for ``mine``, the receivers of one lane, in the name of ``owner``.

    ``commands`` says that what they are owed is of use for a while only: too late, or owed to a receiver
    that is disabled, it ends.
    """

    store: Store
    owner: str
    mine: Collection[str]
    lease_s: float
    commands: bool

    def __call__(self, asked: Asked, now: datetime) -> Given:
        """Do it in one transaction. Nothing to do costs a short read, and no writer its turn.

        A warning waits for every statement here: beside a busy loop each may cost the 5 ms after which
        Python's threads take turns. So what is due is leased before anything else is looked at.
        """
        if asked.verdicts or asked.recovered or asked.renew:
            with self.store.write() as session:
                return self._whole(session, asked, now)
        with self.store.read() as session:
            if not due.has_pending(session, self.mine):
                return Given()
            off = receivers.disabled(session)
            heads = due.due_heads(session, now, _without(off, asked.room))[:_BATCH]
            if not heads and not self._overdue(session, now) and not self._stranded(session, off, now):
                return Given(next_due=due.next_due(session, now, self.mine))
        with self.store.write() as session:
            if not heads:
                return self._whole(session, asked, now)
            return Given(claimed=self._lease(session, heads, now))

    def _lease(self, session: Session, heads: Collection[int], now: datetime) -> list[OutboxRow]:
        return outbox.lease(session, heads, owner=self.owner, now=now, lease_s=self.lease_s)

    def _overdue(self, session: Session, now: datetime) -> Sequence[OutboxRow]:
        return outbox.overdue(session, now, self.mine) if self.commands else ()

    def _stranded(self, session: Session, off: Collection[str], now: datetime) -> Sequence[OutboxRow]:
        names = [name for name in self.mine if name in off and self.commands]
        return outbox.unserved(session, now, names) if names else ()

    def _whole(self, session: Session, asked: Asked, now: datetime) -> Given:
        off = receivers.disabled(session)
        settled = settle(session, asked.verdicts, owner=self.owner, now=now, speakers=self._able(off))
        off = receivers.disabled(session)  # a verdict may have disabled one
        for name in asked.recovered:
            outbox.hasten(session, name, now)
        for row in self._overdue(session, now):
            settled.append(self._end(session, row, Late(row.last_error), off, now))
        for row in self._stranded(session, off, now):
            settled.append(self._end(session, row, Dead("the speaker is disabled"), off, now))
        if asked.renew:
            until = now + timedelta(seconds=self.lease_s)
            outbox.renew(session, owner=self.owner, seqs=asked.renew, until=until)
        heads = due.due_heads(session, now, _without(off, asked.room))[:_BATCH]
        return Given(settled, self._lease(session, heads, now))

    def _end(
        self, session: Session, row: OutboxRow, verdict: Verdict, off: Collection[str], now: datetime
    ) -> Settled:
        apply(session, row, verdict, now=now, speakers=self._able(off))
        return Settled(row, verdict)

    def _able(self, off: Collection[str]) -> Collection[str]:
        return [name for name in self.mine if name not in off]

    def release(self, seqs: Collection[int], now: datetime) -> None:
        """Give leases back at the end of the service, so that the next one need not wait for them."""
        with self.store.write() as session:
            for row in outbox.taken(session, seqs).values():
                if row.lease_owner == self.owner:
                    outbox.retry(row, due_at=now, error="the service stopped meanwhile")


def _without(off: Collection[str], room: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in room.items() if name not in off}
