"""What goes out late: after what is new, no faster than the receiver is to bear, and marked as what it is.

Late is what is about something that was seen more than ``after_s`` ago. Where the incident is not over, it
goes as it is: somebody may still be in the water.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.incidents.life import FINAL
from alerts.notice_settings import Backfill
from alerts.store import due
from alerts.store.schema import IncidentRow, OutboxRow


class Allowance:
    """So many a second, and no more than those of a second (or one) at once.

    Times are seconds of one monotonic clock. Not thread-safe: one event loop owns it.
    """

    def __init__(self, per_s: float) -> None:
        self._per_s, self._most = per_s, max(per_s, 1.0)
        self._left = self._most
        self._at_s: float | None = None

    def room(self, now_s: float) -> int:
        """Return how many may go now."""
        if self._at_s is not None:
            self._left = min(self._most, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        return int(self._left)

    def took(self, count: int) -> None:
        """Take note that ``count`` of them went: some need not have waited."""
        self._left = max(0.0, self._left - count)


def choose(
    session: Session,
    now: datetime,
    room: Mapping[str, int],
    allowed: Mapping[str, int],
    settings: Mapping[str, Backfill],
) -> Sequence[due.Head]:
    """Return which due heads go next: as many as there is ``room`` for, and of what is late ``allowed``."""
    since = {name: settings[name].late_until(now) for name in room}
    chosen = list(due.new_heads(session, now, room, since))
    left = Counter(room) - Counter(head.receiver for head in chosen)
    if not left:
        return chosen
    left_of = {name: left[name] for name in room}
    over = {name: min(left[name], allowed[name]) for name in room}
    for head in due.late_heads(session, now, left_of, over, since):
        if left[head.receiver] > 0:
            left[head.receiver] -= 1
            chosen.append(head)
    return chosen


def mark(
    session: Session, rows: Iterable[OutboxRow], now: datetime, settings: Mapping[str, Backfill]
) -> None:
    """Mark those of ``rows`` that are live, late and about what is over: nobody is to be sent out.

    They were leased in this transaction. What an earlier attempt may have told the receiver stays as it is.
    """
    late = [
        row
        for row in rows
        if row.unsure == 1
        and row.payload["mode"] == "live"
        and row.receiver in settings
        and settings[row.receiver].is_late(row.captured_at, now)
    ]
    if not late:
        return
    incidents = select(IncidentRow).where(IncidentRow.id.in_({row.incident_id for row in late}))
    over = {row.id for row in session.scalars(incidents) if row.ended_at is not None or row.state in FINAL}
    for row in late:
        if row.incident_id in over:
            row.payload = row.payload | {"mode": "backfill"}
