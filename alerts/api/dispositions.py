"""What the police say of a vehicle that they look for: for operators, since it may name persons."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter
from pydantic import AwareDatetime

from alerts.api.answer import Answer
from alerts.api.dependencies import Dependencies
from alerts.api.models import NamedInBoth
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.pipeline import hits
from alerts.store.schema import IncidentRow


class WantedVehicle(Answer):
    """A disposition (布控) that an incident is about, as it stood then; ``number`` is the platform's."""

    receiver: NamedInBoth
    number: str
    plate: str
    title: str
    reason: str
    priority: int
    until: AwareDatetime


def router(deps: Dependencies, names: Names) -> APIRouter:
    """Return the route that shows them."""
    routes = APIRouter(tags=["incidents"])

    @routes.get(
        "/incidents/{incident_id}/dispositions",
        responses=described(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
    )
    def show_dispositions(incident_id: str) -> list[WantedVehicle]:
        """Show by which dispositions the vehicle of an incident was looked for; not to workers."""
        receivers = {one.id: one for one in names.receivers()}
        with deps.store.read() as session:
            row = session.get(IncidentRow, incident_id)
            if row is None:
                raise ApiError(HTTPStatus.NOT_FOUND, "no_incident", f"no incident {incident_id}")
            return [
                WantedVehicle(
                    receiver=receivers[one.receiver],
                    number=one.number,
                    plate=one.plate,
                    title=one.title,
                    reason=one.reason,
                    priority=one.priority,
                    until=one.until,
                )
                for one in hits.wanted(session, deps.settings.config(), row)
            ]

    return routes
