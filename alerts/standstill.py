"""全部停播: every broadcast ends, and for a while nothing is said; a person presses it, with a reason.

What may save a life and begins meanwhile is said all the same, unless the person stops that, too: then for
minutes only, and people are told of each such incident at once. What was going on when it was pressed stays
silent until somebody else comes, or the standstill is over. It is over by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.incidents.model import ChangeKind
from alerts.rules.base import RuleSettings
from alerts.store import Store, speakers, suppressions
from alerts.store.incidents import add_change
from alerts.store.schema import IncidentRow, SuppressionRow
from alerts.suppression.said import Kind, Suppression
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.ids import identify

MOST_MINUTES, MOST_FULL_MINUTES = 120, 10

_KINDS = (Kind.STANDSTILL, Kind.FULL_STANDSTILL)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Wanted:
    """For how many minutes, why, and whether also what may save a life is not said."""

    minutes: int
    reason: str
    full: bool = False


def begin(store: Store, config: Config, clock: Clock, author: str, wanted: Wanted) -> tuple[Suppression, int]:
    """Stop everything that is said and waits; return the word that is in force, and how many those were.

    A standstill that is in force gives way to the new one.
    """
    with store.write() as session:
        now = clock.now()
        _lift(session, author, clock)
        kind = Kind.FULL_STANDSTILL if wanted.full else Kind.STANDSTILL
        word = Suppression(
            id=identify("standstill", author, now.isoformat(), suppressions.newest(session)),
            kind=kind,
            since=now,
            until=now + timedelta(minutes=wanted.minutes),
            author=author,
            reason=wanted.reason,
            created_at=now,
        )
        suppressions.add(session, word)
        rows = speakers.stopped(session, "standstill", now=now)
        for incident_id in dict.fromkeys(row.incident_id for row in rows if row.incident_id):
            _hush(session, config, incident_id, word)
    _log.warning("everything_stopped", operator=author, minutes=wanted.minutes, full=wanted.full)
    return word, len(rows)


def end(store: Store, clock: Clock, by: str) -> bool:
    """End the standstill before its time; return whether there was one."""
    with store.write() as session:
        ended = _lift(session, by, clock)
    if ended:
        _log.warning("standstill_ended", operator=by)
    return ended


def current(store: Store, clock: Clock) -> Suppression | None:
    """Return the word by which nothing is said now, None without one."""
    with store.read() as session:
        return suppressions.standstill(session, clock.now())


def _lift(session: Session, by: str, clock: Clock) -> bool:
    now = clock.now()
    query = select(SuppressionRow).where(SuppressionRow.kind.in_(_KINDS), SuppressionRow.until > now)
    rows = list(session.scalars(query.where(SuppressionRow.lifted_at.is_(None))))
    for row in rows:
        suppressions.lift(session, row, by, now)
    return bool(rows)


def _hush(session: Session, config: Config, incident_id: str, word: Suppression) -> None:
    """Say nothing more of what is going on and may save a life; of the rest the word itself sees to that."""
    row = session.get(IncidentRow, incident_id)
    rule = config.rules.get(row.rule) if row else None
    if row is not None and isinstance(rule, RuleSettings) and rule.life_safety:
        row.hushed_at = word.since
        add_change(session, row.id, ChangeKind.HUSHED, word.author, {"standstill": word.reason}, word.since)
