"""Dead letters, and sending again what is dead or lost, under its id."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Self

import structlog
from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select

from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.models import Delivery
from alerts.api.problems import ApiError, described
from alerts.api.receivers import check_known
from alerts.api.views import delivery
from alerts.store import again
from alerts.store.schema import OutboxRow

_log = structlog.get_logger()
_MOST = 500
_REFUSALS = (
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)


class DeadLetter(Delivery):
    """A delivery that nobody tries any more. ``may_go_again``: not so for commands whose time is over."""

    incident: str
    may_go_again: bool


class Replay(BaseModel):
    """What is to be sent again under its id: ``ids``, or the notices to ``receiver`` in a time.

    With ``delivered`` those of that time as well that it had taken.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    ids: Annotated[tuple[str, ...], Field(max_length=_MOST)] = ()
    receiver: str | None = None
    begin: AwareDatetime | None = Field(default=None, alias="from")
    end: AwareDatetime | None = Field(default=None, alias="to")
    delivered: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        span = (self.receiver, self.begin, self.end)
        if (self.ids and any(span)) or not (self.ids or all(span)):
            raise ValueError("either `ids`, or `receiver`, `from` and `to`")
        if self.begin and self.end and self.begin >= self.end:
            raise ValueError("`from` before `to`")
        return self


class Replayed(BaseModel):
    """How many deliveries are owed again."""

    count: int


def router(deps: Dependencies) -> APIRouter:
    """Return /dead-letters and /deliveries/replay."""
    routes = APIRouter(tags=["receivers"])

    @routes.get("/dead-letters")
    def list_dead_letters(
        receiver: str | None = None,
        begin: Annotated[AwareDatetime | None, Query(alias="from")] = None,
        end: Annotated[AwareDatetime | None, Query(alias="to")] = None,
        limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
    ) -> list[DeadLetter]:
        """List what nobody tries any more, the newest first; owed at ``from`` or later and before ``to``."""
        query = select(OutboxRow).where(OutboxRow.state == "dead", OutboxRow.incident_id.is_not(None))
        if receiver is not None:
            query = query.where(OutboxRow.receiver == receiver)
        if begin is not None:
            query = query.where(OutboxRow.created_at >= begin)
        if end is not None:
            query = query.where(OutboxRow.created_at < end)
        now = deps.clock.now()
        with deps.store.read() as session:
            rows = session.scalars(query.order_by(OutboxRow.seq.desc()).limit(limit))
            return [_letter(row, now) for row in rows]

    @routes.post("/deliveries/replay", responses=described(*_REFUSALS))
    def replay_deliveries(body: Replay, user: CurrentSession) -> Replayed:
        """Send deliveries again, all that are asked for or none."""
        if body.receiver:
            check_known(deps, body.receiver)
        count = _replay(deps, body, deps.clock.now())
        _log.info("replayed", count=count, receiver=body.receiver or "", operator=user.operator)
        return Replayed(count=count)

    return routes


def _replay(deps: Dependencies, body: Replay, now: datetime) -> int:
    with deps.store.write() as session:
        if body.receiver and body.begin and body.end:
            return again.replay_span(
                session, body.receiver, body.begin, body.end, now, delivered=body.delivered
            )
        try:
            return len([again.replay(session, outbox_id, now) for outbox_id in body.ids])
        except LookupError as error:
            raise ApiError(HTTPStatus.NOT_FOUND, "no_delivery", str(error)) from error
        except ValueError as error:
            raise ApiError(HTTPStatus.CONFLICT, "not_again", str(error)) from error


def _letter(row: OutboxRow, now: datetime) -> DeadLetter:
    over = again.is_over(row, now)
    return DeadLetter(**dict(delivery(row)), incident=row.about, may_go_again=not over)
