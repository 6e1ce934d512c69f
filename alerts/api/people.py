"""People and what they may do: for administrators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, cast

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from alerts.api.answer import Answer
from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.passwords import first_password, hash_password
from alerts.api.problems import ApiError, described
from alerts.api.settings_models import Why
from alerts.people import NotPossible, PeopleBook, Person
from alerts.store.people import PersonRow
from lianfang.config.api import Role

PersonId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


class PersonView(Answer):
    """Somebody who may log in. ``configured``: they stand in the configuration, and are changed there.

    ``must_change``: somebody else has chosen their password, and they have not logged in with it yet.
    """

    id: str
    name: str
    role: Role
    cells: list[str]
    configured: bool
    must_change: bool
    locked: bool
    locked_at: AwareDatetime | None
    created_at: AwareDatetime | None
    created_by_name: str


class FirstPassword(Answer):
    """Somebody, and the password that lets them in once. It is said here, and never again."""

    person: PersonView
    password: str


class PersonChange(BaseModel):
    """What is to be known of somebody."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    role: Role
    cells: Annotated[list[str], Field(max_length=50)] = []

    def person(self) -> Person:
        """Return it as the book understands it."""
        return Person(self.name, self.role, tuple(self.cells))


class NewPerson(PersonChange):
    """Somebody new, by the id that they log in with."""

    id: PersonId


class Because(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    reason: Why


@contextmanager
def refused() -> Iterator[None]:
    """Answer 404 for who is not there, 409 for what cannot be done."""
    try:
        yield
    except NotPossible as error:
        raise ApiError(HTTPStatus.CONFLICT, error.code, str(error)) from error
    except LookupError as error:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_person", str(error.args[0])) from error


def router(deps: Dependencies, book: PeopleBook, ended: Callable[[], None]) -> APIRouter:
    """Return the routes below /people; ``ended`` is called where sessions may have ended."""
    routes = APIRouter(
        prefix="/people",
        tags=["people"],
        responses=described(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
    )
    _add_list(routes, deps, book)
    _add_access(routes, deps, book, ended)
    return routes


def _add_list(routes: APIRouter, deps: Dependencies, book: PeopleBook) -> None:
    @routes.get("")
    def list_people() -> list[PersonView]:
        """List who may log in, and who was locked out; those of the configuration first."""
        deps.settings.look()
        return [*_configured(deps), *(_view(deps, row) for row in deps.settings.people.rows.values())]

    @routes.post("", status_code=HTTPStatus.CREATED)
    def add_person(body: NewPerson, user: CurrentSession) -> FirstPassword:
        """Let somebody in, with a password that they must change at their first log-in."""
        password = first_password()
        with refused():
            row = book.add(body.id, body.person(), hash_password(password), user.operator)
        return FirstPassword(person=_view(deps, row), password=password)

    @routes.put("/{person}")
    def change_person(person: str, body: PersonChange, user: CurrentSession) -> PersonView:
        """Change name, role and cells of somebody; it holds at their next request."""
        with refused():
            return _view(deps, book.change(person, body.person(), user.operator))


def _add_access(routes: APIRouter, deps: Dependencies, book: PeopleBook, ended: Callable[[], None]) -> None:
    @routes.post("/{person}/lock")
    def lock_person(person: str, body: Because, user: CurrentSession) -> PersonView:
        """Let somebody in no more: what they have open ends at once."""
        del body  # its reason is in the audit
        with refused():
            row = book.lock(person, user.operator)
        ended()
        return _view(deps, row)

    @routes.post("/{person}/unlock")
    def unlock_person(person: str, body: Because) -> PersonView:
        """Let somebody in again."""
        del body
        with refused():
            return _view(deps, book.unlock(person))

    @routes.post("/{person}/password")
    def give_new_password(person: str, body: Because) -> FirstPassword:
        """Give somebody a new password, which they must change; what they have open ends at once."""
        del body
        password = first_password()
        with refused():
            row = book.set_password(person, hash_password(password), own=False)
        ended()
        return FirstPassword(person=_view(deps, row), password=password)


def _configured(deps: Dependencies) -> list[PersonView]:
    file = deps.settings.file
    return [
        PersonView(
            id=name,
            name=operator.name,
            role=operator.role,
            cells=[cell for cell, stanza in file.grid_cells.items() if name in stanza.workers],
            configured=True,
            must_change=False,
            locked=operator.locked,
            locked_at=None,
            created_at=None,
            created_by_name="",
        )
        for name, operator in file.api.operators.items()
    ]


def _view(deps: Dependencies, row: PersonRow) -> PersonView:
    by = deps.config.api.operators.get(row.created_by)
    return PersonView(
        id=row.id,
        name=row.name,
        role=cast("Role", row.role),
        cells=row.cells,
        configured=False,
        must_change=row.must_change,
        locked=row.locked_at is not None,
        locked_at=row.locked_at,
        created_at=row.created_at,
        created_by_name=by.name if by else row.created_by,
    )
