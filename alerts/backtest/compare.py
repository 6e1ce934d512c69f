"""What would be raised beside what was, and what operators made of that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.backtest.past import Span
from alerts.incidents.incident import Incident
from alerts.rules.base import RuleSettings
from alerts.store.schema import IncidentRow
from lianfang.config import Config

COLUMNS = (
    "rule",
    "opened_at",
    "place",
    "camera",
    "zone",
    "subject",
    "people",
    "spoken",
    "escalated_at",
    "cleared_at",
    "was",
)


@dataclass(frozen=True)
class Line:
    """One incident of the report; ``had`` are those of the store that it is, ``was`` their states."""

    incident: Incident
    was: str
    had: tuple[str, ...] = ()

    def cells(self, zone: ZoneInfo) -> dict[str, str | int]:
        """Return the line by ``COLUMNS``; times are the community's."""
        incident = self.incident

        def local(at: datetime | None) -> str:
            return "" if at is None else at.astimezone(zone).isoformat(timespec="seconds")

        return {
            "rule": incident.rule,
            "opened_at": local(incident.opened_at),
            "place": incident.place,
            "camera": incident.camera,
            "zone": incident.zone,
            "subject": incident.subject,
            "people": incident.people,
            "spoken": incident.spoken,
            "escalated_at": local(incident.escalated_at),
            "cleared_at": local(incident.cleared_at),
            "was": self.was,
        }


def compared(
    config: Config, incidents: Sequence[Incident], session: Session, span: Span
) -> tuple[list[Line], dict[str, int]]:
    """Return a line per incident, and by state how many of the store's it does not have."""
    lines, missed = beside(config, incidents, session, span)
    return lines, dict(sorted(Counter(row.state for row in missed).items()))


def beside(
    config: Config, incidents: Sequence[Incident], session: Session, span: Span
) -> tuple[list[Line], list[IncidentRow]]:
    """Return a line per incident, and those of the store that are not among them, oldest first.

    Two are the same if rule, place and subject are, and one opened within the joining time of the other.
    """
    names = {*config.rules, *(incident.rule for incident in incidents)}
    rows = [
        row
        for row in session.scalars(select(IncidentRow).where(IncidentRow.rule.in_(names)))
        if span.holds(row.opened_at)
    ]
    lines, matched = [], set()
    for incident in incidents:
        rule = config.rules.get(incident.rule)
        near = timedelta(seconds=rule.join_s if isinstance(rule, RuleSettings) else 0)
        same = [
            row
            for row in rows
            if (row.rule, row.place, row.subject) == (incident.rule, incident.place, incident.subject)
            and abs(row.opened_at - incident.opened_at) <= near
        ]
        matched |= {row.id for row in same}
        was = " ".join(dict.fromkeys(row.state for row in same))
        lines.append(Line(incident, was, tuple(row.id for row in same)))
    missed = [row for row in rows if row.id not in matched]
    return lines, sorted(missed, key=lambda row: (row.opened_at, row.id))
