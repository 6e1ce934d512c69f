"""Photographs that people put to a case: taken as they are sent, shown from the evidence folder."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from alerts import photos
from alerts.actions import NotAllowed, NotYours
from alerts.api.dependencies import Dependencies
from alerts.api.evidence import below
from alerts.api.gate import CurrentSession
from alerts.api.problems import ApiError, described
from alerts.store.photos import PhotoRow

_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_SENT = {"requestBody": {"required": True, "content": {"image/jpeg": _BINARY, "image/png": _BINARY}}}
_ERRORS = described(
    HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY
)
_SHOWN: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": _BINARY}}}


def uploads(deps: Dependencies) -> APIRouter:
    """Return the route that takes a photograph; its body is longer than any other's."""
    routes = APIRouter(tags=["incidents"], responses=_ERRORS)

    @routes.post(
        "/incidents/{incident_id}/photos",
        status_code=HTTPStatus.NO_CONTENT,
        response_class=Response,
        openapi_extra=_SENT,
    )
    async def add_photo(incident_id: str, user: CurrentSession, request: Request) -> None:
        """Put a photograph, a JPEG or a PNG, to an incident that somebody deals with."""
        data, folder = await request.body(), deps.evidence_dir
        where = (deps.store, deps.config, deps.clock, folder)
        try:
            await asyncio.to_thread(photos.add, *where, incident_id, user.operator, data)
        except photos.NoPicture as error:
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "no_picture", str(error)) from error
        except NotYours as error:
            raise ApiError(HTTPStatus.FORBIDDEN, "not_yours", str(error)) from error
        except NotAllowed as error:
            raise ApiError(HTTPStatus.CONFLICT, "not_allowed", str(error)) from error
        except LookupError as error:
            raise ApiError(HTTPStatus.NOT_FOUND, "no_incident", str(error)) from error

    return routes


def router(deps: Dependencies) -> APIRouter:
    """Return the route that shows one."""
    routes = APIRouter(tags=["incidents"])

    @routes.get(
        "/photos/{photo_id}.jpg",
        response_class=FileResponse,
        responses={**_SHOWN, **described(HTTPStatus.NOT_FOUND)},
    )
    def photo(photo_id: str) -> FileResponse:
        """Show a photograph."""
        with deps.store.read() as session:
            row = session.get(PhotoRow, photo_id)
        if row is None:
            raise ApiError(HTTPStatus.NOT_FOUND, "no_photo", f"no photograph {photo_id}")
        return FileResponse(below(deps.evidence_dir.resolve(), row.file), media_type="image/jpeg")

    return routes
