"""Logging in and out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import timedelta
from http import HTTPStatus

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.params import Depends

from alerts.api import site_models
from alerts.api.access import Access
from alerts.api.dependencies import Dependencies
from alerts.api.gate import COOKIE, CurrentSession
from alerts.api.passwords import hash_password
from alerts.api.problems import ApiError, described
from alerts.api.sessions import Session
from alerts.throttle import LoginThrottle
from lianfang.errors import TransientError

_log = structlog.get_logger()


def router(
    deps: Dependencies, access: Access, ended: Callable[[], None], guards: Sequence[Depends]
) -> APIRouter:
    """Return /login, /logout, /session and /password; ``ended`` is called where a session has ended.

    ``guards`` are the dependencies of what stands behind the log-in.
    """
    routes = APIRouter(tags=["session"])
    throttle = LoginThrottle(deps.clock)
    cookie = _Cookie(deps)

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
        address = _prove(access, throttle, request, body.operator, body.password)
        request.state.proved = body.operator
        session = cookie.give(response, access, body.operator)
        _log.info("logged_in", operator=body.operator, address=address)
        return access.logged_in(session)

    guarded = APIRouter(dependencies=guards, responses=described(HTTPStatus.UNAUTHORIZED))

    @guarded.post("/logout", status_code=HTTPStatus.NO_CONTENT)
    def logout(user: CurrentSession, response: Response) -> None:
        """End the session, wherever its cookie may have gone."""
        access.sessions.close(user)
        ended()
        cookie.take(response)
        _log.info("logged_out", operator=user.operator)

    @guarded.get("/session")
    async def show_session(user: CurrentSession) -> site_models.LoggedIn:
        """Say who is logged in."""
        return access.logged_in(user)

    @guarded.post(
        "/password",
        responses=described(
            HTTPStatus.CONFLICT,
            HTTPStatus.UNPROCESSABLE_ENTITY,
            HTTPStatus.TOO_MANY_REQUESTS,
            HTTPStatus.SERVICE_UNAVAILABLE,
        ),
    )
    def change_password(
        body: site_models.OwnPassword, user: CurrentSession, request: Request, response: Response
    ) -> site_models.LoggedIn:
        """Choose another password of one's own: every other session of theirs ends."""
        if access.passwords.is_configured(user.operator):
            detail = "this password stands in the configuration"
            raise ApiError(HTTPStatus.CONFLICT, "in_file", detail)
        if body.new == body.current:
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "same_password", "another one than before")
        _prove(access, throttle, request, user.operator, body.current)
        access.book.set_password(user.operator, hash_password(body.new), own=True)
        ended()
        return access.logged_in(cookie.give(response, access, user.operator))

    routes.include_router(guarded)
    return routes


class _Cookie:
    """The cookie of a session: given and taken."""

    def __init__(self, deps: Dependencies) -> None:
        self._secure = deps.config.api.secure_cookies
        self._max_age_s = int(timedelta(hours=deps.config.api.session_hours).total_seconds())

    def give(self, response: Response, access: Access, operator: str) -> Session:
        try:
            token, session = access.sessions.open(operator)
        except LookupError as error:  # locked in this very moment
            raise _wrong() from error
        response.set_cookie(
            COOKIE,
            token,
            max_age=self._max_age_s,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )
        return session

    def take(self, response: Response) -> None:
        response.delete_cookie(COOKIE, path="/", secure=self._secure, httponly=True, samesite="strict")


def _prove(access: Access, throttle: LoginThrottle, request: Request, operator: str, password: str) -> str:
    """Return the address of somebody whose password this is; ApiError where it is not, or too often."""
    address = request.client.host if request.client else ""
    wait_s = throttle.attempt(operator, address)
    if wait_s > 0:
        raise _too_many(wait_s)
    try:
        matches = access.passwords.verify(operator, password)
    except TransientError as error:
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "busy", str(error)) from error
    if not matches:
        _log.warning("login_refused", address=address)  # not the name: people type passwords there
        raise _wrong()
    throttle.succeeded(operator, address)
    return address


def _wrong() -> ApiError:
    return ApiError(HTTPStatus.UNAUTHORIZED, "wrong_credentials", "wrong operator or password")


def _too_many(wait_s: float) -> ApiError:
    seconds = math.ceil(wait_s)
    return ApiError(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too_many_attempts",
        f"too many failed log-ins: wait {seconds} s",
        {"Retry-After": str(seconds)},
    )
