"""The handover of a shift: how things stand, who hands over to whom, kept to be read later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints
from sqlalchemy import select

from alerts import handovers
from alerts.api.answer import Answer
from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.models import Named
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.api.sessions import Session
from alerts.api.sight import Sight
from alerts.api.standing import OpenCase, Standing, open_cases, standing
from alerts.store.shifts import HandoverRow

Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
_SHOWN = 100


class OfferHandover(BaseModel):
    """To whom this shift is handed over, and what they are to know beside how things stand."""

    taker: Annotated[str, Field(min_length=1, max_length=64)]
    note: Note = ""


class AnswerHandover(BaseModel):
    """What is said with a confirmation or a refusal."""

    note: Note = ""


class Handover(Answer):
    """One handover. ``taken``: both have confirmed it. ``withdrawn``: one of them has not."""

    id: str
    giver: Named
    taker: Named
    note: str
    state: Literal["offered", "taken", "withdrawn"]
    offered_at: AwareDatetime
    ended_at: AwareDatetime | None
    ended_by_name: str
    answer: str


class HandoverDetail(Handover):
    """A handover with how things stood when it was offered, and what had come by when it was taken."""

    standing: Standing
    since: list[OpenCase]


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except LookupError as error:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_handover", str(error)) from error
    except handovers.NotOffered as error:
        raise ApiError(HTTPStatus.CONFLICT, "not_offered", str(error)) from error
    except handovers.NotBetween as error:
        raise ApiError(HTTPStatus.FORBIDDEN, "not_between", str(error)) from error


def router(deps: Dependencies, sight: Sight) -> APIRouter:
    """Return the routes below /handovers."""
    names = Names(deps.settings.config)
    routes = APIRouter(
        prefix="/handovers",
        tags=["shifts"],
        responses=described(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND),
    )

    @routes.get("")
    def list_handovers() -> list[Handover]:
        """List the handovers, the newest first; one that waits for its taker is among them."""
        with deps.store.read() as session:
            query = select(HandoverRow).order_by(HandoverRow.offered_at.desc(), HandoverRow.id)
            return [
                Handover.model_validate(_shown(names, row)) for row in session.scalars(query.limit(_SHOWN))
            ]

    @routes.get("/standing")
    def show_standing(user: CurrentSession) -> Standing:
        """Say how things stand now: what a handover would hold."""
        with deps.store.read() as session:
            return _seen(standing(deps, names, session), sight, user)

    @routes.get("/{handover_id}")
    def show_handover(handover_id: str, user: CurrentSession) -> HandoverDetail:
        """Show one handover as it was."""
        with deps.store.read() as session:
            row = session.get(HandoverRow, handover_id)
        if row is None:
            raise ApiError(HTTPStatus.NOT_FOUND, "no_handover", f"no handover {handover_id}")
        found = _detail(names, row)
        stood, since = _seen(found.standing, sight, user), [sight.case(c, user.operator) for c in found.since]
        return found.model_copy(update={"standing": stood, "since": since})

    _answers(routes, deps, names)
    return routes


def _seen(stands: Standing, sight: Sight, user: Session) -> Standing:
    """Return how things stand as far as somebody may see it."""
    return stands.model_copy(update={"open": [sight.case(case, user.operator) for case in stands.open]})


def _answers(routes: APIRouter, deps: Dependencies, names: Names) -> None:
    @routes.post("", status_code=HTTPStatus.CREATED)
    def offer_handover(body: OfferHandover, user: CurrentSession) -> HandoverDetail:
        """Hand over: how things stand now is kept, and the other one is asked."""
        with deps.store.read() as session:
            stands = standing(deps, names, session).model_dump(mode="json")
        offer = handovers.Offer(user.operator, body.taker, body.note, stands)
        with _refusals():
            return _detail(names, handovers.offer(deps.store, deps.config, offer, deps.clock.now()))

    @routes.post("/{handover_id}/take")
    def take_handover(handover_id: str, body: AnswerHandover, user: CurrentSession) -> HandoverDetail:
        """Confirm it as the one who comes."""
        with deps.store.read() as session:
            now_open = [case.model_dump(mode="json") for case in open_cases(names, session)]
        with _refusals():
            said = (handover_id, user.operator, body.note)
            return _detail(names, handovers.take(deps.store, *said, now_open, deps.clock.now()))

    @routes.post("/{handover_id}/withdraw")
    def withdraw_handover(handover_id: str, body: AnswerHandover, user: CurrentSession) -> HandoverDetail:
        """Take it back as the one who goes, or refuse it as the one who comes."""
        with _refusals():
            said = (handover_id, user.operator, body.note)
            return _detail(names, handovers.withdraw(deps.store, *said, deps.clock.now()))


def _shown(names: Names, row: HandoverRow) -> dict[str, object]:
    same = ("id", "note", "state", "offered_at", "ended_at", "answer")
    return {
        **{name: getattr(row, name) for name in same},
        "giver": Named(id=row.giver, name=names.operator(row.giver) or row.giver),
        "taker": Named(id=row.taker, name=names.operator(row.taker) or row.taker),
        "ended_by_name": names.operator(row.ended_by),
    }


def _detail(names: Names, row: HandoverRow) -> HandoverDetail:
    kept = {"standing": row.standing, "since": row.since}
    return HandoverDetail.model_validate(_shown(names, row) | kept)
