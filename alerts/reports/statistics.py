"""What happened in a time, where, when, and what people made of it: the figures behind the console's page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from alerts.reports import availability
from alerts.reports.availability import Pictures
from alerts.reports.effects import Effects, effects
from alerts.reports.sql import QUARTER_S, quarter_of
from alerts.reports.tally import Tally, mean_answer_s, merged, opened, tallies
from alerts.store.schema import IncidentRow
from lianfang.config import Config


@dataclass(frozen=True, slots=True)
class Statistics:
    """Figures of the incidents that opened from ``begin`` to before ``end``.

    ``hours`` has 24 counts by the hour of the community's day, ``days`` one by each of its days. ``rules``
    and ``points`` are by id; ``sources`` by (rule, camera), those with the largest share of false alarms
    first. ``cameras`` says for how much of the time each gave pictures.
    """

    begin: datetime
    end: datetime
    total: Tally
    mean_answer_s: float | None
    rules: Mapping[str, Tally]
    points: Mapping[str, Tally]
    sources: Sequence[tuple[str, str, Tally]]
    hours: Sequence[int]
    days: Mapping[date, int]
    cameras: Mapping[str, Pictures]
    effects: Effects


def statistics(session: Session, config: Config, begin: datetime, end: datetime) -> Statistics:
    """Return the figures of a time."""
    span = opened(begin, end)
    hours, days = _when(session, span, begin, end, config.community.zone)
    sources = tallies(session, span, IncidentRow.rule, IncidentRow.camera)
    return Statistics(
        begin=begin,
        end=end,
        total=merged(tallies(session, span)),
        mean_answer_s=mean_answer_s(session, span),
        rules=_by_size(tallies(session, span, IncidentRow.rule)),
        points=_by_size(tallies(session, span, IncidentRow.point)),
        sources=sorted(((rule, camera, tally) for (rule, camera), tally in sources.items()), key=_falseness),
        hours=hours,
        days=days,
        cameras=availability.cameras(session, config.cameras, begin, end),
        effects=effects(session, config, begin, end),
    )


def _by_size(found: Mapping[tuple[str, ...], Tally]) -> dict[str, Tally]:
    return {key: tally for (key,), tally in sorted(found.items(), key=lambda one: -one[1].incidents)}


def _falseness(source: tuple[str, str, Tally]) -> tuple[float, int, str, str]:
    """Order by the share of false alarms, then by their number: the worst first."""
    rule, camera, tally = source
    return -tally.false_alarms / max(tally.judged, 1), -tally.incidents, rule, camera


def _when(
    session: Session, span: ColumnElement[bool], begin: datetime, end: datetime, zone: ZoneInfo
) -> tuple[list[int], dict[date, int]]:
    """Return how many opened in each hour of the day, and on each day, where people live."""
    quarter = quarter_of(IncidentRow.opened_at)
    rows = session.execute(select(quarter, func.count()).where(span).group_by(quarter))
    by_hour: Counter[int] = Counter()
    by_day: Counter[date] = Counter()
    for number, count in rows:
        local = datetime.fromtimestamp(number * QUARTER_S, UTC).astimezone(zone)
        by_hour[local.hour] += count
        by_day[local.date()] += count
    first, last = begin.astimezone(zone).date(), (end - timedelta(microseconds=1)).astimezone(zone).date()
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [by_hour[hour] for hour in range(24)], {day: by_day[day] for day in days}
