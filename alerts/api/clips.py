"""The clips of incidents, from the evidence folder and nowhere else; a part of one where a player winds."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse

from alerts.api.dependencies import Dependencies
from alerts.api.evidence import Why, below
from alerts.api.evidence_models import Clip
from alerts.api.gate import CurrentSession
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.guests.looking import Looks
from alerts.store.clips import ClipRow

_BINARY: dict[str, Any] = {"content": {"video/mp4": {"schema": {"type": "string", "format": "binary"}}}}
_SHOWN: dict[int | str, dict[str, Any]] = {
    200: _BINARY,
    206: {**_BINARY, "description": "What `Range` asks for"},
}


def router(deps: Dependencies, looks: Looks) -> APIRouter:
    """Return the routes below /clips."""
    routes = APIRouter(prefix="/clips", tags=["evidence"])
    names = Names(deps.settings.config)

    @routes.get(
        "/{clip_id}.mp4",
        response_class=FileResponse,
        responses={**_SHOWN, **described(HTTPStatus.NOT_FOUND)},
    )
    def clip(clip_id: str, user: CurrentSession, reason: Why = "") -> FileResponse:
        """Show a clip, H.264 in MP4. Of a guest's camera, who looked is written down for its owner."""
        file, row = kept(deps, clip_id)
        looks.note(row.camera, "clip", user.operator, names.operator(user.operator), row.begins_at, reason)
        return FileResponse(file, media_type="video/mp4")

    return routes


def kept(deps: Dependencies, clip_id: str) -> tuple[Path, ClipRow]:
    """Return the file of a clip, and what is known of it; ApiError where there is none."""
    with deps.store.read() as session:
        row = session.get(ClipRow, clip_id)
    if row is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_clip", f"no clip {clip_id}")
    if row.state != "kept":
        raise ApiError(HTTPStatus.NOT_FOUND, f"clip_{row.state}", row.reason or row.state)
    return below(deps.evidence_dir.resolve(), row.file), row


def shown(row: ClipRow) -> Clip:
    """Return what the API says of a clip."""
    same = {name: getattr(row, name) for name in Clip.model_fields if name != "url"}
    url = f"/api/clips/{row.id}.mp4" if row.state == "kept" else None
    return Clip.model_validate({**same, "url": url})
