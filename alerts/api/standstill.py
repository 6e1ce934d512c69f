"""全部停播: one key for every broadcast, visible to all, and over by itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from alerts import standstill
from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.names import Names
from alerts.api.problems import described
from alerts.api.settings_models import Why
from alerts.standstill import MOST_FULL_MINUTES, MOST_MINUTES
from alerts.suppression.said import Kind


class Standstill(BaseModel):
    """Nothing is said from ``since`` until ``until``. ``full``: not even what may save a life."""

    since: AwareDatetime
    until: AwareDatetime
    left_s: float
    full: bool
    reason: str
    author: str
    author_name: str


class StandstillState(BaseModel):
    """The standstill that is in force, null without one. ``speeches``: how many were just broken off."""

    standstill: Standstill | None
    speeches: int = 0


class StopEverything(BaseModel):
    """Stop every broadcast for so many minutes. ``full``: also what may save a life, 10 minutes at most."""

    model_config = ConfigDict(extra="forbid")

    minutes: Annotated[int, Field(ge=1, le=MOST_MINUTES)] = 10
    full: bool = False
    reason: Why

    @model_validator(mode="after")
    def _short_where_lives_are_concerned(self) -> Self:
        if self.full and self.minutes > MOST_FULL_MINUTES:
            raise ValueError(f"{MOST_FULL_MINUTES} minutes at most where lives are concerned")
        return self


def router(deps: Dependencies) -> APIRouter:
    """Return the routes below /standstill."""
    names = Names(deps.settings.config)
    routes = APIRouter(
        prefix="/standstill",
        tags=["speakers"],
    )

    def shown(speeches: int = 0) -> StandstillState:
        word, now = standstill.current(deps.store, deps.clock), deps.clock.now()
        if word is None or word.until is None:
            return StandstillState(standstill=None, speeches=speeches)
        found = Standstill(
            since=word.since,
            until=word.until,
            left_s=(word.until - now).total_seconds(),
            full=word.kind is Kind.FULL_STANDSTILL,
            reason=word.reason,
            author=word.author,
            author_name=names.operator(word.author),
        )
        return StandstillState(standstill=found, speeches=speeches)

    @routes.get("")
    def show_standstill() -> StandstillState:
        """Show whether every broadcast is stopped, until when, by whom and why."""
        return shown()

    @routes.post("", responses=described(HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY))
    def stop_everything(body: StopEverything, user: CurrentSession) -> StandstillState:
        """Break off everything that is said, and say nothing for a while; one in force gives way to it."""
        wanted = standstill.Wanted(body.minutes, body.reason, body.full)
        _, speeches = standstill.begin(deps.store, deps.config, deps.clock, user.operator, wanted)
        return shown(speeches)

    @routes.post("/end", responses=described(HTTPStatus.FORBIDDEN))
    def end_standstill(user: CurrentSession) -> StandstillState:
        """End it before its time; what still holds is said again."""
        standstill.end(deps.store, deps.clock, user.operator)
        return shown()

    return routes
