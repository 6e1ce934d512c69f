"""What workers may not do: they look at everything, and change only what they are assigned to."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from fastapi import Request

from alerts.api.gate import CurrentSession
from alerts.api.names import Names
from alerts.api.problems import ApiError
from alerts.api.sessions import Session


def refuse_worker(names: Names, user: Session, code: str, detail: str) -> None:
    """Refuse what a worker asks for; ApiError."""
    if names.role(user.operator) == "worker":
        raise ApiError(HTTPStatus.FORBIDDEN, code, detail)


def of_operators(names: Names) -> Callable[[Request, CurrentSession], None]:
    """Return a dependency of routes that answers 403 to a worker who would change anything."""

    def refuse(request: Request, user: CurrentSession) -> None:
        if request.method != "GET":
            refuse_worker(names, user, "not_yours", f"{user.operator} may only look at this")

    return refuse
