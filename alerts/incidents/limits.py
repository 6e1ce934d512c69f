"""When a case is overdue, and when its next tier is due. Pure; times are the wall's, and given."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.incidents.life import ALARMING
from alerts.incidents.model import State
from lianfang.config.escalation import Escalation, Tier

_UNHANDLED = (*ALARMING, State.ACKNOWLEDGED, State.DISPATCHED)


@dataclass(frozen=True)
class Timed:
    """What the limits of a case depend on.

    ``since`` is when it came into its state (a case that escalates goes on waiting), ``alarmed_at`` since
    when people have been needed, None before that; ``reached`` are the tiers that it has come to, by number;
    ``rung_at`` is when somebody was last called because nobody answers, None where nobody was yet.
    """

    state: State
    since: datetime
    alarmed_at: datetime | None
    overdue: bool
    reached: Collection[int]
    rung_at: datetime | None = None


def limit_at(timed: Timed, limits: Escalation) -> datetime | None:
    """Return by when people must have done what the state asks for, None where it asks for nothing."""
    seconds = limits.handle_s if timed.state is State.DISPATCHED else None
    if timed.state in ALARMING:
        seconds = limits.acknowledge_s
    return None if seconds is None else timed.since + timedelta(seconds=seconds)


def tiers_ahead(timed: Timed, limits: Escalation) -> Iterator[tuple[int, datetime]]:
    """Yield (number, when) of every tier that it will come to if nobody does anything, in their order."""
    if timed.alarmed_at is None:
        return
    for number, tier in enumerate(limits.tiers):
        if number not in timed.reached and _is_needed(tier, timed.state):
            yield number, timed.alarmed_at + timedelta(seconds=tier.after_s)


def ring_at(timed: Timed, call_after_s: float | None) -> datetime | None:
    """Return when the next person is called if nobody answers, None if nobody will be."""
    if call_after_s is None or timed.state not in ALARMING:
        return None
    return max(timed.since, timed.rung_at or timed.since) + timedelta(seconds=call_after_s)


def next_at(timed: Timed, limits: Escalation, call_after_s: float | None = None) -> datetime | None:
    """Return when something happens to it next, None if nothing will."""
    moments = [at for _, at in tiers_ahead(timed, limits)]
    limit, ring = limit_at(timed, limits), ring_at(timed, call_after_s)
    if ring is not None:
        moments.append(ring)
    if limit is not None and not timed.overdue:
        moments.append(limit)
    return min(moments, default=None)


def _is_needed(tier: Tier, state: State) -> bool:
    return state in (ALARMING if tier.unless == "acknowledged" else _UNHANDLED)
