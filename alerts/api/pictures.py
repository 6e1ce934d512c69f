"""Pictures and clips by signed links, for receivers without a login. Every other answer is the same 404."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse

from alerts.api import clips
from alerts.api.dependencies import Dependencies
from alerts.api.evidence import kept
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.guests.looking import Looks
from alerts.links import CLIP
from alerts.notice_settings import PictureNoticeConfig

_Until = Annotated[str, Query(pattern=r"^[0-9]{1,12}$")]
_Signature = Annotated[str, Query(pattern=r"^[0-9a-f]{64}$")]
_NOT_STORED = {"Cache-Control": "private, no-store"}


def router(deps: Dependencies, looks: Looks) -> APIRouter:
    """Return /pictures, which asks for no session."""
    routes = APIRouter(tags=["evidence"], responses=described(HTTPStatus.NOT_FOUND))
    names = Names(deps.settings.config)

    @routes.get("/pictures/{evidence_id}/{kind}.jpg", response_class=FileResponse, include_in_schema=False)
    def linked_picture(
        evidence_id: str, kind: Literal["original", "annotated"], until: _Until, signature: _Signature
    ) -> FileResponse:
        """Show the picture of a link that some receiver was given."""
        receiver = _receiver(deps, evidence_id, kind, until, signature)
        file, row = kept(deps, evidence_id, kind)
        looks.note(row.camera, kind, receiver, names.receiver(receiver), row.captured_at)
        return FileResponse(file, media_type="image/jpeg", headers=_NOT_STORED)

    @routes.get("/pictures/{clip_id}/clip.mp4", response_class=FileResponse, include_in_schema=False)
    def linked_clip(clip_id: str, until: _Until, signature: _Signature) -> FileResponse:
        """Show the clip of a link that some receiver was given."""
        receiver = _receiver(deps, clip_id, CLIP, until, signature)
        file, row = clips.kept(deps, clip_id)
        looks.note(row.camera, "clip", receiver, names.receiver(receiver), row.begins_at)
        return FileResponse(file, media_type="video/mp4", headers=_NOT_STORED)

    return routes


def _receiver(deps: Dependencies, evidence_id: str, kind: str, until: str, signature: str) -> str:
    """Return the receiver that was given this link; ApiError where none was, or its time is over."""
    now = deps.clock.now()
    for receiver, stanza in deps.config.receivers.items():
        link = stanza.picture_links if isinstance(stanza, PictureNoticeConfig) else None
        if link and link.opens(evidence_id, kind, until, signature, now):
            return receiver
    raise ApiError(HTTPStatus.NOT_FOUND, "no_link", "no such link, or its time is over")
