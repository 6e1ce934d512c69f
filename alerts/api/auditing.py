"""Every request that changes something leaves an entry in the audit, whichever route answers it.

It stands between the gate and the routes: a route that is added later is audited before anybody thinks of it.
The entry is written in the transaction of the route where it has one, else before the answer goes out.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import structlog
from starlette._utils import get_route_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alerts.api.gate import LOGIN, SAFE, of_machines
from alerts.api.names import Names
from alerts.store import Store, audit
from alerts.store.audit import AuditRow, Pending, pending
from alerts.store.store import QUIET
from lianfang.clock import Clock
from lianfang.errors import LianfangError
from lianfang.redact import quoted

_log = structlog.get_logger()
_MOST_BYTES = 64 * 1024  # of a body that is read for its reason; longer ones are files
_MOST_WORDS = 20
_PARTS = re.compile(r"/api/calls/[^/]+/sound")
"""Parts of a voice, several a second: its beginning and its end are deeds."""
_REASONS = ("reason", "note", "why", "text")
_QUESTIONS = re.compile(r"/api/(rules/[^/]+/check|plates/import/check|week)")
"""What is asked by POST, for it is long: how a rule or a schedule would be, while somebody writes it."""
_SECRET = re.compile(r"pass|secret|token|key|hash|credential|preview|source|url|address", re.IGNORECASE)
_PASSWORDS = frozenset({LOGIN, "/api/password"})  # their bodies are nothing else
GUEST = "guest"
"""Who owns or connects a camera, known by the secret of a link alone."""


class Auditing:
    """ASGI middleware: writes down what people change, and what they were refused."""

    def __init__(self, app: ASGIApp, store: Store, clock: Clock, names: Names) -> None:
        self._app, self._store, self._clock, self._names = app, store, clock, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, and see to its entry."""
        if scope["type"] != "http" or scope["method"] in SAFE or _changes_nothing(get_route_path(scope)):
            await self._app(scope, receive, send)
            return
        deed = Asked(scope, self._names, self._clock.now())
        waiting = Pending(deed)

        async def heard() -> Message:
            message = await receive()
            deed.hear(message)
            return message

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start" and not waiting.is_written:
                waiting.is_written = True
                await asyncio.to_thread(self._write, deed.entry(message["status"]))
            await send(message)

        token = pending.set(waiting)
        try:
            await self._app(scope, heard, answered)
        finally:
            pending.reset(token)

    def _write(self, row: AuditRow) -> None:
        try:
            with self._store.write() as session:
                session.info[QUIET] = True
                audit.add(session, row)
        except LianfangError as error:
            _log.error("audit_not_written", action=row.action, actor=row.actor, reason=str(error))


class Asked:
    """A request as a deed: who, what, of what, and why. Nothing of it is a secret."""

    def __init__(self, scope: Scope, names: Names, at: datetime) -> None:
        self._scope, self._names, self._at = scope, names, at
        self._body = bytearray()
        self._reads = _is_read(scope)

    def hear(self, message: Message) -> None:
        """Take a part of the body."""
        if self._reads and message["type"] == "http.request":
            self._body += message.get("body", b"")
            self._reads = len(self._body) <= _MOST_BYTES

    def entry(self, status: int) -> AuditRow:
        """Return what is to be written of it."""
        said = self._said()
        actor, route = self._actor(), self._scope.get("route")
        reason = next((str(said[name]) for name in _REASONS if said.get(name)), "")
        return AuditRow(
            at=self._at,
            actor=actor,
            actor_name=self._names.operator(actor),
            role=self._names.role(actor) if self._names.operator(actor) else "",
            address=(self._scope.get("client") or ("",))[0],
            action=getattr(route, "name", "") or "",
            target=quoted(" ".join(map(str, self._scope.get("path_params", {}).values()))),
            reason=quoted(reason),
            status=status,
            detail={name: value for name, value in said.items() if name not in _REASONS},
        )

    def _actor(self) -> str:
        state = self._scope.get("state", {})
        session = state.get("session")
        if session is not None:
            return str(session.operator)
        path = get_route_path(self._scope)
        return str(state.get("proved", "")) if path == LOGIN else GUEST

    def _said(self) -> dict[str, Any]:
        """Return what the request says in plain words: no secrets, nothing nested."""
        query = dict(parse_qsl(self._scope.get("query_string", b"").decode("ascii", "replace")))
        try:
            body = json.loads(self._body) if self._reads and self._body else {}
        except ValueError:
            body = {}
        given = {**query, **(body if isinstance(body, Mapping) else {})}
        plain = {name: _plain(value) for name, value in given.items() if not _SECRET.search(name)}
        return {name: value for name, value in plain.items() if value not in (None, "", [])}


def _changes_nothing(path: str) -> bool:
    """Say whether no person changes anything by it: machines have no name, and questions are only asked."""
    return of_machines(path) or any(known.fullmatch(path) for known in (_QUESTIONS, _PARTS))


def _is_read(scope: Scope) -> bool:
    types = [value for name, value in scope["headers"] if name == b"content-type"]
    return get_route_path(scope) not in _PASSWORDS and any(b"json" in value for value in types)


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, list):
        return [quoted(item) for item in value[:_MOST_WORDS] if isinstance(item, str)]
    return None
