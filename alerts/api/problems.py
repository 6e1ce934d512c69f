"""One shape for everything that goes wrong: ``{"detail": for a person, "code": for a program}``."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from lianfang.errors import TransientError

_log = structlog.get_logger()
_SCHEMAS = "#/components/schemas"
# Of errors that the framework raises; named here, because Python's own names change between versions.
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


class Problem(BaseModel):
    """What went wrong. ``code`` never changes its meaning; ``detail`` is English text for a log."""

    detail: str
    code: str


class ApiError(HTTPException):
    """An error with its code, to be raised by a handler."""

    def __init__(
        self, status: HTTPStatus, code: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status.value, detail, dict(headers) if headers else None)
        self.code = code


def response(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return a problem as a response."""
    return JSONResponse(Problem(detail=detail, code=code).model_dump(), status, headers)


def described(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI entries of an operation that can answer with these statuses.

    They refer to ``Problem`` by its name: of the model itself the framework makes a serializer each time.
    """
    content = {"application/json": {"schema": {"$ref": f"{_SCHEMAS}/{Problem.__name__}"}}}
    return {status.value: {"description": status.phrase, "content": content} for status in statuses}


def install(app: FastAPI) -> None:
    """Make ``app`` answer every error with a problem."""

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> JSONResponse:
        code = (
            error.code
            if isinstance(error, ApiError)
            else _CODES.get(error.status_code, f"http_{error.status_code}")
        )
        return response(error.status_code, code, str(error.detail), error.headers)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        # Where and why, never the value: it may be a password.
        found = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return response(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", found)

    @app.exception_handler(TransientError)
    async def _busy(_request: Request, error: TransientError) -> JSONResponse:
        return response(HTTPStatus.SERVICE_UNAVAILABLE, "store_unavailable", str(error), {"Retry-After": "1"})

    @app.exception_handler(OperationalError)
    async def _unreadable(_request: Request, error: OperationalError) -> JSONResponse:
        _log.error("store_not_readable", error=str(error.orig))
        return response(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "store_unavailable",
            "the store cannot be read now",
            {"Retry-After": "1"},
        )

    @app.exception_handler(Exception)
    async def _bug(_request: Request, _error: Exception) -> JSONResponse:
        # Starlette raises it again afterwards, so that the server logs it with its trace.
        return response(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "an error inside the service")
