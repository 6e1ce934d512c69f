"""The operator's key: say it again, say something else, be silent."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from alerts import broadcast
from alerts.actions import NotAllowed
from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.problems import ApiError, described


class Call(BaseModel):
    """What to say; nothing says again what the rule said last."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""


class Told(BaseModel):
    """Which speaker says what; ``trouble`` where none there is known to work."""

    speaker: str
    text: str
    trouble: str = ""


class Hushed(BaseModel):
    """How many speeches were broken off or dropped."""

    speeches: int


def router(deps: Dependencies) -> APIRouter:
    """Return the routes below /incidents that speak."""
    routes = APIRouter(
        prefix="/incidents/{incident_id}",
        tags=["speech"],
        responses=described(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
    )

    @routes.post("/speech", responses=described(HTTPStatus.TOO_MANY_REQUESTS))
    def speak(incident_id: str, body: Call, user: CurrentSession) -> Told:
        """Say something at the incident's place now, at any hour; six times a minute at most."""
        try:
            told = broadcast.say(deps.store, deps.config, deps.clock, incident_id, user.operator, body.text)
        except broadcast.TooOften as error:
            raise ApiError(
                HTTPStatus.TOO_MANY_REQUESTS, "too_often", str(error), {"Retry-After": "60"}
            ) from error
        except broadcast.AllStopped as error:
            raise ApiError(HTTPStatus.CONFLICT, "all_stopped", str(error)) from error
        except NotAllowed as error:
            raise ApiError(HTTPStatus.CONFLICT, "not_allowed", str(error)) from error
        except LookupError as error:
            raise ApiError(HTTPStatus.NOT_FOUND, "no_incident", str(error)) from error
        return Told(**told)

    @routes.post("/hush")
    def hush(incident_id: str, user: CurrentSession) -> Hushed:
        """Break off what is said there, and say nothing more before somebody else comes."""
        try:
            count = broadcast.hush(deps.store, deps.config, deps.clock, incident_id, user.operator)
        except NotAllowed as error:
            raise ApiError(HTTPStatus.CONFLICT, "not_allowed", str(error)) from error
        except LookupError as error:
            raise ApiError(HTTPStatus.NOT_FOUND, "no_incident", str(error)) from error
        return Hushed(speeches=count)

    return routes
