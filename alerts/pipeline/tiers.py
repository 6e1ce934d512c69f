"""Passing a case on to the next tier, by the clock or by a person, in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from alerts.incidents.limits import Timed
from alerts.incidents.model import ChangeKind, State
from alerts.pipeline import route
from alerts.rules.base import RuleSettings
from alerts.store.incidents import add_change
from alerts.store.schema import IncidentRow
from lianfang.config import Config
from lianfang.config.escalation import Tier


def timed(row: IncidentRow) -> Timed | None:
    """Return what the limits of a case depend on; None where it is muted, or of before there were limits."""
    if row.state_since is None or row.muted:
        return None
    return Timed(
        State(row.state), row.state_since, row.alarmed_at, row.overdue, row.tiers_reached, row.rung_at
    )


def forward(
    session: Session,
    config: Config,
    row: IncidentRow,
    number: int,
    actor: str,
    at: datetime,
    *,
    late_s: int = 0,
) -> None:
    """Let tier ``number`` hear of the case, and give it to the tier's cell if nobody has it."""
    tier = config.limits(row.severity).tiers[number]
    row.tiers_reached = sorted({*row.tiers_reached, number})
    if tier.cell and row.assignee is None and (cell := config.cell_of(row.point)) is not None:
        row.assignee = cell
        add_change(session, row.id, ChangeKind.ASSIGNED, actor, {"assignee": cell}, at)
    add_change(session, row.id, ChangeKind.FORWARDED, actor, named(tier, number, late_s), at)
    rule = config.rules.get(row.rule)
    if isinstance(rule, RuleSettings):
        route.notify(session, config, rule, row, ChangeKind.FORWARDED, at, at)


def named(tier: Tier, number: int, late_s: int) -> dict[str, str | int]:
    """Return what the timeline says of a tier; whoever reads it later may have another configuration."""
    late = {"late_s": late_s} if late_s else {}
    return {"tier": number + 1, "zh": tier.name.zh, "en": tier.name.in_language("en"), **late}
