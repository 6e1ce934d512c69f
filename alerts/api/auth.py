"""Logging in and out."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus

import structlog
from fastapi import APIRouter, Request, Response

from alerts.api import site_models
from alerts.api.dependencies import Dependencies
from alerts.api.gate import COOKIE, CurrentSession
from alerts.api.names import Names
from alerts.api.passwords import Passwords
from alerts.api.problems import ApiError, described
from alerts.api.sessions import Session, Sessions
from alerts.throttle import LoginThrottle
from lianfang.errors import TransientError

_log = structlog.get_logger()


def router(
    deps: Dependencies, names: Names, passwords: Passwords, sessions: Sessions, ended: Callable[[], None]
) -> APIRouter:
    """Return /login, /logout and /session; ``ended`` is called after a log-out."""
    routes = APIRouter(tags=["session"])
    throttle = LoginThrottle(deps.clock)
    secure = deps.config.api.secure_cookies
    max_age_s = int(timedelta(hours=deps.config.api.session_hours).total_seconds())

    @routes.post(
        "/login",
        responses=described(
            HTTPStatus.UNAUTHORIZED,
            HTTPStatus.UNPROCESSABLE_ENTITY,
            HTTPStatus.TOO_MANY_REQUESTS,
            HTTPStatus.SERVICE_UNAVAILABLE,
        ),
    )
    def login(body: site_models.Login, request: Request, response: Response) -> site_models.LoggedIn:
        """Start a session and set its cookie."""
        address = request.client.host if request.client else ""
        wait_s = throttle.attempt(body.operator, address)
        if wait_s > 0:
            raise _too_many(wait_s)
        try:
            matches = passwords.verify(body.operator, body.password)
        except TransientError as error:
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "busy", str(error)) from error
        if not matches:
            _log.warning("login_refused", address=address)  # not the name: people type passwords there
            raise ApiError(HTTPStatus.UNAUTHORIZED, "wrong_credentials", "wrong operator or password")
        throttle.succeeded(body.operator, address)
        token, session = sessions.open(body.operator)
        response.set_cookie(
            COOKIE, token, max_age=max_age_s, path="/", secure=secure, httponly=True, samesite="strict"
        )
        _log.info("logged_in", operator=body.operator, address=address)
        return _logged_in(names, session)

    @routes.post("/logout", status_code=HTTPStatus.NO_CONTENT, responses=described(HTTPStatus.UNAUTHORIZED))
    def logout(user: CurrentSession, response: Response) -> None:
        """End the session, wherever its cookie may have gone."""
        sessions.close(user)
        ended()
        response.delete_cookie(COOKIE, path="/", secure=secure, httponly=True, samesite="strict")
        _log.info("logged_out", operator=user.operator)

    @routes.get("/session", responses=described(HTTPStatus.UNAUTHORIZED))
    async def show_session(user: CurrentSession) -> site_models.LoggedIn:
        """Say who is logged in."""
        return _logged_in(names, user)

    return routes


def _logged_in(names: Names, session: Session) -> site_models.LoggedIn:
    return site_models.LoggedIn(
        operator=session.operator,
        name=names.operator(session.operator),
        role=names.role(session.operator),
        stands_for=names.stands_for(session.operator),
        expires_at=session.expires_at,
    )


def _too_many(wait_s: float) -> ApiError:
    seconds = math.ceil(wait_s)
    return ApiError(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too_many_attempts",
        f"too many failed log-ins: wait {seconds} s",
        {"Retry-After": str(seconds)},
    )
