"""The time limits of an incident as the API shows them: what is overdue, and who hears of it when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alerts.api.models import TierStatus, Words
from alerts.incidents.limits import limit_at, tiers_ahead
from alerts.pipeline.tiers import timed
from alerts.store.schema import IncidentRow
from lianfang.config import Config


class Timing:
    """Reads limits out of rows, by the configuration as it is now."""

    def __init__(self, config: Callable[[], Config]) -> None:
        self._config = config

    def of(self, row: IncidentRow) -> dict[str, Any]:
        """Return ``overdue``, ``limit_at`` and ``tiers`` of an incident."""
        case, limits = timed(row), self._config().limits(row.severity)
        if case is None:
            return {"overdue": False, "limit_at": None, "tiers": []}
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
        return {"overdue": row.overdue, "limit_at": limit_at(case, limits), "tiers": tiers}


def _state(row: IncidentRow, number: int) -> str:
    if number in row.tiers_due:
        return "due"
    return "told" if number in row.tiers_reached else "ahead"
