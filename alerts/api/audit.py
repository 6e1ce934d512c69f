"""Who did what to what, when, from where and why: searched, and exported with a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from alerts.api.answer import Answer
from alerts.api.dependencies import Dependencies
from alerts.api.settings_models import Why
from alerts.api.sheet import CSV, sheet
from alerts.store import audit
from alerts.store.audit import AuditRow, Search

_WHO = ("at", "actor", "actor_name", "role", "address")
_COLUMNS = (*_WHO, "action", "target", "reason", "status", "detail", "digest")
_MOST_ROWS = 100_000


class AuditEntry(Answer):
    """One deed, done where ``status`` is below 400, else refused. ``action`` is the operation's name.

    ``digest`` is that of the entry and of the one before it; `lianfang audit verify` goes through all.
    """

    seq: int
    at: AwareDatetime
    actor: str
    actor_name: str
    role: str
    address: str
    action: str
    target: str
    reason: str
    status: int
    detail: dict[str, Any]
    digest: str | None


class AuditPage(Answer):
    """Entries, newest first; ``next`` goes into ``before``, null on the last page."""

    entries: list[AuditEntry]
    next: int | None


class Asked(BaseModel):
    """What is looked for: ``text`` in target, reason, name and address."""

    model_config = ConfigDict(populate_by_name=True)

    begin: AwareDatetime | None = Field(default=None, alias="from")
    end: AwareDatetime | None = Field(default=None, alias="to")
    actor: Annotated[str, Field(max_length=64)] = ""
    action: Annotated[str, Field(max_length=64)] = ""
    text: Annotated[str, Field(max_length=100)] = ""

    def search(self, before: int | None = None) -> Search:
        """Return it as the store understands it."""
        return Search(self.begin, self.end, self.actor, self.action, self.text, before)


class AuditExport(Asked):
    """What is to be exported, and why."""

    reason: Why


def asked(
    begin: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to")] = None,
    actor: Annotated[str, Query(max_length=64)] = "",
    action: Annotated[str, Query(max_length=64)] = "",
    text: Annotated[str, Query(max_length=100)] = "",
    before: Annotated[int | None, Query(ge=0)] = None,
) -> Search:
    """Return what the query of a request looks for."""
    return Search(begin, end, actor, action, text, before)


def router(deps: Dependencies) -> APIRouter:
    """Return the routes below /audit."""
    routes = APIRouter(prefix="/audit", tags=["audit"])

    @routes.get("")
    def list_audit(
        search: Annotated[Search, Depends(asked)], limit: Annotated[int, Query(ge=1, le=500)] = 100
    ) -> AuditPage:
        """List what people did, newest first."""
        with deps.store.read() as session:
            rows = session.scalars(audit.found(search).limit(limit + 1)).all()
        more = len(rows) > limit
        entries = [AuditEntry(**audit.plain(row)) for row in rows[:limit]]
        return AuditPage(entries=entries, next=entries[-1].seq if more else None)

    @routes.post("/export", response_class=StreamingResponse, responses=CSV)
    def export_audit(body: AuditExport) -> StreamingResponse:
        """Give what people did as CSV, at most 100,000 entries. The export itself becomes an entry, too."""
        return sheet("audit.csv", _COLUMNS, _rows(deps, body.search()))

    return routes


def _rows(deps: Dependencies, search: Search) -> Iterator[Sequence[object]]:
    zone = deps.config.community.zone
    with deps.store.read() as session:
        for row in session.scalars(audit.found(search).limit(_MOST_ROWS).execution_options(yield_per=500)):
            yield [_shown(row, column, zone) for column in _COLUMNS]


def _shown(row: AuditRow, column: str, zone: Any) -> object:  # noqa: ANN401 - a time zone
    value = getattr(row, column)
    if column == "at":
        return value.astimezone(zone).isoformat(timespec="milliseconds")
    return json.dumps(value, ensure_ascii=False) if column == "detail" else value
