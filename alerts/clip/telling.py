"""Who is told that a clip is made, or that there is none."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from alerts.incidents.model import ChangeKind
from alerts.pipeline import route
from alerts.rules.base import RuleSettings
from alerts.store.clips import ClipRow
from alerts.store.incidents import add_change, held
from lianfang.config import Config


def settled(session: Session, config: Config, row: ClipRow, now: datetime) -> None:
    """Write what came of a clip into its incident's timeline, and owe it to those who want to know."""
    write_down(session, row, now)
    incident = held(session, row.incident_id)
    rule = config.rules.get(incident.rule) if incident else None
    if incident is not None and isinstance(rule, RuleSettings):
        route.notify(session, config, rule, incident, ChangeKind.CLIP, now, now)


def write_down(session: Session, row: ClipRow, now: datetime) -> None:
    """Write what is known of a clip into its incident's timeline."""
    data = {"clip": row.id, "state": row.state, "reason": row.reason}
    add_change(session, row.incident_id, ChangeKind.CLIP, "system", data, now)
