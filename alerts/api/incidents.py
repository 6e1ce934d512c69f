"""Incidents: the wall's pages, one in full, and what a person does to it."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session

from alerts.actions import Doing, Incomplete, NotAllowed, NotYours
from alerts.api import models
from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.incident_filter import IncidentFilter
from alerts.api.problems import ApiError, described
from alerts.api.sight import Sight
from alerts.api.views import Views
from alerts.incidents.life import Action
from alerts.store.schema import ChangeRow, IncidentRow

Limit = Annotated[int, Query(ge=1, le=200, description="Incidents of one page.")]
Before = Annotated[str | None, Query(description="The `next` of the page before.")]


def router(deps: Dependencies, views: Views, sight: Sight) -> APIRouter:
    """Return the routes below /incidents."""
    routes = APIRouter(
        prefix="/incidents", tags=["incidents"], responses=described(HTTPStatus.UNPROCESSABLE_ENTITY)
    )

    @routes.get("")
    def list_incidents(
        user: CurrentSession,
        wanted: Annotated[IncidentFilter, Depends()],
        limit: Limit = 50,
        before: Before = None,
    ) -> models.IncidentPage:
        """List incidents, newest first; with filters those of them that were looked for.

        Plates are whole for operators, and for workers where the incident is theirs.
        """
        with deps.store.read() as session:
            # In the same read as the rows: whatever comes later has a higher number.
            position = session.scalar(select(func.max(ChangeRow.seq))) or 0
            conditions = wanted.conditions(deps.config, whole=sight.may(user.operator))
            rows = _page(session, conditions, limit + 1, before)
            found = views.incidents(session, rows[:limit])
            return models.IncidentPage(
                incidents=[sight.incident(one, user.operator) for one in found],
                next=rows[limit - 1].id if len(rows) > limit else None,
                position=position,
            )

    @routes.get("/{incident_id}", responses=described(HTTPStatus.NOT_FOUND))
    def show_incident(incident_id: str, user: CurrentSession) -> models.IncidentDetail:
        """Show one incident with its timeline, deliveries, pictures and times."""
        return sight.incident(_detail(deps, views, incident_id), user.operator)

    @routes.post(
        "/{incident_id}/{action}",
        responses=described(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    )
    def act_on_incident(
        incident_id: str, action: Action, body: models.Said, user: CurrentSession
    ) -> models.IncidentDetail:
        """Do what the incident's `actions` allow: some need a note, some an assignee."""
        try:
            deps.act(incident_id, Doing(action, user.operator, body.note.strip(), body.assignee))
        except Incomplete as error:
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "incomplete", str(error)) from error
        except NotYours as error:
            raise ApiError(HTTPStatus.FORBIDDEN, "not_yours", str(error)) from error
        except NotAllowed as error:
            raise ApiError(HTTPStatus.CONFLICT, "not_allowed", str(error)) from error
        except LookupError as error:
            raise _no_incident(incident_id) from error
        return sight.incident(_detail(deps, views, incident_id), user.operator)

    return routes


def _page(
    session: Session, conditions: Iterable[ColumnElement[bool]], limit: int, before: str | None
) -> list[IncidentRow]:
    key = tuple_(IncidentRow.opened_at, IncidentRow.id)
    query = select(IncidentRow).order_by(IncidentRow.opened_at.desc(), IncidentRow.id.desc()).limit(limit)
    query = query.where(*conditions)
    if before is not None:
        last = session.get(IncidentRow, before)
        if last is None:
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "unknown_cursor", "`before` is no incident")
        query = query.where(key < (last.opened_at, last.id))
    return list(session.scalars(query))


def _detail(deps: Dependencies, views: Views, incident_id: str) -> models.IncidentDetail:
    with deps.store.read() as session:
        row = session.get(IncidentRow, incident_id)
        if row is None:
            raise _no_incident(incident_id)
        return views.detail(session, row)


def _no_incident(incident_id: str) -> ApiError:
    return ApiError(HTTPStatus.NOT_FOUND, "no_incident", f"no incident {incident_id}")
