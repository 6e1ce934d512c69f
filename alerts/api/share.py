"""What people without a login do: those who are invited, and owners. Who they are says their link alone."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool

from alerts.api.dependencies import Dependencies
from alerts.api.gate import MAX_BODY_BYTES
from alerts.api.guest_models import Invitee, Join, Owner, OwnerLink, Push, Try
from alerts.api.guest_views import GuestViews, look
from alerts.api.guests import OWNED, refused
from alerts.api.models import Words
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.guests import consent
from alerts.guests.book import GuestBook
from alerts.guests.offer import Offer
from alerts.guests.preview import Previews
from alerts.guests.problems import NotPossible
from alerts.guests.pushing import pushed, stream_of
from alerts.guests.reading import networks_of, readable
from alerts.store import guests
from alerts.store.guests import GuestRow, InvitationRow
from lianfang.config.guests import FORBIDDEN
from lianfang.errors import PermanentError
from lianfang.reach.guests import GuestSource
from lianfang.reach.shared import FRESH_S, QUESTION

_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}
_SHOWN_S = 30 * 60  # a preview is good for so long
Bearer = Annotated[str, Header(alias="Authorization", max_length=200)]


def router(deps: Dependencies, book: GuestBook) -> APIRouter:
    """Return the routes below /share, which ask for no session."""
    routes = APIRouter(
        prefix="/share",
        max_body_size=MAX_BODY_BYTES,
        tags=["share"],
        responses=described(
            HTTPStatus.NOT_FOUND,
            HTTPStatus.CONFLICT,
            HTTPStatus.UNPROCESSABLE_ENTITY,
            HTTPStatus.TOO_MANY_REQUESTS,
        ),
    )
    desk = _Desk(deps, book)
    _add_invited(routes, desk)
    _add_joining(routes, desk)
    _add_owned(routes, desk)
    _add_readers(routes, deps, book)
    return routes


class _Desk:
    """What these routes share."""

    def __init__(self, deps: Dependencies, book: GuestBook) -> None:
        self.deps, self.book = deps, book
        self.names = Names(deps.settings.config)
        self.views = GuestViews(self.names)
        self.previews = Previews(deps.clock)

    def invitation(self, authorization: str) -> InvitationRow:
        """Return the invitation of a link; every other answer is the same 404."""
        with self.deps.store.read() as session:
            row = guests.invitation(session, _token(authorization), self.deps.clock.now())
        if row is None or self.deps.settings.file.guests is None:
            raise ApiError(HTTPStatus.NOT_FOUND, "no_invitation", "used, revoked, or its time is over")
        return row

    def owned(self, authorization: str) -> GuestRow:
        """Return the camera of an owner's link."""
        with self.deps.store.read() as session:
            row = guests.of_owner(session, _token(authorization))
        if row is None:
            raise ApiError(HTTPStatus.NOT_FOUND, "no_link", "no such link, or not any more")
        return row

    def source(self, invitation: InvitationRow, given: GuestSource | None) -> tuple[GuestSource, str]:
        """Return how to read what is offered, and how it comes; ApiError for an address that may not be."""
        if given is None:
            with refused():
                return pushed(self.book.asked, invitation.push_digest), "pushed"
        asked = self.book.asked
        fault = "kind" if given.kind == "rtmp" else given.fault(asked.networks, asked.ports)
        if fault is not None:
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, f"address_{fault}", "this address is not allowed")
        return given, "fetched"

    def owner(self, row: GuestRow) -> Owner:
        config, now = self.deps.config, self.deps.clock.now()
        with self.deps.store.read() as session:
            return Owner(
                community=config.community.name,
                camera=self.views.camera(session, config, row, now),
                looks=[look(one) for one in guests.looks(session, row.id)],
            )


def _token(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _add_invited(routes: APIRouter, desk: _Desk) -> None:
    @routes.get("/invitation")
    def show_invitation(authorization: Bearer) -> Invitee:
        """Show what is asked for, and the words to agree to, in full."""
        row, asked = desk.invitation(authorization), desk.book.asked
        community = desk.deps.config.community.name
        return Invitee(
            community=community,
            name=row.name,
            expires_at=row.expires_at,
            rules=[desk.names.rule(rule) for rule in asked.rules],
            consent_version=consent.VERSION,
            consent=Words(zh=consent.words("zh", community), en=consent.words("en", community)),
            can_push=asked.media_server is not None,
        )

    @routes.post("/push")
    def ask_for_push(authorization: Bearer) -> Push:
        """Say where to push to, with a key of its own; one that was asked for before is worthless then."""
        row = desk.invitation(authorization)
        with refused():
            server, key = desk.book.push(row.id)
        return Push(server=server, stream=stream_of(key))

    @routes.post("/preview", response_class=Response, responses=_JPEG)
    def try_camera(body: Try, authorization: Bearer) -> Response:
        """Show one picture, taken by a process with limits. ``X-Preview`` goes with what is saved."""
        row = desk.invitation(authorization)
        source, how = desk.source(row, body.source)
        config = desk.deps.config
        try:
            picture = desk.previews.take(row.id, source, networks_of(config, how), desk.book.asked.memory_mb)
        except NotPossible as error:
            early = error.code in ("too_often", "busy")
            status = HTTPStatus.TOO_MANY_REQUESTS if early else HTTPStatus.UNPROCESSABLE_ENTITY
            raise ApiError(status, error.code, str(error)) from error
        seen = desk.book.seal.close([row.id, _mark(source)])
        return Response(picture, media_type="image/jpeg", headers={"X-Preview": seen})


def _add_joining(routes: APIRouter, desk: _Desk) -> None:
    @routes.post("/join", status_code=HTTPStatus.CREATED)
    def join(body: Join, authorization: Bearer) -> OwnerLink:
        """Share a camera. The answer is its owner's link, which nobody can read again."""
        row = desk.invitation(authorization)
        source, how = desk.source(row, body.source)
        _check(desk, body, row, source)
        allowed = body.model_dump(
            mode="json", include={"installed", "legal_class", "rules", "hours", "masks"}, exclude_none=True
        )
        pushes: Literal["fetched", "pushed"] = "pushed" if how == "pushed" else "fetched"
        offer = Offer(allowed, source.model_dump(mode="json"), pushes, body.owner, body.language)
        with refused():
            _, token = desk.book.join(_token(authorization), offer, desk.deps.config.community.name)
        return OwnerLink(link=OWNED + token)


def _check(desk: _Desk, body: Join, row: InvitationRow, source: GuestSource) -> None:
    """Refuse places where no camera may be, other words than the newest, and what was not shown before."""
    if body.installed in FORBIDDEN:
        detail = "the law forbids a camera there (State Council decree 799)"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "forbidden_place", detail)
    if body.consent_version != consent.VERSION:
        raise ApiError(HTTPStatus.CONFLICT, "other_words", f"the words are of version {consent.VERSION} now")
    try:
        seen = desk.book.seal.open(body.preview, _SHOWN_S)
    except PermanentError:
        seen = None
    if seen != [row.id, _mark(source)]:
        detail = "no preview of this camera was shown in the last half hour"
        raise ApiError(HTTPStatus.CONFLICT, "no_preview", detail)


def _mark(source: GuestSource) -> str:
    return hashlib.sha256(source.model_dump_json().encode()).hexdigest()


def _add_owned(routes: APIRouter, desk: _Desk) -> None:
    @routes.get("/camera")
    def show_own_camera(authorization: Bearer) -> Owner:
        """Show an owner what is shared, what is kept, and who looked when."""
        return desk.owner(desk.owned(authorization))

    @routes.post("/camera/{doing}")
    def change_own_camera(doing: Literal["pause", "resume", "withdraw"], authorization: Bearer) -> Owner:
        """Pause, share again, or withdraw for good. It is heard within seconds, and needs no reason."""
        row = desk.owned(authorization)
        with refused():
            if doing == "withdraw":
                desk.book.withdraw(row.id, "owner", "")
            else:
                desk.book.pause(row.id, paused=doing == "pause", by="owner")
        return desk.owner(desk.owned(authorization))


def _add_readers(routes: APIRouter, deps: Dependencies, book: GuestBook) -> None:
    @routes.post("/readers", response_class=PlainTextResponse, include_in_schema=False)
    async def say_what_may_be_read(request: Request) -> str:
        """Say to ingest, which has the guests' key, which cameras it may read, and how. Sealed."""
        asked = (await request.body()).decode("ascii", errors="replace")
        return await run_in_threadpool(_readers, deps, book, asked)


def _readers(deps: Dependencies, book: GuestBook, asked: str) -> str:
    try:
        seal = book.seal
        good = seal.open(asked, FRESH_S) == QUESTION
    except (PermanentError, NotPossible):
        good = False
    if not good:
        raise ApiError(HTTPStatus.NOT_FOUND, "not_found", "nothing here")
    answer = readable(deps.store, deps.settings, seal, deps.clock.now())
    return seal.close(answer.model_dump(mode="json"))
