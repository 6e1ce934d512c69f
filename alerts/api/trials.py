"""Rules that are new on a camera: how long already, how often they were wrong, and the word that ends it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints
from sqlalchemy import select

from alerts import trials
from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.models import Named, NamedInBoth
from alerts.api.names import Names
from alerts.api.problems import described
from alerts.api.suppressions import refusals
from alerts.reports.trials import Figure, figures
from alerts.store.schema import SuppressionRow
from alerts.suppression.said import Kind
from lianfang.config import Config


class SignOff(BaseModel):
    """The rule is right here: from now on it speaks and tells. ``early``: although its days are not over."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
    early: bool = False


class TrialView(BaseModel):
    """A rule in trial on a camera; from ``ends_at`` on it may be signed off.

    ``figure`` is that of now, or of when it was signed off.
    """

    id: str
    rule: NamedInBoth
    point: Named
    camera: Named
    since: AwareDatetime
    ends_at: AwareDatetime
    figure: Figure
    signed_off_at: AwareDatetime | None
    signed_off_by_name: str
    reason: str


def router(deps: Dependencies) -> APIRouter:
    """Return the routes below /trials."""
    names = Names(deps.settings.config)
    routes = APIRouter(
        prefix="/trials",
        tags=["trials"],
        responses=described(HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.FORBIDDEN),
    )

    @routes.get("")
    def list_trials(
        over: Annotated[bool, Query(description="Those that were signed off as well.")] = False,
    ) -> list[TrialView]:
        """List the trials of the rules and cameras that there are, the oldest first."""
        query = select(SuppressionRow).where(
            SuppressionRow.kind == Kind.TRIAL, SuppressionRow.until.is_(None)
        )
        if not over:
            query = query.where(SuppressionRow.lifted_at.is_(None))
        with deps.store.read() as session:

            @lru_cache  # those of one start began together
            def of(since: datetime) -> Mapping[tuple[str, str], Figure]:
                return figures(session, since)

            return [
                _view(names, deps.config, row, of(row.created_at).get((row.rules[0], row.camera), Figure()))
                for row in session.scalars(query.order_by(SuppressionRow.created_at, SuppressionRow.id))
            ]

    @routes.post("/{trial_id}/sign-off", responses=described(HTTPStatus.NOT_FOUND))
    def sign_off_trial(trial_id: str, body: SignOff, user: CurrentSession) -> TrialView:
        """End a trial: what still holds is heard."""
        with refusals("no_trial"):
            row = trials.sign_off(
                deps.store, deps.config, deps.clock, trial_id, user.operator, body.reason, early=body.early
            )
        return _view(names, deps.config, row, Figure())

    return routes


def _view(names: Names, config: Config, row: SuppressionRow, now: Figure) -> TrialView:
    (rule,) = row.rules
    return TrialView(
        id=row.id,
        rule=names.rule(rule),
        point=names.point_of(row.camera),
        camera=names.camera(row.camera),
        since=row.created_at,
        ends_at=row.created_at + timedelta(days=trials.days(config, rule)),
        figure=Figure(**row.figure) if row.figure is not None else now,
        signed_off_at=row.lifted_at,
        signed_off_by_name=names.operator(row.lifted_by),
        reason=row.lifted_why,
    )
