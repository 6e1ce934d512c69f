"""The door of the API: nothing below /api is reached without a session, and nothing changed from elsewhere.

It stands in front of the routes, so that a route added later is closed before anybody thinks of it.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie
from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send

from alerts import photos
from alerts.api import problems
from alerts.api.sessions import Session, Sessions
from alerts.voice import foreign

COOKIE = "lianfang_session"
CSRF_HEADER, CSRF_VALUE = "x-requested-with", "lianfang"
LOGIN = "/api/login"
MAX_BODY_BYTES, MAX_RECEIPT_BYTES, MAX_READINGS_BYTES = 64 * 1024, 8 * 1024, 1024 * 1024
MAX_LONG_BODY_BYTES = max(photos.MAX_BYTES, foreign.MAX_BYTES)
_LONG = re.compile(r"/api/(incidents/[^/]+/photos|recordings/[^/]+|map/plan|plates/import(/check)?)")
_SIGNED = re.compile(r"/api/receivers/[^/]+/receipts|/share/(readers|hooks/[a-z_]+)")
"""What machines post, who know a secret: no session, no browser."""
_PUSHED = re.compile(r"/api/(gateways|sensors)/[^/]+/readings")  # by devices, with a token of their own
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="Set by /api/login.")


class Gate:
    """ASGI middleware: 401 without a session, 403 for a change that another site may have caused.

    413 for a body longer than any operation takes.
    """

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app, self._sessions = app, sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, with its session in ``scope["state"]``, or answer it."""
        if scope["type"] != "http":
            # The API has no WebSockets; what is not HTTP here is the lifespan.
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        refusal = self._refusal(Request(scope), get_route_path(scope))
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, request: Request, path: str) -> ASGIApp | None:
        length, most = request.headers.get("content-length", "0"), _most(path)
        if not length.isdecimal() or int(length) > most:  # one without a length is cut while read
            detail = f"a body has {most} bytes at most"
            return problems.response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", detail)
        if request.method == "POST" and of_machines(path):
            return None
        if request.method not in SAFE and request.headers.get(CSRF_HEADER) != CSRF_VALUE:
            # A browser sends this header to another origin only if that origin allows it, and this one
            # allows none. SameSite=Strict says the same once more.
            detail = f"a change needs the header {CSRF_HEADER}: {CSRF_VALUE}"
            return problems.response(HTTPStatus.FORBIDDEN, "header_missing", detail)
        if not (path == "/api" or path.startswith("/api/")):
            return None
        session = self._sessions.find(request.cookies.get(COOKIE, ""))
        request.state.session = session
        if session is None and path != LOGIN:
            return problems.response(HTTPStatus.UNAUTHORIZED, "not_logged_in", "log in first")
        return None


def of_machines(path: str) -> bool:
    """Say whether machines post there, who know a secret of their own."""
    return bool(_SIGNED.fullmatch(path) or _PUSHED.fullmatch(path))


def _most(path: str) -> int:
    """Return how many bytes a body may have."""
    others = ((_SIGNED, MAX_RECEIPT_BYTES), (_PUSHED, MAX_READINGS_BYTES), (_LONG, MAX_LONG_BODY_BYTES))
    return next((most for pattern, most in others if pattern.fullmatch(path)), MAX_BODY_BYTES)


def current_session(request: Request, _token: Annotated[str | None, Depends(_cookie)]) -> Session:
    """Return the session that the gate has found; as a dependency it also stands in the OpenAPI document."""
    session: Session | None = request.state.session
    if session is None:
        raise problems.ApiError(HTTPStatus.UNAUTHORIZED, "not_logged_in", "log in first")
    return session


CurrentSession = Annotated[Session, Depends(current_session)]
