"""Speaking does not help, or there is nobody to speak: then people are told, once an incident."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from alerts.incidents.life import Event, after
from alerts.incidents.model import ChangeKind, State
from alerts.pipeline import route
from alerts.rules.base import RuleSettings
from alerts.store.incidents import add_change, enter
from alerts.store.schema import IncidentRow, OutboxRow
from lianfang.config import Config

Why = Literal["no_healthy_speaker", "not_said"]


def escalate(
    session: Session,
    config: Config,
    rule: RuleSettings,
    row: IncidentRow,
    *,
    captured_at: datetime,
    now: datetime,
    why: Why,
) -> None:
    """Tell people of ``row`` at once, unless they were told before or nobody is to be alarmed."""
    if row.escalated_at is not None or rule.record_only:
        return
    row.escalated_at = captured_at
    moved = enter(row, after(Event.STAYED, State(row.state)), now)
    data = {"camera": row.camera, "captured_at": captured_at.isoformat(), "why": why, **moved}
    add_change(session, row.id, ChangeKind.ESCALATED, "system", data, now)
    route.notify(session, config, rule, row, ChangeKind.ESCALATED, now, captured_at)


def unsaid(config: Config, session: Session, speech: OutboxRow, now: datetime) -> None:
    """Tell people of an incident that no speaker could say anything about, while somebody is there."""
    row = session.get(IncidentRow, speech.incident_id)
    rule = config.rules.get(row.rule) if row else None
    if row is not None and isinstance(rule, RuleSettings) and row.occupied:
        escalate(session, config, rule, row, captured_at=speech.captured_at, now=now, why="not_said")
