"""Statistics of a time: what happened where and when, what people made of it, whether broadcasts help."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, fields
from datetime import date, timedelta
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from alerts.api.answer import Answer
from alerts.api.dependencies import Dependencies
from alerts.api.models import Named, NamedInBoth
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.api.sheet import CSV, sheet
from alerts.reports.availability import Pictures
from alerts.reports.effects import Effect
from alerts.reports.statistics import Statistics, statistics
from alerts.reports.tally import Tally

_WEEK, _MOST = timedelta(days=7), timedelta(days=366)

Begin = Annotated[
    AwareDatetime | None, Query(alias="from", description="Incidents from then on; a week if not given.")
]
End = Annotated[
    AwareDatetime | None, Query(alias="to", description="Incidents before then; now if not given.")
]
Table = Literal["rules", "points", "sources", "hours", "days", "cameras", "effects"]


class RuleTally(Answer):
    """What came of the incidents of a rule."""

    rule: NamedInBoth
    tally: Tally


class PointTally(Answer):
    """What came of the incidents at a point."""

    point: Named
    tally: Tally


class SourceTally(Answer):
    """What came of the incidents of a rule on a camera."""

    rule: NamedInBoth
    point: Named
    camera: Named
    tally: Tally


class CameraUptime(Answer):
    """For how much of the time a camera gave pictures, and for how much nobody knows: shares, 0-1."""

    camera: Named
    point: Named
    pictures: Pictures


class RuleEffect(Answer):
    """After how many broadcasts the places of a rule and camera were clear."""

    rule: NamedInBoth
    point: Named
    camera: Named
    effect: Effect


class StatisticsView(Answer):
    """Figures of the incidents that opened from ``begin`` to before ``end``.

    ``hours`` has 24 counts by the hour of the community's day. ``sources`` begin with the largest share of
    false alarms. ``mean_answer_s``: from when people were needed until one did something. ``night_a_week``
    has, by speaker, false broadcasts in its quiet hours a week; ``worst_shift`` is the most false alarms of
    any 8 hours of the community's day (from midnight on).
    """

    begin: AwareDatetime
    end: AwareDatetime
    total: Tally
    mean_answer_s: float | None
    rules: list[RuleTally]
    points: list[PointTally]
    sources: list[SourceTally]
    hours: list[int]
    days: Mapping[date, int]
    cameras: list[CameraUptime]
    effects: list[RuleEffect]
    false_a_shift: float
    worst_shift: int
    night_a_week: Mapping[str, float]


def router(deps: Dependencies) -> APIRouter:
    """Return the routes below /statistics."""
    names = Names(deps.settings.config)
    routes = APIRouter(
        prefix="/statistics",
        tags=["statistics"],
        responses=described(HTTPStatus.UNPROCESSABLE_ENTITY),
    )

    @routes.get("")
    def show_statistics(begin: Begin = None, end: End = None) -> StatisticsView:
        """Show the figures of a time, a year at most."""
        return _view(names, _found(deps, begin, end))

    @routes.get("/{table}.csv", response_class=StreamingResponse, responses=CSV)
    def export_statistics(table: Table, begin: Begin = None, end: End = None) -> StreamingResponse:
        """Give one table of them as CSV."""
        view = _view(names, _found(deps, begin, end))
        header, rows = _TABLES[table](view)
        return sheet(f"{table}.csv", header, rows)

    return routes


def _found(deps: Dependencies, begin: AwareDatetime | None, end: AwareDatetime | None) -> Statistics:
    until = end or deps.clock.now()
    since = begin or until - _WEEK
    if not timedelta() < until - since <= _MOST:
        detail = "`from` before `to`, and a year between them at most"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_span", detail)
    with deps.store.read() as session:
        return statistics(session, deps.config, since, until)


def _view(names: Names, found: Statistics) -> StatisticsView:
    at, effects = names.point_of, found.effects
    return StatisticsView(
        begin=found.begin,
        end=found.end,
        total=found.total,
        mean_answer_s=found.mean_answer_s,
        rules=[RuleTally(rule=names.rule(rule), tally=tally) for rule, tally in found.rules.items()],
        points=[PointTally(point=names.point(point), tally=tally) for point, tally in found.points.items()],
        sources=[
            SourceTally(rule=names.rule(rule), point=at(camera), camera=names.camera(camera), tally=tally)
            for rule, camera, tally in found.sources
        ],
        hours=list(found.hours),
        days=found.days,
        cameras=[
            CameraUptime(camera=names.camera(camera), point=at(camera), pictures=pictures)
            for camera, pictures in sorted(found.cameras.items(), key=lambda one: one[1].online)
        ],
        effects=[
            RuleEffect(
                rule=names.rule(one.rule), point=at(one.camera), camera=names.camera(one.camera), effect=one
            )
            for one in effects.effects
        ],
        false_a_shift=effects.false_a_shift,
        worst_shift=effects.worst_shift,
        night_a_week=effects.night_a_week,
    )


_COUNTS = [field.name for field in fields(Tally)]
_EFFECT = [field.name for field in fields(Effect)][2:]
_Sheet = tuple[Sequence[str], list[list[object]]]

_TABLES: Mapping[Table, Callable[[StatisticsView], _Sheet]] = {
    "rules": lambda view: (
        ["rule", *_COUNTS],
        [[one.rule.name.zh, *astuple(one.tally)] for one in view.rules],
    ),
    "points": lambda view: (
        ["point", *_COUNTS],
        [[one.point.name, *astuple(one.tally)] for one in view.points],
    ),
    "sources": lambda view: (
        ["rule", "point", "camera", *_COUNTS],
        [[one.rule.name.zh, one.point.name, one.camera.name, *astuple(one.tally)] for one in view.sources],
    ),
    "hours": lambda view: (["hour", "incidents"], [[hour, n] for hour, n in enumerate(view.hours)]),
    "days": lambda view: (["day", "incidents"], [[day.isoformat(), n] for day, n in view.days.items()]),
    "cameras": lambda view: (
        ["point", "camera", "online", "unknown"],
        [[one.point.name, one.camera.name, *astuple(one.pictures)] for one in view.cameras],
    ),
    "effects": lambda view: (
        ["rule", "point", "camera", *_EFFECT],
        [
            [one.rule.name.zh, one.point.name, one.camera.name, *astuple(one.effect)[2:]]
            for one in view.effects
        ],
    ),
}
