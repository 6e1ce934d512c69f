"""What a platform was told on a day, and whether it and the cameras were there: for operators."""

from __future__ import annotations

from datetime import date, timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from alerts.api.dependencies import Dependencies
from alerts.api.problems import ApiError, described
from alerts.api.receivers import check_known
from alerts.notice_settings import NoticeConfig
from alerts.reports import police

_REFUSALS = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)

Within = Annotated[float, Query(gt=0, le=86_400, description="Seconds that are in time.")]


def router(deps: Dependencies) -> APIRouter:
    """Return /receivers/{id}/days."""
    routes = APIRouter(tags=["receivers"])

    @routes.get("/receivers/{receiver_id}/days/{day}", responses=described(*_REFUSALS))
    def show_day_of_receiver(receiver_id: str, day: date, within: Within = 60) -> police.Report:
        """Show what a receiver of notices was told on a day of the community's, and what was there."""
        check_known(deps, receiver_id)
        if not isinstance(deps.config.receivers[receiver_id], NoticeConfig):
            raise ApiError(HTTPStatus.CONFLICT, "no_notices", f"{receiver_id} gets no notices")
        config = deps.settings.config()
        with deps.store.read() as session:
            return police.report(
                session, config, receiver_id, day, timedelta(seconds=within), deps.clock.now()
            )

    return routes
