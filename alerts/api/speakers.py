"""Speakers: how they are, what is said and waits, and what a person says or stops there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import structlog
from fastapi import APIRouter

from alerts import calls
from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.api.speaker_models import CallView, MakeCall, Silenced, SpeakersState, Where
from alerts.api.speaker_views import SpeakerViews
from alerts.broadcast import AllStopped, TooOften
from lianfang.config import Config

_log = structlog.get_logger()


@contextmanager
def refusals() -> Iterator[None]:
    """Answer 404 for what there is not, 409 for what is not possible now, 429 for too often."""
    try:
        yield
    except TooOften as error:
        wait = {"Retry-After": "60"}
        raise ApiError(HTTPStatus.TOO_MANY_REQUESTS, "too_often", str(error), wait) from error
    except AllStopped as error:
        raise ApiError(HTTPStatus.CONFLICT, "all_stopped", str(error)) from error
    except LookupError as error:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_speaker", str(error.args[0])) from error


def chosen(config: Config, body: Where) -> tuple[str, ...]:
    """Return the speakers of a call; 404 for a group that there is not, 422 for none or unconfirmed."""
    found = {group: members for group, _, members in calls.groups(config)}
    if body.group and body.group not in found:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_group", f"no group {body.group!r}")
    speakers = tuple(dict.fromkeys(found[body.group] if body.group else body.speakers))
    if not speakers:
        detail = "found no speaker; allowed: speakers, or a group that has some"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "no_speaker_chosen", detail)
    if len(speakers) > 1 and not body.confirmed:
        detail = f"{len(speakers)} speakers at once need confirmed: true"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "not_confirmed", detail)
    return speakers


def router(deps: Dependencies) -> APIRouter:
    """Return the routes below /speakers and /calls."""
    names = Names(deps.settings.config)
    views = SpeakerViews(deps.settings, names)
    routes = APIRouter(
        tags=["speakers"],
        responses=described(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
    )

    @routes.get("/speakers")
    def list_speakers() -> SpeakersState:
        """List every speaker: how it is, what it says, what waits there, its hours, and the groups."""
        with deps.store.read() as session:
            return views.state(session, deps.clock.now())

    @routes.post("/speakers/{speaker}/stop")
    def stop_speaker(speaker: str, user: CurrentSession) -> Silenced:
        """Break off what a speaker says, whatever it is, and drop what waits there."""
        with refusals():
            count = calls.silence(deps.store, deps.config, deps.clock, speaker)
        _log.info("speaker_silenced", receiver=speaker, operator=user.operator, speeches=count)
        return Silenced(speeches=count)

    _add_calls(routes, deps, views)
    return routes


def _add_calls(routes: APIRouter, deps: Dependencies, views: SpeakerViews) -> None:
    @routes.get("/calls")
    def list_calls() -> list[CallView]:
        """List what people said through speakers, at no incident, the newest first."""
        with deps.store.read() as session:
            return views.calls(session)

    @routes.post("/calls", responses=described(HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS))
    def make_call(body: MakeCall, user: CurrentSession) -> CallView:
        """Say something through one speaker or a group, now and at any hour; six times a minute at most."""
        config = deps.config
        speakers = chosen(config, body)
        if body.kind is calls.Kind.WORDS and not body.text:
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "no_words", "found no text; allowed: some")
        text = body.text if body.kind is calls.Kind.WORDS else ""
        wanted = calls.Wanted(body.kind, speakers, text, body.group, body.volume_pct)
        with refusals():
            row = calls.make(deps.store, config, deps.clock, user.operator, wanted)
        _log.info("call_made", call=row.id, kind=row.kind, operator=user.operator, speakers=len(speakers))
        with deps.store.read() as session:
            return views.calls(session, row.id)[0]

    @routes.post("/calls/{call_id}/stop")
    def stop_call(call_id: str, user: CurrentSession) -> Silenced:
        """Break off a call wherever it is said, and drop it where it waits."""
        deps.voices.discard(call_id)
        with refusals():
            count = calls.stop(deps.store, deps.clock, call_id, user.operator)
        _log.info("call_stopped", call=call_id, operator=user.operator)
        return Silenced(speeches=count)
