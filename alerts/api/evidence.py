"""The pictures that incidents rest on, from the evidence folder and nowhere else."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse

from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.guests.looking import Looks
from alerts.store.schema import EvidenceRow

Why = Annotated[str, Query(max_length=500, description="Why, for the owner of a guest's camera.")]
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}


def router(deps: Dependencies, looks: Looks) -> APIRouter:
    """Return the routes below /evidence."""
    routes = APIRouter(prefix="/evidence", tags=["evidence"])
    names = Names(deps.settings.config)

    @routes.get(
        "/{evidence_id}/{kind}.jpg",
        response_class=FileResponse,
        responses={**_JPEG, **described(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)},
    )
    def picture(
        evidence_id: str, kind: Literal["original", "annotated"], user: CurrentSession, reason: Why = ""
    ) -> FileResponse:
        """Show a picture as it was, or its copy with the zone and the boxes.

        Of a guest's camera, who looked is written down for its owner to read.
        """
        file, row = kept(deps, evidence_id, kind)
        who = user.operator, names.operator(user.operator)
        looks.note(row.camera, kind, *who, row.captured_at, reason)
        return FileResponse(file, media_type="image/jpeg")

    return routes


def kept(
    deps: Dependencies, evidence_id: str, kind: Literal["original", "annotated"]
) -> tuple[Path, EvidenceRow]:
    """Return the file of a picture, and what is known of it; ApiError where there is none."""
    with deps.store.read() as session:
        row = session.get(EvidenceRow, evidence_id)
    if row is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_evidence", f"no evidence {evidence_id}")
    name = row.original if kind == "original" else row.annotated
    if row.state != "kept" or not name:
        raise ApiError(HTTPStatus.NOT_FOUND, f"evidence_{row.state}", row.reason or row.state)
    return below(deps.evidence_dir.resolve(), name), row


def below(folder: Path, name: str) -> Path:
    """Return the file ``name``, which must lie strictly below ``folder``, links followed."""
    file = (folder / name).resolve()
    if folder not in file.parents or not file.is_file():
        raise ApiError(HTTPStatus.NOT_FOUND, "evidence_gone", "the picture is not in the evidence folder")
    return file
