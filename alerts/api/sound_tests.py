"""Whether a console is heard: asked after each log-in, answered by whoever sits there, kept."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel
from sqlalchemy import select

from alerts.api.answer import Answer
from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.names import Names
from alerts.store.shifts import SoundTestRow, heard

_SHOWN = 100


class Heard(BaseModel):
    """Whether the test tones were heard."""

    heard: bool


class SoundTest(Answer):
    """What somebody said of the sound of their console; null while nobody was asked in this log-in."""

    heard: bool | None
    at: AwareDatetime | None
    operator_name: str


def router(deps: Dependencies) -> APIRouter:
    """Return the routes /sound-test, of this log-in, and /sound-tests, of all."""
    names = Names(deps.settings.config)
    routes = APIRouter(tags=["shifts"])

    def _view(row: SoundTestRow) -> SoundTest:
        return SoundTest(heard=row.heard, at=row.at, operator_name=names.operator(row.operator))

    @routes.get("/sound-test")
    def show_sound_test(user: CurrentSession) -> SoundTest:
        """Say what was answered in this log-in."""
        with deps.store.read() as session:
            row = heard(session, user.key)
        return _view(row) if row else SoundTest(heard=None, at=None, operator_name="")

    @routes.post("/sound-test", status_code=HTTPStatus.CREATED)
    def answer_sound_test(body: Heard, user: CurrentSession) -> SoundTest:
        """Say whether the test tones were heard at this console."""
        row = SoundTestRow(session=user.key, operator=user.operator, heard=body.heard, at=deps.clock.now())
        with deps.store.write() as session:
            session.add(row)
        return _view(row)

    @routes.get("/sound-tests")
    def list_sound_tests() -> list[SoundTest]:
        """List what was answered, the newest first."""
        with deps.store.read() as session:
            query = select(SoundTestRow).order_by(SoundTestRow.seq.desc()).limit(_SHOWN)
            return [_view(row) for row in session.scalars(query)]

    return routes
