"""Whether broadcasts help, and how often they cry wolf: the report behind the console's page."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from alerts.api.dependencies import Dependencies
from alerts.api.problems import ApiError, described
from alerts.reports.effects import Effects, effects

_WEEK, _MOST = timedelta(days=7), timedelta(days=366)

Begin = Annotated[
    AwareDatetime | None, Query(alias="from", description="Incidents from then on; a week if not given.")
]
End = Annotated[
    AwareDatetime | None, Query(alias="to", description="Incidents before then; now if not given.")
]


def router(deps: Dependencies) -> APIRouter:
    """Return /effects."""
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
            return effects(session, deps.config, since, until)

    return routes
