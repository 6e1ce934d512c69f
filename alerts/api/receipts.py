"""What receivers let us know about incidents: signed, without a session."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from http import HTTPStatus

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from alerts import receipts
from alerts.api.dependencies import Dependencies
from alerts.api.gate import MAX_RECEIPT_BYTES
from alerts.api.problems import ApiError, described
from alerts.notice_settings import NoticeConfig
from alerts.payload import CaseReceipt
from alerts.signatures import NotSigned, signed_id
from alerts.throttle import LoginThrottle

_log = structlog.get_logger()

_STATUSES = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
)
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": CaseReceipt.model_json_schema()}},
    }
}


class Door:
    """Lets in what a receiver has signed; says once that somebody does not."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps
        self._throttle = LoginThrottle(deps.clock)
        self._refused: set[str] = set()

    def let_in(self, receiver: str, headers: Mapping[str, str], body: bytes, address: str) -> str:
        """Return the id of the message; ApiError. A receiver that there is not is one that did not sign."""
        # By the address alone: nobody else can lock a receiver out.
        wait_s = self._throttle.attempt(f"{receiver} {address}", address)
        if wait_s > 0:
            seconds = math.ceil(wait_s)
            detail = f"too many messages that were not signed: wait {seconds} s"
            after = {"Retry-After": str(seconds)}
            raise ApiError(HTTPStatus.TOO_MANY_REQUESTS, "too_many_attempts", detail, after)
        stanza = self._deps.config.receivers.get(receiver)
        settings = stanza.receipts if isinstance(stanza, NoticeConfig) else None
        keys = settings.secrets if settings else ()
        try:
            message_id = signed_id(keys, headers, body, self._deps.clock.now())
        except NotSigned as error:
            if keys and receiver not in self._refused:
                self._refused.add(receiver)
                _log.warning("receipt_not_signed", receiver=receiver, address=address, error=str(error))
            raise ApiError(HTTPStatus.UNAUTHORIZED, "not_signed", "not signed as it must be") from error
        self._throttle.succeeded(f"{receiver} {address}", address)
        self._refused.discard(receiver)
        return message_id


def router(deps: Dependencies) -> APIRouter:
    """Return the route, which asks for no session."""
    routes, door = APIRouter(tags=["receivers"], max_body_size=MAX_RECEIPT_BYTES), Door(deps)

    @routes.post(
        "/api/receivers/{receiver_id}/receipts",
        status_code=HTTPStatus.NO_CONTENT,
        response_class=Response,
        responses=described(*_STATUSES),
        openapi_extra=_BODY,
    )
    async def take_receipt(receiver_id: str, request: Request) -> None:
        """Take a receiver's word about an incident; 204 also where it was taken before."""
        body, address = await request.body(), request.client.host if request.client else ""
        message_id = door.let_in(receiver_id, request.headers, body, address)
        try:
            said = CaseReceipt.model_validate_json(body)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            detail = f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", detail) from error
        try:
            await asyncio.to_thread(receipts.take, deps.store, deps.clock, receiver_id, message_id, said)
        except LookupError as error:
            detail = f"{receiver_id} was told of no incident of that number"
            raise ApiError(HTTPStatus.NOT_FOUND, "no_incident", detail) from error

    return routes
