"""The cameras of guests, for operators: invitations, states, and ending on behalf of an owner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.guest_models import Ending, GuestList, Invitation, Invite, Invited, Look, OwnerLink
from alerts.api.guest_views import GuestViews, look
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.guests.book import GuestBook
from alerts.guests.looking import Looks
from alerts.guests.problems import NotPossible
from alerts.store import guests
from lianfang.errors import ConfigError

INVITED, OWNED = "/connect#", "/my-camera#"
"""Pages of the console; what stands behind the # never reaches a server's log."""
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}
_NEW = timedelta(seconds=10)
Why = Annotated[str, Query(min_length=1, max_length=500, description="Why, for its owner to read.")]


def router(deps: Dependencies, book: GuestBook, looks: Looks) -> APIRouter:
    """Return the routes below /guests."""
    names = Names(deps.settings.config)
    routes = APIRouter(
        prefix="/guests",
        tags=["guests"],
        responses=described(
            HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY
        ),
    )
    views = GuestViews(names)
    _add_invitations(routes, deps, book, views)
    _add_cameras(routes, book)
    _add_looks(routes, deps, looks, names)
    return routes


@contextmanager
def refused() -> Iterator[None]:
    """Answer what the book refuses: 404, 409, or 422 with a line for everything that is not allowed."""
    try:
        yield
    except ConfigError as error:
        lines = (f"{p.key}: found {p.found}; allowed: {p.allowed}" for p in error.problems)
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "refused", "\n".join(lines)) from error
    except NotPossible as error:
        raise ApiError(HTTPStatus.CONFLICT, error.code, str(error)) from error
    except LookupError as error:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_camera", str(error.args[0])) from error


def _add_invitations(routes: APIRouter, deps: Dependencies, book: GuestBook, views: GuestViews) -> None:
    @routes.get("")
    def list_guests() -> GuestList:
        """List the cameras of guests, those that were withdrawn too, and the newest invitations."""
        config, now = deps.config, deps.clock.now()
        with deps.store.read() as session:
            return GuestList(
                enabled=config.guests is not None,
                cameras=[views.camera(session, config, row, now) for row in guests.rows(session)],
                invitations=[views.invitation(row, now) for row in guests.invitations(session)],
            )

    @routes.post("/invitations", status_code=HTTPStatus.CREATED)
    def invite(body: Invite, user: CurrentSession) -> Invited:
        """Make an invitation for one camera. Its link is said here, and never again."""
        with refused():
            row, token = book.invite(user.operator, body.name, body.near)
        return Invited(invitation=views.invitation(row, deps.clock.now()), link=INVITED + token)

    @routes.delete("/invitations/{invitation}")
    def revoke_invitation(invitation: str, user: CurrentSession) -> Invitation:
        """Make an invitation worthless."""
        with refused():
            book.revoke(invitation, user.operator)
        with deps.store.read() as session:
            row = session.get_one(guests.InvitationRow, invitation)
        return views.invitation(row, deps.clock.now())


def _add_cameras(routes: APIRouter, book: GuestBook) -> None:
    def add(path: str, name: str, description: str, do: Callable[[str, str, str], object]) -> None:
        @routes.post(
            f"/{{camera}}/{path}", status_code=HTTPStatus.NO_CONTENT, name=name, description=description
        )
        def act(camera: str, body: Ending, user: CurrentSession) -> None:
            with refused():
                do(camera, user.operator, body.reason)

    add(
        "withdraw",
        "withdraw_guest",
        "End it on behalf of its owner: read no more within seconds, forget address and password, delete "
        "what the law does not require to be kept.",
        book.withdraw,
    )
    for path, name, paused, description in (
        ("pause", "pause_guest", True, "Read it no more for now."),
        ("resume", "resume_guest", False, "Read it again."),
    ):
        add(path, name, description, partial(_paused, book, paused))

    @routes.post("/{camera}/link")
    def renew_owner_link(camera: str, user: CurrentSession) -> OwnerLink:
        """Make a new link for its owner; the old one is worthless. It is said here, and never again."""
        with refused():
            return OwnerLink(link=OWNED + book.renew(camera, user.operator))


def _paused(book: GuestBook, paused: bool, camera: str, by: str, why: str) -> None:
    book.pause(camera, paused=paused, by=by, why=why)


def _add_looks(routes: APIRouter, deps: Dependencies, looks: Looks, names: Names) -> None:
    @routes.get("/{camera}/looks")
    def list_looks(camera: str) -> list[Look]:
        """List who looked at its pictures, newest first."""
        with deps.store.read() as session:
            return [look(row) for row in guests.looks(session, camera)]

    @routes.get("/{camera}/preview.jpg", response_class=Response, responses=_JPEG)
    def preview_guest(camera: str, reason: Why, user: CurrentSession) -> Response:
        """Show the newest picture; who looked, when and why is written down for its owner to read."""
        with deps.store.read() as session:
            row = session.get(guests.GuestRow, camera)
        if row is None or row.state != "active":
            raise ApiError(
                HTTPStatus.NOT_FOUND, "no_camera", f"no camera {camera!r} of a guest is shared now"
            )
        newest = deps.newest(camera, deps.clock.now() - _NEW)
        if newest is None:
            raise ApiError(HTTPStatus.NOT_FOUND, "no_picture", f"camera {camera} gives no picture now")
        looks.note(camera, "preview", user.operator, names.operator(user.operator), deps.clock.now(), reason)
        return Response(newest, media_type="image/jpeg")
