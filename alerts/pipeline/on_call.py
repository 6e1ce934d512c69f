"""Nobody has answered a case: the next one is called, in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from alerts.incidents.model import ChangeKind
from alerts.pipeline import route
from alerts.rules.base import RuleSettings
from alerts.store.incidents import add_change
from alerts.store.schema import IncidentRow
from lianfang.config import Config

_log = structlog.get_logger()


def next_ring(row: IncidentRow) -> int:
    """Return as the how-manyth the next one is called, from 1 on, since the case has been waiting."""
    is_same_wait = row.rung_at is not None and row.state_since is not None and row.rung_at >= row.state_since
    return row.rings + 1 if is_same_wait else 1


def ring(session: Session, config: Config, row: IncidentRow, at: datetime, late_s: int = 0) -> None:
    """Call the next one: the timeline says whom, and what reaches them is owed."""
    if config.on_call is None:
        return
    row.rings, row.rung_at = next_ring(row), at
    person = config.on_call.nth(row.rings).operator
    operator = config.api.operators.get(person)
    said = {"person": person, "name": operator.name if operator else person, "ring": row.rings}
    add_change(session, row.id, ChangeKind.RUNG, "system", said | ({"late_s": late_s} if late_s else {}), at)
    _log.warning("incident_rung", alert_id=row.id, rule=row.rule, person=person, ring=row.rings)
    rule = config.rules.get(row.rule)
    if isinstance(rule, RuleSettings):
        route.notify(session, config, rule, row, ChangeKind.RUNG, at, at)
