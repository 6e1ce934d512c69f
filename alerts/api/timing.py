"""The time limits of an incident as the API shows them: what is overdue, and who hears of it when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from alerts.actions import allowed
from alerts.api.models import Named, Ring, TierStatus, Words
from alerts.incidents.limits import limit_at, ring_at, tiers_ahead
from alerts.pipeline.on_call import next_ring
from alerts.pipeline.tiers import timed
from alerts.store.schema import IncidentRow
from lianfang.config import Config


class Timing:
    """Reads limits out of rows, by the configuration as it is now."""

    def __init__(self, config: Callable[[], Config]) -> None:
        self._config = config

    def of(self, row: IncidentRow) -> dict[str, Any]:
        """Return ``actions``, ``overdue``, ``limit_at``, ``tiers`` and ``ring`` of an incident."""
        config = self._config()
        case, limits, actions = timed(row), config.limits(row.severity), allowed(config, row)
        if case is None:
            return {"actions": actions, "overdue": False, "limit_at": None, "tiers": [], "ring": None}
        ahead = dict(tiers_ahead(case, limits))
        tiers = [
            TierStatus(
                name=Words(zh=tier.name.zh, en=tier.name.in_language("en")),
                state=_state(row, number),
                at=ahead.get(number),
                automatic=tier.automatic,
                live=tier.mode == "live",
                receivers=list(tier.to),
            )
            for number, tier in enumerate(limits.tiers)
            if number in ahead or number in row.tiers_reached
        ]
        return {
            "actions": actions,
            "overdue": row.overdue,
            "limit_at": limit_at(case, limits),
            "tiers": tiers,
            "ring": _ring(config, row, ring_at(case, config.call_after_s(row.severity))),
        }


def _ring(config: Config, row: IncidentRow, at: datetime | None) -> Ring | None:
    if config.on_call is None or (at is None and row.rung_at is None):
        return None

    def named(n: int) -> Named:
        called = config.on_call.nth(n).operator if config.on_call else ""
        operator = config.api.operators.get(called)
        return Named(id=called, name=operator.name if operator else called)

    return Ring(
        last=named(row.rings) if row.rung_at else None,
        last_at=row.rung_at,
        next=named(next_ring(row)) if at else None,
        next_at=at,
    )


def _state(row: IncidentRow, number: int) -> str:
    if number in row.tiers_due:
        return "due"
    return "told" if number in row.tiers_reached else "ahead"
