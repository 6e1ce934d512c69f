"""Whether broadcasts help, and how often they cry wolf: the report behind the console's page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from alerts.api.answer import Answer
from alerts.api.dependencies import Dependencies
from alerts.api.models import Named, NamedInBoth
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.reports.effects import effects

_WEEK, _MOST = timedelta(days=7), timedelta(days=366)

Begin = Annotated[
    AwareDatetime | None, Query(alias="from", description="Incidents from then on; a week if not given.")
]
End = Annotated[
    AwareDatetime | None, Query(alias="to", description="Incidents before then; now if not given.")
]


class RuleEffect(Answer):
    """Incidents of one rule and camera that were spoken to: after how many broadcasts the place was clear.

    ``cleared_3`` is three or more, ``stayed`` never as far as anybody saw. Times are seconds from the first
    picture, None where nobody left.
    """

    rule: NamedInBoth
    point: Named
    camera: Named
    spoken: int
    cleared_1: int
    cleared_2: int
    cleared_3: int
    stayed: int
    mean_s: float | None
    median_s: float | None


class Effects(Answer):
    """What became of the incidents that opened from ``begin`` to before ``end``.

    ``night_a_week`` has, by speaker, false broadcasts in its quiet hours a week. ``worst_shift`` is the most
    false alarms of any 8 hours of the community's day (from midnight on); ``judged`` is how many incidents
    people have dealt with at all: without them none is false.
    """

    begin: AwareDatetime
    end: AwareDatetime
    effects: list[RuleEffect]
    incidents: int
    judged: int
    false_alarms: int
    false_a_shift: float
    worst_shift: int
    night_a_week: Mapping[str, float]


def router(deps: Dependencies) -> APIRouter:
    """Return /effects."""
    names = Names(deps.settings.config)
    routes = APIRouter(tags=["effects"], responses=described(HTTPStatus.UNPROCESSABLE_ENTITY))

    @routes.get("/effects")
    def show_effects(begin: Begin = None, end: End = None) -> Effects:
        """Show after how many broadcasts places were clear, and false alarms and broadcasts."""
        until = end or deps.clock.now()
        since = begin or until - _WEEK
        if not timedelta() < until - since <= _MOST:
            detail = "`from` before `to`, and a year between them at most"
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_span", detail)
        with deps.store.read() as session:
            report = effects(session, deps.config, since, until)
        named = [
            RuleEffect(
                **{**asdict(effect), "rule": names.rule(effect.rule), "camera": names.camera(effect.camera)},
                point=names.point_of(effect.camera),
            )
            for effect in report.effects
        ]
        return Effects(**{**asdict(report), "effects": named})

    return routes
