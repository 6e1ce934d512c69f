"""Who hears of an incident as it stands now, and in which mode."""

from __future__ import annotations

from collections.abc import Iterator

from alerts.payload import NoticeMode
from alerts.rules.base import RuleSettings
from alerts.store.schema import IncidentRow
from lianfang.config import Config


def listeners(rule: RuleSettings, row: IncidentRow) -> Iterator[tuple[str, NoticeMode]]:
    """Yield (receiver, mode) of those whom the rule names and who may hear of it."""
    for target in rule.notify:
        if row.confirmed_at is None and (target.mode == "live" or row.review):
            continue  # nothing reaches a live receiver that no person has confirmed, and no guess any
        if target.since == "escalated" and row.escalated_at is None:
            continue
        yield target.receiver, target.mode


def assigned(config: Config, row: IncidentRow) -> Iterator[tuple[str, NoticeMode]]:
    """Yield the receiver of the cell that the incident is assigned to: an operator has given it to them."""
    cell = config.grid_cells.get(row.assignee or "")
    if cell is not None and cell.receiver is not None:
        yield cell.receiver, "task"


def called(config: Config, row: IncidentRow, *, all_of_them: bool) -> Iterator[tuple[str, NoticeMode]]:
    """Yield the receivers of the one who was called last, or of everybody who was; of a guess none."""
    if config.on_call is None or not row.rings or (row.review and row.confirmed_at is None):
        return
    first = 1 if all_of_them else row.rings
    for n in range(first, min(row.rings, first + len(config.on_call.order) - 1) + 1):
        for receiver in config.on_call.nth(n).to:
            yield receiver, "task"


def forwarded(config: Config, row: IncidentRow) -> Iterator[tuple[str, NoticeMode]]:
    """Yield (receiver, mode) of the tiers that the case has come to, and that wait for nobody to press."""
    tiers = config.limits(row.severity).tiers
    for number in sorted(set(row.tiers_reached) - set(row.tiers_due)):
        tier = tiers[number] if number < len(tiers) else None
        if tier is None or (row.confirmed_at is None and (tier.mode == "live" or row.review)):
            continue
        cell = config.grid_cells.get(config.cell_of(row.point) or "") if tier.cell else None
        for receiver in (*tier.to, cell.receiver if cell else None):
            if receiver is not None:
                yield receiver, tier.mode
