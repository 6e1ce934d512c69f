"""How often a rule in trial was right on its camera, as far as people have said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.incidents.model import State
from alerts.reports.tally import JUDGED
from alerts.store.schema import IncidentRow
from alerts.suppression.reasons import Reason


@dataclass(frozen=True, slots=True)
class Figure:
    """Incidents of a rule on a camera; of them those that people ``judged``, and that were false."""

    incidents: int = 0
    judged: int = 0
    false_alarms: int = 0


def figures(session: Session, since: datetime) -> Mapping[tuple[str, str], Figure]:
    """Return by (rule, camera) the figure of the incidents that opened since then; none where none did."""
    false = func.count().filter(IncidentRow.state == State.FALSE_ALARM)
    query = (
        select(IncidentRow.rule, IncidentRow.camera, func.count(), func.count().filter(JUDGED), false)
        .where(IncidentRow.opened_at >= since, IncidentRow.muted != Reason.WALK_TEST)
        .group_by(IncidentRow.rule, IncidentRow.camera)
    )
    return {(rule, camera): Figure(*counts) for rule, camera, *counts in session.execute(query)}
