"""Lists of plates: masked for everybody; in clear, and as a table, for operators who say why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session as StoreSession

from alerts import plate_register
from alerts.api.answer import Answer
from alerts.api.dependencies import Dependencies
from alerts.api.models import Named, NamedInBoth
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.api.settings_models import Why
from alerts.api.sheet import sheet
from alerts.plate_register import Listed, Register, Seen, masked
from alerts.store.schema import IncidentRow
from lianfang.plates import normalised

_SHOWN, _HITS = 500, 100
_COLUMNS = ("plate", "from", "until", "list", "title", "hits", "last_hit")
_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
_ListId = Annotated[str, StringConstraints(max_length=500)]


class PlateListView(Answer):
    """A list: a file that rules name, or what a platform looks for. ``standing`` are those in force now."""

    id: str
    kind: Literal["file", "police"]
    name: NamedInBoth
    rules: list[NamedInBoth]
    total: int
    standing: int
    fault: str


class PlateEntry(Answer):
    """A plate on a list and how often it came; ``title`` is empty where the plate is masked."""

    list: str
    plate: str
    since: AwareDatetime | None
    until: AwareDatetime | None
    stands: bool
    title: str
    hits: int
    last_hit: AwareDatetime | None


class PlateHit(Answer):
    """An incident about a plate."""

    incident: str
    plate: str
    rule: NamedInBoth
    point: Named
    opened_at: AwareDatetime
    state: str


class PlatePage(Answer):
    """Every list, the first entries of what was asked for, how many there are, and the newest hits."""

    lists: list[PlateListView]
    entries: list[PlateEntry]
    total: int
    hits: list[PlateHit]


class PlateSearch(BaseModel):
    """What is looked for, in which list, and why: it stands in the audit."""

    model_config = ConfigDict(extra="forbid")

    reason: Why
    plate: Annotated[str, StringConstraints(max_length=16)] = ""
    list: _ListId = ""


def router(deps: Dependencies) -> APIRouter:
    """Return the routes below /plates."""
    routes = APIRouter(prefix="/plates", tags=["plates"], responses=described(HTTPStatus.NOT_FOUND))
    desk = _Desk(deps)

    @routes.get("")
    def list_plates(list: Annotated[_ListId, Query(description="Of one list only.")] = "") -> PlatePage:  # noqa: A002
        """List every plate of every list, masked, and the newest hits."""
        return desk.page(list, "", clear=False)

    @routes.post("/search")
    def search_plates(body: PlateSearch) -> PlatePage:
        """Show plates in clear, those that hold what is looked for; who looked and why is in the audit."""
        return desk.page(body.list, normalised(body.plate), clear=True)

    @routes.post("/export", response_class=StreamingResponse, responses=_CSV)
    def export_plates(body: PlateSearch) -> StreamingResponse:
        """Give plates in clear as CSV, with the columns of a list; who and why is in the audit."""
        return sheet("plates.csv", _COLUMNS, desk.rows(body.list, normalised(body.plate)))

    return routes


class _Desk:
    """Reads the lists, and shows of them what may be seen."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps
        self._names = Names(deps.settings.config)

    def page(self, list_id: str, plate: str, *, clear: bool) -> PlatePage:
        now, config = self._deps.clock.now(), self._deps.config
        with self._deps.store.read() as session:
            lists = plate_register.registers(config, session)
            seen = plate_register.seen(config, session)
            hits = self._hits(session, plate, clear=clear)
        found = list(_found(lists, list_id, plate))
        return PlatePage(
            lists=[self._list(one, now) for one in lists],
            entries=[_entry(one, seen.get(one.plate), now, clear=clear) for one in found[:_SHOWN]],
            total=len(found),
            hits=hits,
        )

    def rows(self, list_id: str, plate: str) -> Iterator[Sequence[object]]:
        """Return the rows of a table; ApiError for a list that there is none of."""
        config = self._deps.config
        with self._deps.store.read() as session:
            lists = plate_register.registers(config, session)
            seen = plate_register.seen(config, session)

        def told(at: datetime | None) -> str:
            return at.astimezone(config.community.zone).isoformat(timespec="seconds") if at else ""

        for one in _found(lists, list_id, plate):
            came = seen.get(one.plate)
            times, last = (came.times, came.last_at) if came else (0, None)
            yield (one.plate, told(one.since), told(one.until), one.list_id, one.title, times, told(last))

    def _list(self, one: Register, now: datetime) -> PlateListView:
        receivers = {named.id: named for named in self._names.receivers()}
        return PlateListView(
            id=one.id,
            kind=one.kind,
            name=receivers[one.id] if one.kind == "police" else _named(one.id),
            rules=[self._names.rule(rule) for rule in one.rules],
            total=len(one.entries),
            standing=sum(entry.stands(now) for entry in one.entries),
            fault=one.fault,
        )

    def _hits(self, session: StoreSession, plate: str, *, clear: bool) -> list[PlateHit]:
        about = IncidentRow.rule.in_(plate_register.plate_rules(self._deps.config))
        query = select(IncidentRow).where(about, IncidentRow.subject != "")
        if plate:
            query = query.where(IncidentRow.subject.contains(plate, autoescape=True))
        rows = session.scalars(query.order_by(IncidentRow.opened_at.desc(), IncidentRow.id).limit(_HITS))
        return [
            PlateHit(
                incident=row.id,
                plate=row.subject if clear else masked(row.subject),
                rule=self._names.rule(row.rule),
                point=self._names.point(row.point),
                opened_at=row.opened_at,
                state=row.state,
            )
            for row in rows
        ]


def _found(lists: Sequence[Register], list_id: str, plate: str) -> Iterator[Listed]:
    known = [one for one in lists if one.id == list_id or not list_id]
    if list_id and not known:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_list", f"no list {list_id!r}")
    return (entry for one in known for entry in one.entries if plate in entry.plate)


def _entry(one: Listed, seen: Seen | None, now: datetime, *, clear: bool) -> PlateEntry:
    return PlateEntry(
        list=one.list_id,
        plate=one.plate if clear else one.masked,
        since=one.since,
        until=one.until,
        stands=one.stands(now),
        title=one.title if clear else "",
        hits=seen.times if seen else 0,
        last_hit=seen.last_at if seen else None,
    )


def _named(name: str) -> NamedInBoth:
    return NamedInBoth.model_validate({"id": name, "name": {"zh": name, "en": name}})
