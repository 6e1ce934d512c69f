"""Do broadcasts help, and how often do they cry wolf? Counted in the store, from what operators decided.

Two aims stand beside the figures: at most 10 false operator alarms in a shift of 8 hours, for a room of 264
cameras, and at most 1 false broadcast a speaker and week at night.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from alerts.channels.base import SpeakerConfig
from alerts.incidents.model import State
from alerts.reports.sql import seconds_between
from alerts.reports.tally import merged, opened, tallies
from alerts.store.schema import IncidentRow, OutboxRow
from lianfang.config import Config

FALSE_ALARMS_A_SHIFT = 10
FALSE_NIGHT_BROADCASTS_A_WEEK = 1
_SHIFT, _WEEK = timedelta(hours=8), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Effect:
    """Incidents of one rule and camera that were spoken to: after how many broadcasts the place was clear.

    ``cleared_3`` is three or more, ``stayed`` never as far as anybody saw. Times are seconds from the first
    picture, None where nobody left.
    """

    rule: str
    camera: str
    spoken: int
    cleared_1: int
    cleared_2: int
    cleared_3: int
    stayed: int
    mean_s: float | None
    median_s: float | None


@dataclass(frozen=True, slots=True)
class Effects:
    """A report over incidents that opened from ``begin`` to before ``end``.

    ``night_a_week`` has, by speaker, false broadcasts in its quiet hours a week. ``worst_shift`` is the most
    false alarms of any 8 hours of the community's day (from midnight on); ``judged`` is how many incidents
    people have dealt with at all: without them none is false.
    """

    begin: datetime
    end: datetime
    effects: Sequence[Effect]
    incidents: int
    judged: int
    false_alarms: int
    false_a_shift: float
    worst_shift: int
    night_a_week: Mapping[str, float]


def effects(session: Session, config: Config, begin: datetime, end: datetime) -> Effects:
    """Return the report of the incidents that opened from ``begin`` to before ``end``."""
    span = opened(begin, end)
    total = merged(tallies(session, span))
    false = session.scalars(
        select(IncidentRow.opened_at).where(span, IncidentRow.state == State.FALSE_ALARM)
    ).all()
    shifts = Counter(_shift(at.astimezone(config.community.zone)) for at in false)
    return Effects(
        begin=begin,
        end=end,
        effects=_effects(session, span),
        incidents=total.incidents,
        judged=total.judged,
        false_alarms=total.false_alarms,
        false_a_shift=total.false_alarms / ((end - begin) / _SHIFT),
        worst_shift=max(shifts.values(), default=0),
        night_a_week=_night(session, config, span, (end - begin) / _WEEK),
    )


def _effects(session: Session, span: ColumnElement[bool]) -> list[Effect]:
    clear_s = seconds_between(IncidentRow.opened_at, IncidentRow.cleared_at)
    cleared = IncidentRow.cleared_at.is_not(None)
    key = (IncidentRow.rule, IncidentRow.camera)
    spoken = (span, IncidentRow.spoken > 0)
    medians = _medians(session, spoken)

    def after(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    query = (
        select(
            *key,
            func.count(),
            after(cleared & (IncidentRow.spoken == 1)),
            after(cleared & (IncidentRow.spoken == 2)),
            after(cleared & (IncidentRow.spoken >= 3)),
            after(~cleared),
            func.avg(clear_s),
        )
        .where(*spoken)
        .group_by(*key)
        .order_by(*key)
    )
    return [
        Effect(
            rule, camera, n, one, two, three, stayed, _rounded(mean), _rounded(medians.get((rule, camera)))
        )
        for rule, camera, n, one, two, three, stayed, mean in session.execute(query)
    ]


def _medians(session: Session, spoken: Sequence[ColumnElement[bool]]) -> dict[tuple[str, str], float]:
    """Return the median time to clear by rule and camera: SQLite has no function for it."""
    key = (IncidentRow.rule, IncidentRow.camera)
    clear_s = seconds_between(IncidentRow.opened_at, IncidentRow.cleared_at).label("clear_s")
    ranked = (
        select(
            *key,
            clear_s,
            func.row_number().over(partition_by=key, order_by=clear_s).label("rank"),
            func.count().over(partition_by=key).label("n"),
        )
        .where(*spoken, IncidentRow.cleared_at.is_not(None))
        .subquery()
    )
    c = ranked.c
    middle = (c.rank * 2 >= c.n) & (c.rank * 2 <= c.n + 2)
    query = select(c.rule, c.camera, func.avg(c.clear_s)).where(middle).group_by(c.rule, c.camera)
    return {(rule, camera): median for rule, camera, median in session.execute(query)}


def _night(session: Session, config: Config, span: ColumnElement[bool], weeks: float) -> dict[str, float]:
    """Return false broadcasts in the quiet hours, by speaker and week; only those that were are read."""
    query = (
        select(OutboxRow.receiver, OutboxRow.captured_at, IncidentRow.camera)
        .join(IncidentRow, IncidentRow.id == OutboxRow.incident_id)
        .where(span, IncidentRow.state == State.FALSE_ALARM, OutboxRow.kind == "speech")
        .where(OutboxRow.state.in_(("delivered", "stopped")))  # what nobody heard woke nobody
    )
    quiet = {name: s.quiet for name, s in config.receivers.items() if isinstance(s, SpeakerConfig)}
    nights = Counter(
        receiver
        for receiver, at, camera in session.execute(query)
        if receiver in quiet and quiet[receiver].applies(at, config.almanac(camera))
    )
    return {name: nights[name] / weeks for name in quiet}


def _shift(local: datetime) -> tuple[object, int]:
    return local.date(), local.hour // 8


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 1)
