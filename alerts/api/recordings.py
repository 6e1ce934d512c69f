"""Recordings in the voice's place: what is said, who has recorded it, sending one and hearing it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel
from sqlalchemy import select

from alerts import recordings
from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.models import NamedInBoth
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.store.recordings import RecordingRow
from lianfang.config import Spoken

_log = structlog.get_logger()
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_SENT = {"requestBody": {"required": True, "content": {"application/octet-stream": _BINARY}}}
_HEARD: dict[int | str, dict[str, Any]] = {200: {"content": {"audio/wav": _BINARY}}}


class Recording(BaseModel):
    """Who has recorded it and when."""

    by: str
    by_name: str
    at: AwareDatetime
    seconds: float


class SpokenLine(BaseModel):
    """A text that a rule says. ``varies``: in other words each time, so that nobody can record it."""

    id: str
    rule: NamedInBoth
    language: Spoken
    text: str
    varies: bool
    recording: Recording | None


def uploads(deps: Dependencies) -> APIRouter:
    """Return the route that takes a recording; its body is longer than others'."""
    routes = APIRouter(
        tags=["recordings"],
        responses=described(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
    )

    @routes.put(
        "/recordings/{line_id}",
        status_code=HTTPStatus.NO_CONTENT,
        response_class=Response,
        openapi_extra=_SENT,
    )
    async def keep_recording(line_id: str, user: CurrentSession, request: Request) -> None:
        """Put a recording in the voice's place: WAV, MP3, FLAC, Ogg or M4A of 120 s at most.

        Speakers that play sound say it within seconds.
        """
        data = await request.body()
        try:
            await asyncio.to_thread(
                recordings.keep, deps.store, deps.config, deps.clock, line_id, user.operator, data
            )
        except LookupError as error:
            raise ApiError(HTTPStatus.NOT_FOUND, "no_line", str(error.args[0])) from error
        except ValueError as error:
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "no_sound", str(error)) from error
        _log.info("recorded", recording=line_id, operator=user.operator)

    return routes


def router(deps: Dependencies) -> APIRouter:
    """Return the routes that list recordings, let one be heard and take one back."""
    routes, names = APIRouter(tags=["recordings"]), Names(deps.settings.config)

    @routes.get("/recordings")
    def list_recordings() -> list[SpokenLine]:
        """List what the rules say, in each language, and who has recorded it."""
        with deps.store.read() as session:
            rows = {row.id: row for row in session.scalars(select(RecordingRow))}
        return [
            SpokenLine(
                id=line.id,
                rule=names.rule(line.rule),
                language=line.language,
                text=line.text,
                varies=line.varies,
                recording=_shown(names, rows[line.id]) if line.id in rows else None,
            )
            for line in recordings.lines(deps.config)
        ]

    @routes.get(
        "/recordings/{line_id}.wav",
        response_class=Response,
        responses={**_HEARD, **described(HTTPStatus.NOT_FOUND)},
    )
    def hear_recording(line_id: str) -> Response:
        """Give the recording."""
        with deps.store.read() as session:
            row = session.get(RecordingRow, line_id)
            if row is None:
                raise ApiError(HTTPStatus.NOT_FOUND, "no_recording", "no recording of it")
            return Response(row.sound, media_type="audio/wav")

    @routes.delete(
        "/recordings/{line_id}",
        status_code=HTTPStatus.NO_CONTENT,
        responses=described(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
    )
    def take_recording_back(line_id: str, user: CurrentSession) -> None:
        """Take a recording back: a voice, or the file that the rule names, speaks again."""
        try:
            recordings.take_back(deps.store, line_id)
        except LookupError as error:
            raise ApiError(HTTPStatus.NOT_FOUND, "no_recording", str(error.args[0])) from error
        _log.info("recording_taken_back", recording=line_id, operator=user.operator)

    return routes


def _shown(names: Names, row: RecordingRow) -> Recording:
    return Recording(by=row.by, by_name=names.operator(row.by), at=row.at, seconds=row.seconds)
