"""Receivers: which of them must not be called, and what is owed to them."""

from __future__ import annotations

from http import HTTPStatus

import structlog
from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel

from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.models import NamedInBoth
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.store import outbox, receivers, subscriptions
from alerts.store.subscriptions import receiver_of
from lianfang.config.stanza import one_of
from lianfang.redact import redact

_log = structlog.get_logger()


class ReceiverView(BaseModel):
    """A receiver. ``disabled_at``: it asked never to be called again; what is owed to it waits.

    ``failing_since`` is how old the oldest is that it did not take yet, and ``trouble`` why not.
    """

    id: str
    receiver: NamedInBoth
    disabled_at: AwareDatetime | None
    reason: str
    failing_since: AwareDatetime | None
    trouble: str
    pending: int
    dead: int


def router(deps: Dependencies) -> APIRouter:
    """Return the routes below /receivers."""
    routes, names = APIRouter(tags=["receivers"]), Names(deps.settings.config)

    @routes.get("/receivers")
    def list_receivers() -> list[ReceiverView]:
        """List the receivers, those that must not be called, and what is owed to them."""
        with deps.store.read() as session:
            off, depths = receivers.disabled_why(session), outbox.depths(session)
            failing = outbox.troubles(session)
            subscribers = [names.subscriber(row.id, row.title) for row in subscriptions.all_of(session)]
        return [
            ReceiverView(
                id=named.id,
                receiver=named,
                disabled_at=off[named.id][0] if named.id in off else None,
                reason=redact(off[named.id][1]) if named.id in off else "",
                failing_since=failing[named.id][0] if named.id in failing else None,
                trouble=redact(failing[named.id][1]) if named.id in failing else "",
                pending=depths.get((named.id, "pending"), 0),
                dead=depths.get((named.id, "dead"), 0),
            )
            for named in [*names.receivers(), *subscribers]
        ]

    @routes.post(
        "/receivers/{receiver_id}/enable",
        status_code=HTTPStatus.NO_CONTENT,
        responses=described(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    )
    def enable_receiver(receiver_id: str, user: CurrentSession) -> None:
        """Call a receiver again that asked never to be called again: what waits goes out at once."""
        check_known(deps, receiver_id)
        with deps.store.write() as session:
            if not receivers.enable(session, receiver_id, now=deps.clock.now()):
                raise ApiError(HTTPStatus.CONFLICT, "not_disabled", f"{receiver_id} is not disabled")
        _log.info("receiver_enabled", receiver=receiver_id, operator=user.operator)

    return routes


def check_known(deps: Dependencies, receiver_id: str) -> None:
    """Refuse a receiver that there is not; ApiError."""
    if receiver_of(receiver_id) not in deps.config.receivers:
        detail = f"no receiver {receiver_id!r}: {one_of(deps.config.receivers)}"
        raise ApiError(HTTPStatus.NOT_FOUND, "no_receiver", detail)
