"""Pictures by signed links: for receivers that have no login here. Every other answer is the same 404."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse

from alerts.api.dependencies import Dependencies
from alerts.api.evidence import kept
from alerts.api.problems import ApiError, described
from alerts.notice_settings import PictureNoticeConfig


def router(deps: Dependencies) -> APIRouter:
    """Return /pictures, which asks for no session."""
    routes = APIRouter(tags=["evidence"], responses=described(HTTPStatus.NOT_FOUND))

    @routes.get("/pictures/{evidence_id}/{kind}.jpg", response_class=FileResponse, include_in_schema=False)
    def linked_picture(
        evidence_id: str,
        kind: Literal["original", "annotated"],
        until: Annotated[str, Query(pattern=r"^[0-9]{1,12}$")],
        signature: Annotated[str, Query(pattern=r"^[0-9a-f]{64}$")],
    ) -> FileResponse:
        """Show the picture of a link that some receiver was given."""
        links = (
            r.picture_links for r in deps.config.receivers.values() if isinstance(r, PictureNoticeConfig)
        )
        now = deps.clock.now()
        if not any(link.opens(evidence_id, kind, until, signature, now) for link in links if link):
            raise ApiError(HTTPStatus.NOT_FOUND, "no_link", "no such link, or its time is over")
        file = kept(deps, evidence_id, kind)
        return FileResponse(file, media_type="image/jpeg", headers={"Cache-Control": "private, no-store"})

    return routes
