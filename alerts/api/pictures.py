"""Pictures and clips by signed links, for receivers without a login. Every other answer is the same 404."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse

from alerts.api import clips
from alerts.api.dependencies import Dependencies
from alerts.api.evidence import kept
from alerts.api.problems import ApiError, described
from alerts.links import CLIP
from alerts.notice_settings import PictureNoticeConfig

_Until = Annotated[str, Query(pattern=r"^[0-9]{1,12}$")]
_Signature = Annotated[str, Query(pattern=r"^[0-9a-f]{64}$")]
_NOT_STORED = {"Cache-Control": "private, no-store"}


def router(deps: Dependencies) -> APIRouter:
    """Return /pictures, which asks for no session."""
    routes = APIRouter(tags=["evidence"], responses=described(HTTPStatus.NOT_FOUND))

    @routes.get("/pictures/{evidence_id}/{kind}.jpg", response_class=FileResponse, include_in_schema=False)
    def linked_picture(
        evidence_id: str, kind: Literal["original", "annotated"], until: _Until, signature: _Signature
    ) -> FileResponse:
        """Show the picture of a link that some receiver was given."""
        _check(deps, evidence_id, kind, until, signature)
        return FileResponse(kept(deps, evidence_id, kind), media_type="image/jpeg", headers=_NOT_STORED)

    @routes.get("/pictures/{clip_id}/clip.mp4", response_class=FileResponse, include_in_schema=False)
    def linked_clip(clip_id: str, until: _Until, signature: _Signature) -> FileResponse:
        """Show the clip of a link that some receiver was given."""
        _check(deps, clip_id, CLIP, until, signature)
        return FileResponse(clips.kept(deps, clip_id), media_type="video/mp4", headers=_NOT_STORED)

    return routes


def _check(deps: Dependencies, evidence_id: str, kind: str, until: str, signature: str) -> None:
    links = (r.picture_links for r in deps.config.receivers.values() if isinstance(r, PictureNoticeConfig))
    now = deps.clock.now()
    if not any(link.opens(evidence_id, kind, until, signature, now) for link in links if link):
        raise ApiError(HTTPStatus.NOT_FOUND, "no_link", "no such link, or its time is over")
