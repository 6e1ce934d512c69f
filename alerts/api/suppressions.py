"""What people said is to be held back: listed, said, taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import select

from alerts import suppressing
from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.models import Named, NamedInBoth
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.store.schema import SuppressionRow
from alerts.store.suppressions import word
from alerts.suppression.said import Kind, Suppression
from lianfang.config.schedule import Schedule
from lianfang.ids import identify

_SHOWN = 500


class _Say(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
    """Why: whoever comes after must be able to judge it."""
    incident: Annotated[str, Field(max_length=36)] = ""
    """The incident at which it is said."""


class SayDismissal(_Say):
    """Not this, here: what the incident shows at its spot is no alert of its rule any more."""

    kind: Literal["dismissal"]
    incident: Annotated[str, Field(min_length=1, max_length=36)]
    member: Annotated[int, Field(ge=0)] = 0
    until: AwareDatetime | None = None


class SayPermit(_Say):
    """True, but allowed: so many (null: any number) at a place, at those hours of the day."""

    kind: Literal["permit"]
    rules: Annotated[list[str], Field(min_length=1)]
    camera: str = ""
    point: str = ""
    place: str = ""
    zone: str = ""
    heads: Annotated[int | None, Field(ge=1, le=1000)] = None
    hours: Schedule | None = None
    task_after_s: Annotated[int | None, Field(ge=0, le=4 * 3600)] = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class SaySilence(_Say):
    """Record and show it, and tell nobody, until then."""

    kind: Literal["silence"]
    rules: list[str] = []
    camera: str = ""
    point: str = ""
    place: str = ""
    since: AwareDatetime | None = None
    until: AwareDatetime


class SayMaintenance(_Say):
    """Somebody works on one camera, one point or one speaker, until then."""

    kind: Literal["maintenance"]
    camera: str = ""
    point: str = ""
    receiver: str = ""
    since: AwareDatetime | None = None
    until: AwareDatetime


AnySay = SayDismissal | SayPermit | SaySilence | SayMaintenance
Say = Annotated[AnySay, Field(discriminator="kind")]


class SuppressionView(BaseModel):
    """A word of a person. ``held`` is how often something began to be held back by it.

    ``state`` is ``in_force`` also outside the daily ``hours`` of a permit.
    """

    id: str
    kind: Kind
    state: Literal["waiting", "in_force", "over", "lifted"]
    rules: list[NamedInBoth]
    camera: Named | None
    point: Named | None
    place: Named | None
    zone: str
    receiver: NamedInBoth | None
    label: str
    xyxyn: tuple[float, float, float, float] | None
    heads: int | None
    hours: Schedule | None
    task_after_s: int | None
    since: AwareDatetime
    until: AwareDatetime | None
    author: str
    author_name: str
    reason: str
    created_at: AwareDatetime
    lifted_at: AwareDatetime | None
    lifted_by_name: str
    incident_id: str
    held: int
    last_held_at: AwareDatetime | None


@contextmanager
def refusals(missing: str) -> Iterator[None]:
    """Answer 422 for what is refused, and 404 with the code ``missing`` for what there is not."""
    try:
        yield
    except suppressing.Refused as error:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "refused", str(error)) from error
    except LookupError as error:
        raise ApiError(HTTPStatus.NOT_FOUND, missing, str(error)) from error


def router(deps: Dependencies) -> APIRouter:
    """Return the routes below /suppressions."""
    names = Names(deps.settings.config)
    routes = APIRouter(
        prefix="/suppressions",
        tags=["suppressions"],
        responses=described(HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.FORBIDDEN),
    )

    @routes.get("")
    def list_suppressions(
        over: Annotated[bool, Query(description="Those that are over or lifted as well.")] = False,
    ) -> list[SuppressionView]:
        """List what is held back by people's word, the newest first."""
        now = deps.clock.now()
        with deps.store.read() as session:
            query = select(SuppressionRow).where(SuppressionRow.kind != Kind.TRIAL)
            query = query.order_by(SuppressionRow.created_at.desc(), SuppressionRow.id)
            if not over:
                is_over = (SuppressionRow.until <= now) & SuppressionRow.until.is_not(None)
                query = query.where(SuppressionRow.lifted_at.is_(None), ~is_over)
            return [_view(names, row, now) for row in session.scalars(query.limit(_SHOWN))]

    @routes.post("", status_code=HTTPStatus.CREATED, responses=described(HTTPStatus.NOT_FOUND))
    def suppress(body: Say, user: CurrentSession) -> SuppressionView:
        """Say what is to be held back from now on."""
        now = deps.clock.now()
        member = body.member if isinstance(body, SayDismissal) else 0
        with refusals("no_incident"):
            said = _word(body, user.operator, now)
            row = suppressing.say(deps.store, deps.config, deps.clock, said, body.incident, member)
        return _view(names, row, now)

    @routes.post("/{word_id}/lift", responses=described(HTTPStatus.NOT_FOUND))
    def lift_suppression(word_id: str, user: CurrentSession) -> SuppressionView:
        """Take a word back: what still holds is heard."""
        with refusals("no_suppression"):
            row = suppressing.take_back(deps.store, deps.clock, word_id, user.operator)
        return _view(names, row, deps.clock.now())

    return routes


def _word(body: AnySay, author: str, now: datetime) -> Suppression:
    given = body.model_dump(exclude={"kind", "incident", "member", "since", "rules", "hours"})
    return Suppression(
        id=identify("suppression", author, now.isoformat(), body.model_dump_json()),
        kind=Kind(body.kind),
        since=getattr(body, "since", None) or now,
        author=author,
        created_at=now,
        rules=tuple(getattr(body, "rules", ())),
        hours=getattr(body, "hours", None),
        **given,
    )


def _view(names: Names, row: SuppressionRow, now: datetime) -> SuppressionView:
    said = word(row)
    shared = {name: getattr(said, name) for name in SuppressionView.model_fields if hasattr(said, name)}
    return SuppressionView.model_validate(
        {
            **shared,
            "state": _state(said, now),
            "rules": [names.rule(rule) for rule in said.rules],
            "camera": names.camera(said.camera) if said.camera else None,
            "point": names.point(said.point) if said.point else None,
            "place": names.point(said.place) if said.place else None,
            "receiver": next((r for r in names.receivers() if r.id == said.receiver), None),
            "author_name": names.operator(said.author),
            "lifted_by_name": names.operator(said.lifted_by),
            "incident_id": row.incident_id,
            "held": row.held,
            "last_held_at": row.last_held_at,
        }
    )


def _state(said: Suppression, now: datetime) -> str:
    if said.is_lifted(now):
        return "lifted"
    if said.until is not None and now >= said.until:
        return "over"
    return "waiting" if now < said.since else "in_force"
