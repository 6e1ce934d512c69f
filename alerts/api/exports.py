"""Exports of incidents: asked for, approved or refused by a second person, taken out as a file."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints

from alerts.actions import NotAllowed, NotYours
from alerts.api.answer import Answer
from alerts.api.dependencies import Dependencies
from alerts.api.export_contents import contents
from alerts.api.gate import CurrentSession
from alerts.api.names import Names
from alerts.api.needs import STAFF
from alerts.api.problems import ApiError, described
from alerts.api.views import Views
from alerts.export import asking
from alerts.export.bundle import bundled
from alerts.guests.looking import Looks
from alerts.store import exports
from alerts.store.exports import ExportRow

_ZIP: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
}
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class AskExport(BaseModel):
    """Why an incident is to be taken out: it stands in every picture."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class DecideExport(BaseModel):
    """Whether it may be taken out, and why."""

    model_config = ConfigDict(extra="forbid")

    approve: bool
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""


class Export(Answer):
    """An export. Until ``ends_at`` a waiting one may be approved, an approved one fetched by who asked.

    ``may_decide``: whoever asks this may approve it.
    """

    id: str
    incident_id: str
    state: Literal["waiting", "approved", "refused", "ended"]
    asked_by: str
    asked_by_name: str
    asked_at: AwareDatetime
    reason: str
    ends_at: AwareDatetime
    decided_by_name: str
    decided_at: AwareDatetime | None
    decided_why: str
    fetched_at: AwareDatetime | None
    may_decide: bool
    url: str | None


def router(deps: Dependencies, views: Views, looks: Looks) -> APIRouter:
    """Return the routes of exports."""
    names, one = Names(deps.settings.config), threading.Lock()
    routes = APIRouter(
        tags=["exports"],
        responses=described(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    )

    @routes.get("/incidents/{incident_id}/exports")
    def list_exports(incident_id: str, user: CurrentSession) -> list[Export]:
        """List the exports of an incident, the newest first."""
        with deps.store.read() as session:
            return [_shown(deps, names, row, user.operator) for row in exports.of(session, incident_id)]

    @routes.get("/exports")
    def list_waiting(user: CurrentSession) -> list[Export]:
        """List the exports that wait for a second person."""
        with deps.store.read() as session:
            rows = [_shown(deps, names, row, user.operator) for row in exports.waiting(session)]
        return [row for row in rows if row.state == "waiting"]

    @routes.post("/incidents/{incident_id}/exports", status_code=HTTPStatus.CREATED)
    def ask_export(incident_id: str, body: AskExport, user: CurrentSession) -> Export:
        """Ask to take an incident out. A second operator approves it, unless one works alone here."""
        with _refusals():
            export_id = asking.ask(
                deps.store, deps.config, deps.clock, incident_id, user.operator, body.reason
            )
        return _read(deps, names, export_id, user.operator)

    @routes.post("/exports/{export_id}/decision")
    def decide_export(export_id: str, body: DecideExport, user: CurrentSession) -> Export:
        """Approve an export that somebody else asked for, or refuse one; it ends after 24 hours by itself."""
        with _refusals():
            asking.decide(
                deps.store, deps.clock, export_id, user.operator, approve=body.approve, reason=body.reason
            )
        return _read(deps, names, export_id, user.operator)

    @routes.get("/exports/{export_id}.zip", response_class=Response, responses=_ZIP)
    async def fetch_export(export_id: str, user: CurrentSession) -> Response:
        """Take it out: pictures with a watermark, timeline, receipts, digests. It is recorded."""

        def made() -> bytes:
            with _refusals(), one:  # one at a time: drawing watermarks takes a core
                row = asking.fetch(deps.store, deps.clock, export_id, user.operator)
                return bundled(contents(deps, views, names, row, looks))

        data = await asyncio.to_thread(made)
        kept = {"Content-Disposition": f'attachment; filename="incident-{export_id[:8]}.zip"'}
        return Response(data, media_type="application/zip", headers=kept)

    return routes


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except NotYours as error:
        raise ApiError(HTTPStatus.FORBIDDEN, "not_yours", str(error)) from error
    except NotAllowed as error:
        raise ApiError(HTTPStatus.CONFLICT, "not_allowed", str(error)) from error
    except LookupError as error:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_export", str(error.args[0])) from error


def _read(deps: Dependencies, names: Names, export_id: str, who: str) -> Export:
    with deps.store.read() as session:
        return _shown(deps, names, session.get_one(ExportRow, export_id), who)


def _shown(deps: Dependencies, names: Names, row: ExportRow, who: str) -> Export:
    is_over = row.ends_at <= deps.clock.now() and row.state in ("waiting", "approved")
    state = "ended" if is_over else row.state
    same = {name: getattr(row, name) for name in Export.model_fields if hasattr(row, name)}
    return Export.model_validate(
        {
            **same,
            "state": state,
            "asked_by_name": names.operator(row.asked_by),
            "decided_by_name": names.operator(row.decided_by),
            "may_decide": state == "waiting" and row.asked_by != who and names.role(who) in STAFF,
            "url": f"/api/exports/{row.id}.zip" if state == "approved" and row.asked_by == who else None,
        }
    )
