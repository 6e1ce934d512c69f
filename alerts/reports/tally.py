"""Incidents of a time, counted by the database: the one place where a report's sums are made.

An incident is due once people are needed (``alarmed_at``). It is answered when one of them has taken it
(响应), and completed when it is closed, false or permitted (处结).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from alerts.incidents.life import FINAL, TAKEN
from alerts.incidents.model import State
from alerts.reports.sql import seconds_between
from alerts.store.schema import ChangeRow, IncidentRow
from alerts.suppression.reasons import Reason

JUDGED = or_(IncidentRow.confirmed_at.is_not(None), IncidentRow.state.in_((*FINAL, State.HANDLED)))
"""People have said what an incident was."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many ``incidents``, and of them: people were needed for, took, and completed; were spoken to.

    ``cleared`` are those of ``spoken`` where they left; ``false_alarms`` are of ``judged``.
    """

    incidents: int = 0
    due: int = 0
    answered: int = 0
    completed: int = 0
    spoken: int = 0
    cleared: int = 0
    judged: int = 0
    false_alarms: int = 0


def opened(begin: datetime, end: datetime) -> ColumnElement[bool]:
    """Return the condition of incidents that opened from ``begin`` to before ``end``; an index answers it.

    Those of walk tests are none.
    """
    span = (IncidentRow.opened_at >= begin) & (IncidentRow.opened_at < end)
    return span & (IncidentRow.muted != Reason.WALK_TEST)


def tallies(
    session: Session,
    span: ColumnElement[bool],
    *key: ColumnElement[Any] | Any,  # noqa: ANN401
) -> dict[tuple[Any, ...], Tally]:
    """Return the tally of each value of ``key``; of no key, one tally of them all."""
    due, spoken = IncidentRow.alarmed_at.is_not(None), IncidentRow.spoken > 0

    def count(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count().filter(condition)

    query = select(
        *key,
        func.count(),
        count(due),
        count(due & IncidentRow.state.in_((*TAKEN, *FINAL))),
        count(due & IncidentRow.state.in_(FINAL)),
        count(spoken),
        count(spoken & IncidentRow.cleared_at.is_not(None)),
        count(JUDGED),
        count(IncidentRow.state == State.FALSE_ALARM),
    )
    rows = session.execute(query.where(span).group_by(*key))
    return {tuple(row[: len(key)]): Tally(*row[len(key) :]) for row in rows}


def mean_answer_s(session: Session, span: ColumnElement[bool]) -> float | None:
    """Return the mean seconds from when people were needed until one of them did something; None for none."""
    first = (
        select(ChangeRow.incident_id, func.min(ChangeRow.at).label("at"))
        .join(IncidentRow, IncidentRow.id == ChangeRow.incident_id)
        .where(span, IncidentRow.alarmed_at.is_not(None), ChangeRow.actor != "system")
        .where(ChangeRow.at >= IncidentRow.alarmed_at)
        .group_by(ChangeRow.incident_id)
        .subquery()
    )
    waited_s = func.avg(seconds_between(IncidentRow.alarmed_at, first.c.at))
    found = session.scalar(select(waited_s).join(first, first.c.incident_id == IncidentRow.id))
    return None if found is None else round(float(found), 1)


def merged(found: Mapping[tuple[Any, ...], Tally]) -> Tally:
    """Return the one tally of a query without a key."""
    return found.get((), Tally())
