"""One exchange with the store: record what came of attempts, take what is due. Runs in the lane's thread."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter

from sqlalchemy.orm import Session

from alerts.delivery.attempt import Attempt
from alerts.delivery.backfill import choose, mark
from alerts.delivery.policy import Dead, Late, Verdict
from alerts.delivery.settle import Settled, apply, settle
from alerts.notice_settings import Backfill
from alerts.store import Store, due, outbox, receivers, speakers
from alerts.store.incidents import hold
from alerts.store.schema import OutboxRow
from alerts.store.speakers import Health, Turns

_BATCH = 64  # rows of one transaction: the other writers wait no longer than for these


Unsaid = Callable[[Session, OutboxRow, datetime], None]
"""Told of a speech that no speaker could say, in the same transaction."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a lane brings along: verdicts, receivers that are back, leases to prolong, and room for more.

    ``health`` is how speakers have turned out to be, each with what was heard of it. ``late`` is how many
    late notices each receiver may have now.
    """

    verdicts: Sequence[tuple[Attempt, Verdict]]
    recovered: Collection[str]
    renew: Collection[int]
    room: Mapping[str, int]
    health: Mapping[str, tuple[Health, str]] = field(default_factory=dict)
    late: Mapping[str, int] = field(default_factory=dict)

    @property
    def writes(self) -> bool:
        """Whether anything of it must be written down."""
        return bool(self.verdicts or self.recovered or self.renew or self.health)


@dataclass(frozen=True, slots=True)
class Given:
    """What it gets: rows that are settled, rows to attempt, and when more is due (None: unknown).

    ``stop`` are speeches under way that are to be broken off, by ``seq``, and why. After anything was
    written there is another turn at once, because the commit wakes the lane.
    """

    settled: Sequence[Settled] = ()
    claimed: Sequence[OutboxRow] = ()
    next_due: datetime | None = None
    stop: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exchange:
    """Exchanges for ``mine``, the receivers of one lane, in the name of ``owner``.

    ``commands`` says that they are speakers: what they are owed is of use for a while only, and said one at
    a time. Too late, or owed to a receiver that is disabled, it ends. ``in_order``: each of them gets one
    thing after the other, whatever it is about. ``backfill`` says of each other receiver how what is late
    goes out. ``mine`` may change from one exchange to the next.
    """

    store: Store
    owner: str
    mine: Collection[str]
    lease_s: float
    commands: bool
    unsaid: Unsaid | None = None
    in_order: bool = False
    backfill: Mapping[str, Backfill] = field(default_factory=dict)

    def __call__(self, asked: Asked, now: datetime) -> Given:
        """Do it in one transaction. Nothing to do costs a short read, and no writer its turn.

        Leases are given and judged by the store's own time: the clocks of several machines differ.
        A warning waits for every statement here: beside a busy loop each may cost the 5 ms after which
        Python's threads take turns. So what is due is leased before anything else is looked at.
        """
        if asked.writes:
            with self.store.write() as session:
                return self._whole(session, asked, self.store.now(session, now))
        with self.store.read() as session:
            if not due.has_pending(session, self.mine):
                return Given()
            now = self.store.now(session, now)
            off = receivers.disabled(session)
            turns = self._turns(session, asked, off, now)
            idle = not turns.next and not turns.give_way
            if idle and not self._to_end(session, off, now, lock=False):
                return Given(next_due=due.next_due(session, now, self.mine), stop=turns.stop)
        with self.store.write() as session:
            if idle:
                return self._whole(session, asked, now)
            return Given(claimed=self._begin(session, turns, now), stop=turns.stop)

    def _turns(self, session: Session, asked: Asked, off: Collection[str], now: datetime) -> Turns:
        if self.commands:
            return speakers.turns(session, now, asked.room, owner=self.owner, off=off)
        room = {name: count for name, count in asked.room.items() if name not in off}
        if self.in_order:
            return Turns(next=due.due_heads(session, now, room, in_order=True)[:_BATCH])
        chosen = choose(session, now, room, asked.late, self.backfill)[:_BATCH]
        return Turns(next=[head.seq for head in chosen])

    def _begin(self, session: Session, turns: Turns, now: datetime) -> list[OutboxRow]:
        """Lease what is next, at a speaker together with the word there, and let others give way."""
        if turns.give_way:
            speakers.give_way(session, turns.give_way)
        rows = outbox.lease(session, turns.next, owner=self.owner, now=now, lease_s=self.lease_s)
        if self.commands:
            # In one order at every service: two that take several speakers do not wait for each other.
            in_turn = sorted(rows, key=attrgetter("receiver"))
            return [row for row in in_turn if self._has_the_word(session, row, now)]
        mark(session, rows, now, self.backfill)
        return rows

    def _has_the_word(self, session: Session, row: OutboxRow, now: datetime) -> bool:
        if speakers.take(session, row.receiver, row.seq, owner=self.owner, now=now, lease_s=self.lease_s):
            return True
        row.attempts -= 1  # another service was quicker: it speaks
        outbox.retry(row, due_at=now, error=row.last_error)
        return False

    def _to_end(
        self, session: Session, off: Collection[str], now: datetime, *, lock: bool = True
    ) -> list[tuple[OutboxRow, Verdict]]:
        """Return the commands that nobody will say any more: their time is over, or the speaker disabled."""
        if not self.commands:
            return []
        late = outbox.overdue(session, now, self.mine, lock=lock)
        names = [name for name in self.mine if name in off]
        stranded = outbox.unserved(session, now, names, lock=lock) if names else []
        ends: list[tuple[OutboxRow, Verdict]] = [
            (row, Late(row.last_error or self._why(session, row))) for row in late
        ]
        return ends + [(row, Dead("the speaker is disabled")) for row in stranded if row not in late]

    def _whole(self, session: Session, asked: Asked, now: datetime) -> Given:
        off = receivers.disabled(session)
        # Incidents first, all at once: whoever takes one after the other, in the order of what is owed, waits
        # for a writer that waits for it.
        ending = self._to_end(session, off, now, lock=False)
        concerned = hold(session, {row.about for row, _ in ending} | {a.row.about for a, _ in asked.verdicts})
        if self.commands and asked.verdicts:
            speakers.release(session, [attempt.row.seq for attempt, _ in asked.verdicts])
        settled = settle(session, asked.verdicts, owner=self.owner, now=now, speakers=self._able(off))
        off = receivers.disabled(session)  # a verdict may have disabled one
        for name in asked.recovered:
            outbox.hasten(session, name, now)
        for name, (health, detail) in sorted(asked.health.items()):
            speakers.heard(session, name, health, detail=detail, now=now)
        for row, verdict in self._to_end(session, off, now) if ending else ():
            if row.about not in concerned:
                continue  # it has become free only now: the next turn ends it
            settled.append(self._end(session, row, verdict, off, now))
        for done in settled:
            if self.unsaid is not None and done.unsaid:
                self.unsaid(session, done.row, now)
        if asked.renew:
            until = now + timedelta(seconds=self.lease_s)
            outbox.renew(session, owner=self.owner, seqs=asked.renew, until=until)
            if self.commands:
                speakers.renew(session, owner=self.owner, seqs=asked.renew, until=until)
        turns = self._turns(session, asked, off, now)
        return Given(settled, self._begin(session, turns, now), stop=turns.stop)

    def _why(self, session: Session, row: OutboxRow) -> str:
        """Return why a command was never tried."""
        if row.receiver in speakers.on_air(session, [row.receiver]):
            return "an emergency programme was on the air"
        return ""

    def _end(
        self, session: Session, row: OutboxRow, verdict: Verdict, off: Collection[str], now: datetime
    ) -> Settled:
        heir = apply(session, row, verdict, now=now, speakers=self._able(off))
        return Settled(row, verdict, heir)

    def _able(self, off: Collection[str]) -> Collection[str]:
        return [name for name in self.mine if name not in off]

    def note(self, seq: int, missing: str) -> None:
        """Write down what the message of a row says of pictures that are missing, before it is sent."""
        with self.store.write() as session:
            for row in outbox.taken(session, [seq]).values():
                row.payload = row.payload | {"pictures_missing": missing}

    def release(self, seqs: Collection[int], now: datetime) -> None:
        """Give leases back at the end of the service, so that the next one need not wait for them."""
        with self.store.write() as session:
            now = self.store.now(session, now)
            for row in outbox.taken(session, seqs).values():
                if row.lease_owner == self.owner:
                    outbox.retry(row, due_at=now, error="the service stopped meanwhile")
            if self.commands:
                speakers.release(session, seqs)
