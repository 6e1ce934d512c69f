"""A person's own voice at speakers: the browser sends what it hears, a fraction of a second at a time.

It is plain requests, one after the other, under the session like any other: nothing new has to be let
through a proxy. The sound is kept in no store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Query, Request

from alerts import calls, microphone
from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.problems import ApiError, described
from alerts.api.speaker_models import BeginVoice, VoiceBegun, VoiceHeard
from alerts.api.speakers import chosen, refusals
from alerts.voice.microphone import MOST_S, VoiceRefused

_log = structlog.get_logger()
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_SENT = {"requestBody": {"required": True, "content": {"application/octet-stream": _BINARY}}}


def router(deps: Dependencies) -> APIRouter:
    """Return the routes below /calls that take a voice."""
    routes = APIRouter(
        prefix="/calls",
        tags=["speakers"],
        responses=described(
            HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY
        ),
    )

    @routes.post("/voice", responses=described(HTTPStatus.TOO_MANY_REQUESTS))
    def begin_voice(body: BeginVoice, user: CurrentSession) -> VoiceBegun:
        """Begin to speak; who hears it live, who once it has ended, who not at all."""
        config = deps.config
        speakers = chosen(config, body)
        wanted = calls.Wanted(calls.Kind.VOICE, speakers, "", body.group, body.volume_pct)
        ways = microphone.ways(config, speakers)
        if not (ways["live"] or ways["afterwards"]):
            detail = "none of the speakers plays sound that is not stored"
            raise ApiError(HTTPStatus.CONFLICT, "not_heard", detail)
        with _refused(), refusals():
            call = microphone.begin(
                deps.store, config, deps.clock, deps.voices, user.operator, wanted, body.rate
            )
        _log.info("voice_begun", call=call, operator=user.operator, speakers=len(speakers))
        return VoiceBegun(
            id=call,
            most_s=MOST_S,
            live=ways["live"],
            afterwards=ways["afterwards"],
            not_heard=ways["none"],
        )

    @routes.post("/{call_id}/sound", openapi_extra=_SENT)
    async def send_sound(
        call_id: str,
        request: Request,
        user: CurrentSession,
        at: Annotated[int, Query(ge=0, description="Byte of the voice at which it begins.")],
    ) -> VoiceHeard:
        """Take the next part of a voice: 16-bit samples, little-endian, one channel, 64 KB at most."""
        data = await request.body()
        with _refused():
            seconds = await asyncio.to_thread(deps.voices.add, call_id, user.operator, at, data)
        return VoiceHeard(seconds=seconds)

    @routes.post("/{call_id}/end")
    def end_voice(call_id: str, user: CurrentSession) -> VoiceHeard:
        """End a voice: speakers that cannot play it live are given it now."""
        with _refused():
            seconds = microphone.end(deps.store, deps.config, deps.clock, deps.voices, call_id, user.operator)
        _log.info("voice_ended", call=call_id, operator=user.operator, seconds=round(seconds, 1))
        return VoiceHeard(seconds=seconds)

    return routes


@contextmanager
def _refused() -> Iterator[None]:
    """Answer 409 for sound that is not taken, 404 where that person does not speak, or no more."""
    try:
        yield
    except VoiceRefused as error:
        raise ApiError(HTTPStatus.CONFLICT, "not_taken", str(error)) from error
    except LookupError as error:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_voice", str(error.args[0])) from error
