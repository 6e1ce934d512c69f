"""What a media server asks before it lets somebody push or take the stream of a guest's camera."""

from __future__ import annotations

import hmac
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from alerts.api.dependencies import Dependencies
from alerts.api.gate import MAX_RECEIPT_BYTES
from alerts.guests.book import GuestBook
from alerts.guests.servers import answer, application_of, question
from lianfang.config.guests import MediaServer

Hook = Literal["auth", "on_publish", "on_play"]


def router(deps: Dependencies, book: GuestBook) -> APIRouter:
    """Return the routes below /share/hooks; whoever does not know the secret hears 404."""
    routes = APIRouter(prefix="/share/hooks", max_body_size=MAX_RECEIPT_BYTES, include_in_schema=False)

    @routes.post("/{hook}")
    async def ask(
        hook: Hook, request: Request, secret: Annotated[str, Query(max_length=200)] = ""
    ) -> JSONResponse:
        """Say whether somebody is let in."""
        asked = deps.settings.file.guests
        server = asked.media_server if asked else None
        if server is None or not _knows(server, secret):
            return JSONResponse({"detail": "nothing here", "code": "not_found"}, 404)
        body = await request.body()
        allowed = await run_in_threadpool(_lets_in, book, server, hook, body)
        status, said = answer(server, allowed=allowed)
        return JSONResponse(dict(said), status)

    return routes


def _knows(server: MediaServer, secret: str) -> bool:
    try:
        return hmac.compare_digest(server.hook_secret.read().encode(), secret.encode())
    except LookupError:
        return False


def _lets_in(book: GuestBook, server: MediaServer, hook: str, body: bytes) -> bool:
    asked = question(server, hook, body, application_of(server))
    return asked is not None and book.lets_in(asked)
