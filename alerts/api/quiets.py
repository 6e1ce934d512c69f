"""When consoles do not ring: said with a reason, seen by all, over by itself."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import select

from alerts.api.answer import Answer
from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.models import Named, NamedInBoth
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.store.shifts import QuietRow, quiet_now
from lianfang.config.escalation import Severity
from lianfang.config.stanza import one_of
from lianfang.ids import identify

_log = structlog.get_logger()
LONGEST = timedelta(hours=12)  # a shift: the next one says it anew
_SHOWN = 200


class SayQuiet(BaseModel):
    """Consoles do not ring for incidents of all that is named here, for so many minutes; why."""

    model_config = ConfigDict(extra="forbid")

    severity: Severity | None = None
    camera: Annotated[str, Field(max_length=64)] = ""
    rule: Annotated[str, Field(max_length=64)] = ""
    minutes: Annotated[int, Field(ge=1, le=LONGEST // timedelta(minutes=1))]
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class QuietView(Answer):
    """For what consoles do not ring; null is every one. Incidents that are ``vital`` ring all the same."""

    id: str
    severity: Severity | None
    camera: Named | None
    rule: NamedInBoth | None
    reason: str
    author: str
    author_name: str
    created_at: AwareDatetime
    until: AwareDatetime
    lifted_at: AwareDatetime | None
    lifted_by_name: str


def view(names: Names, row: QuietRow) -> QuietView:
    """Return a row as the API shows it."""
    return QuietView.model_validate(
        {
            **{name: getattr(row, name) for name in ("id", "reason", "author", "created_at", "until")},
            "severity": row.severity or None,
            "camera": names.camera(row.camera) if row.camera else None,
            "rule": names.rule(row.rule) if row.rule else None,
            "author_name": names.operator(row.author),
            "lifted_at": row.lifted_at,
            "lifted_by_name": names.operator(row.lifted_by),
        }
    )


def router(deps: Dependencies) -> APIRouter:
    """Return the routes below /quiets."""
    names = Names(deps.settings.config)
    routes = APIRouter(prefix="/quiets", tags=["shifts"])
    refused = described(HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.FORBIDDEN)

    @routes.get("")
    def list_quiets(
        over: Annotated[bool, Query(description="Those that are over as well.")] = False,
    ) -> list[QuietView]:
        """List for what consoles do not ring, the newest first."""
        with deps.store.read() as session:
            rows = quiet_now(session, deps.clock.now())
            if over:
                query = select(QuietRow).order_by(QuietRow.created_at.desc(), QuietRow.id)
                rows = session.scalars(query.limit(_SHOWN)).all()
            return [view(names, row) for row in rows]

    @routes.post("", status_code=HTTPStatus.CREATED, responses=refused)
    def say_quiet(body: SayQuiet, user: CurrentSession) -> QuietView:
        """Let consoles not ring for a while; what life safety raises cannot be named here."""
        _check(deps, names, body)
        now = deps.clock.now()
        row = QuietRow(
            id=identify("quiet", user.operator, now.isoformat(), body.model_dump_json()),
            severity=body.severity or "",
            camera=body.camera,
            rule=body.rule,
            reason=body.reason,
            author=user.operator,
            created_at=now,
            until=now + timedelta(minutes=body.minutes),
        )
        with deps.store.write() as session:
            session.add(row)
        _log.info("quiet_said", operator=user.operator, until=row.until.isoformat())
        return view(names, row)

    @routes.post("/{quiet_id}/lift", responses=refused | described(HTTPStatus.NOT_FOUND))
    def lift_quiet(quiet_id: str, user: CurrentSession) -> QuietView:
        """Let consoles ring again; what is over stays as it was."""
        now = deps.clock.now()
        with deps.store.write() as session:
            row = session.get(QuietRow, quiet_id)
            if row is None:
                raise ApiError(HTTPStatus.NOT_FOUND, "no_quiet", f"no quiet {quiet_id}")
            if row.lifted_at is None and row.until > now:
                row.lifted_at, row.lifted_by = now, user.operator
        return view(names, row)

    return routes


def _check(deps: Dependencies, names: Names, body: SayQuiet) -> None:
    found = ""
    if body.severity is None and not body.camera and not body.rule:
        found = "found nothing; allowed: a severity, a camera or a rule"
    elif body.rule and body.rule not in deps.config.rules:
        found = f"rule: found {body.rule!r}; allowed: {one_of(deps.config.rules)}"
    elif body.rule and names.is_vital(body.rule):
        found = f"rule: found {body.rule!r}, of life safety; allowed: a rule that is not"
    elif body.camera and not deps.config.has(body.camera):
        found = f"camera: found {body.camera!r}; allowed: {one_of(deps.config.cameras)}"
    if found:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "refused", found)
