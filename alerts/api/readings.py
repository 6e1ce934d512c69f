"""Readings that gateways and sensors send: by a token of their own, without a session."""

from __future__ import annotations

import asyncio
import hmac
import math
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPBearer
from pydantic import BaseModel

from alerts.api.dependencies import Dependencies
from alerts.api.gate import MAX_READINGS_BYTES
from alerts.api.problems import ApiError, described
from alerts.intake import BadBody, Intake, Taken
from alerts.throttle import Allowance, LoginThrottle
from lianfang.config.gateway import Gateway
from lianfang.errors import TransientError

_log = structlog.get_logger()
_AT_ONCE_S = 30.0

_STATUSES = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_JSON: dict[str, Any] = {"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}}
_bearer = HTTPBearer(auto_error=False, description="The token of the gateway.")


class RefusedReading(BaseModel):
    """A reading that is none: its number in the body, from 0 on, whose it would be, and what is wrong."""

    index: int
    sensor_id: str
    problem: str


class ReadingsTaken(BaseModel):
    """What became of a body. ``dropped`` are places in it of faces and pictures, which are never kept."""

    taken: int
    refused: list[RefusedReading]
    dropped: list[str]


class Door:
    """Lets in who has a gateway's token; says once that somebody has not."""

    def __init__(self, deps: Dependencies, intake: Intake) -> None:
        self._intake, self._throttle = intake, LoginThrottle(deps.clock)
        self._refused: set[str] = set()

    def let_in(self, name: str, header: str, address: str) -> Gateway:
        """Return the gateway; ApiError. One that there is not is one whose token is wrong."""
        # By the address alone: nobody else can lock a gateway out.
        wait_s = self._throttle.attempt(f"{name} {address}", address)
        if wait_s > 0:
            raise _too_many(wait_s, "too many attempts without the token")
        found = self._intake.gateway(name)
        scheme, _, token = header.partition(" ")
        known = found[1] if found is not None else ""
        same = hmac.compare_digest(token.strip().encode(), known.encode())
        if found is None or not same or scheme.lower() != "bearer":
            if found is not None and name not in self._refused:
                self._refused.add(name)
                _log.warning("gateway_refused", gateway=name, address=address)
            detail = "send the token of this gateway as Authorization: Bearer"
            challenge = {"WWW-Authenticate": "Bearer"}
            raise ApiError(HTTPStatus.UNAUTHORIZED, "wrong_token", detail, challenge)
        self._throttle.succeeded(f"{name} {address}", address)
        self._refused.discard(name)
        return found[0]


def router(deps: Dependencies) -> APIRouter:
    """Return the routes, which ask for no session."""
    intake = Intake(deps.config, deps.write, deps.clock)
    routes = APIRouter(tags=["sensors"], max_body_size=MAX_READINGS_BYTES, dependencies=[Depends(_bearer)])
    door, allowance = Door(deps, intake), Allowance(deps.clock, _AT_ONCE_S)

    async def take(name: str, request: Request, only: str | None = None) -> ReadingsTaken:
        address = request.client.host if request.client else ""
        gateway = door.let_in(name, request.headers.get("authorization", ""), address)
        body = await request.body()
        if (wait_s := allowance.wait_s(name)) > 0:
            raise _too_many(wait_s, f"more than {gateway.per_s:g} readings a second")
        allowance.use(name, 1, gateway.per_s)
        try:
            taken = await asyncio.to_thread(intake.take, name, body, only)
        except BadBody as error:
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", str(error)) from error
        except TransientError as error:
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "busy", str(error)) from error
        allowance.use(name, taken.taken + len(taken.refused) - 1, gateway.per_s)
        return _answer(name, taken)

    @routes.post("/api/gateways/{gateway_id}/readings", responses=described(*_STATUSES), openapi_extra=_JSON)
    async def take_gateway_readings(gateway_id: str, request: Request) -> ReadingsTaken:
        """Take readings of any sensors of a gateway; also those that were taken before."""
        return await take(gateway_id, request)

    @routes.post("/api/sensors/{sensor_id}/readings", responses=described(*_STATUSES), openapi_extra=_JSON)
    async def take_sensor_readings(sensor_id: str, request: Request) -> ReadingsTaken:
        """Take readings of one sensor, with the token of its gateway."""
        return await take(intake.gateway_of(sensor_id), request, sensor_id)

    return routes


def _answer(gateway: str, taken: Taken) -> ReadingsTaken:
    """Return what is answered; ApiError where not one reading could be taken."""
    if taken.dropped:
        _log.debug("biometrics_dropped", gateway=gateway, places=taken.dropped)
    if not taken.taken:
        first = taken.refused[0]
        whose = f" ({first.sensor_id})" if first.sensor_id else ""
        detail = f"reading {first.index}{whose}: {first.problem}"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", detail)
    refused = [
        RefusedReading(index=one.index, sensor_id=one.sensor_id, problem=one.problem) for one in taken.refused
    ]
    return ReadingsTaken(taken=taken.taken, refused=refused, dropped=list(taken.dropped))


def _too_many(wait_s: float, why: str) -> ApiError:
    seconds = math.ceil(wait_s)
    after = {"Retry-After": str(seconds)}
    return ApiError(HTTPStatus.TOO_MANY_REQUESTS, "too_many_attempts", f"{why}: wait {seconds} s", after)
