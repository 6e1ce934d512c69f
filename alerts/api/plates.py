"""Lists of plates: masked for everybody; in clear, and as a table, for operators who say why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session as StoreSession

from alerts import plate_register
from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.models import NamedInBoth
from alerts.api.names import Names
from alerts.api.plate_models import (
    ListId,
    PlateEntry,
    PlateHit,
    PlateHits,
    PlateListView,
    PlatePage,
    PlateSearch,
    PlateText,
)
from alerts.api.problems import ApiError, described
from alerts.api.settings import Desk
from alerts.api.sheet import CSV, sheet
from alerts.plate_register import Listed, Register, Seen, masked
from alerts.store.schema import IncidentRow
from lianfang.config import Config
from lianfang.plates import Hit, nearest, normalised

_SHOWN, _HITS = 500, 100
_COLUMNS = ("plate", "from", "until", "note", "list", "hits", "last_hit", "exported")
OfList = Annotated[ListId, Query(description="Of one list only.")]
Place = Annotated[int, Query(ge=0, description="The place of the entry on the list.")]
AsShown = Annotated[PlateText, Query(description="Its plate as it is shown, whole or masked.")]


def router(deps: Dependencies) -> APIRouter:
    """Return the routes below /plates that show."""
    routes = APIRouter(prefix="/plates", tags=["plates"], responses=described(HTTPStatus.NOT_FOUND))
    desk = PlateDesk(deps)

    @routes.get("")
    def list_plates(list: OfList = "") -> PlatePage:  # noqa: A002
        """List every plate of every list, masked, and the newest hits."""
        return desk.page(list, "", clear=False)

    @routes.get("/hits", responses=described(HTTPStatus.CONFLICT))
    def list_plate_hits(list: ListId, n: Place, plate: AsShown) -> PlateHits:  # noqa: A002
        """List the newest hits of an entry, and what only looked like it, masked."""
        return desk.hits_of(list, n, plate)

    @routes.post("/search")
    def search_plates(body: PlateSearch) -> PlatePage:
        """Show plates in clear, those that hold what is looked for; who looked and why is in the audit."""
        return desk.page(body.list, normalised(body.plate), clear=True)

    @routes.post("/export", response_class=StreamingResponse, responses=CSV)
    def export_plates(body: PlateSearch, user: CurrentSession) -> StreamingResponse:
        """Give plates in clear as CSV, with the columns of a list; who and why is in the audit.

        Each line says who took it out, when and why.
        """
        by = f"{desk.names.operator(user.operator)} {desk.now():%Y-%m-%d %H:%M} {body.reason}"
        return sheet("plates.csv", _COLUMNS, desk.rows(body.list, normalised(body.plate), by))

    return routes


class PlateDesk:
    """Reads the lists as they are in the newest version, and shows of them what may be seen."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps, self.settings = deps, Desk(deps)
        self.names = Names(deps.settings.config)

    def now(self) -> datetime:
        """Return the time of the community's clock."""
        return self._deps.clock.now().astimezone(self._deps.config.community.zone)

    def page(self, list_id: str, plate: str, *, clear: bool) -> PlatePage:
        """Return what was asked for of the lists; ApiError for a list that there is none of."""
        now, (newest, config) = self._deps.clock.now(), self._newest()
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
            newest=newest,
        )

    def entry(self, list_id: str, n: int, plate: str) -> Listed:
        """Return an entry whose plate is shown as ``plate``; ApiError where another one is there now."""
        _, config = self._newest()
        with self._deps.store.read() as session:
            entries = list(_found(plate_register.registers(config, session), list_id, ""))
        if n >= len(entries) or not shown_as(entries[n].plate, plate):
            raise ApiError(HTTPStatus.CONFLICT, "outdated", f"no such entry on the list {list_id!r} any more")
        return entries[n]

    def hits_of(self, list_id: str, n: int, plate: str) -> PlateHits:
        """Return the newest incidents about an entry's plate, or what looks like it."""
        listed = self.entry(list_id, n, plate)
        with self._deps.store.read() as session:
            seen = plate_register.seen(self._deps.config, session)
            near = {text: hit for text in seen if (hit := nearest(text, [listed.plate])) is not None}
            rows = self._about(session, IncidentRow.subject.in_(near))
            return PlateHits(
                hits=[self._hit(row, near[row.subject], clear=False) for row in rows],
                total=sum(seen[text].times for text in near),
            )

    def rows(self, list_id: str, plate: str, by: str) -> Iterator[Sequence[object]]:
        """Return the rows of a table; ApiError for a list that there is none of."""
        zone, (_, config) = self._deps.config.community.zone, self._newest()
        with self._deps.store.read() as session:
            lists = plate_register.registers(config, session)
            seen = plate_register.seen(config, session)

        def told(at: datetime | None) -> str:
            return at.astimezone(zone).isoformat(timespec="seconds") if at else ""

        def row(one: Listed) -> Sequence[object]:
            came = seen.get(one.plate)
            times, last = (came.times, came.last_at) if came else (0, None)
            return (
                one.plate,
                told(one.since),
                told(one.until),
                one.title,
                one.list_id,
                times,
                told(last),
                by,
            )

        return map(row, _found(lists, list_id, plate))

    def _newest(self) -> tuple[int, Config]:
        number, _ = self.settings.editor.newest()  # with what others have changed a moment ago
        return number, self.settings.newest()

    def _list(self, one: Register, now: datetime) -> PlateListView:
        receivers = {named.id: named for named in self.names.receivers()}
        return PlateListView(
            id=one.id,
            kind=one.kind,
            name=receivers[one.id] if one.kind == "police" else _named(one.id),
            rules=[self.names.rule(rule) for rule in one.rules],
            total=len(one.entries),
            standing=sum(entry.stands(now) for entry in one.entries),
            fault=one.fault,
            changed=one.changed,
            editable=one.kind == "file",
        )

    def _hits(self, session: StoreSession, plate: str, *, clear: bool) -> list[PlateHit]:
        about = IncidentRow.subject.contains(plate, autoescape=True) if plate else IncidentRow.subject != ""
        rows = self._about(session, about)
        return [self._hit(row, Hit((row.subject,), exact=True), clear=clear) for row in rows]

    def _about(self, session: StoreSession, condition: ColumnElement[bool]) -> Sequence[IncidentRow]:
        rules = plate_register.plate_rules(self._deps.config)
        query = select(IncidentRow).where(IncidentRow.rule.in_(rules), condition)
        return session.scalars(
            query.order_by(IncidentRow.opened_at.desc(), IncidentRow.id).limit(_HITS)
        ).all()

    def _hit(self, row: IncidentRow, hit: Hit, *, clear: bool) -> PlateHit:
        return PlateHit(
            incident=row.id,
            plate=row.subject if clear else masked(row.subject),
            exact=hit.exact,
            rule=self.names.rule(row.rule),
            point=self.names.point(row.point),
            opened_at=row.opened_at,
            state=row.state,
        )


def shown_as(plate: str, said: str) -> bool:
    """Say whether a plate is shown in that way, whole or masked."""
    return said in (plate, masked(plate)) or normalised(said) == plate


def _found(lists: Sequence[Register], list_id: str, plate: str) -> Iterator[Listed]:
    known = [one for one in lists if one.id == list_id or not list_id]
    if list_id and not known:
        raise ApiError(HTTPStatus.NOT_FOUND, "no_list", f"no list {list_id!r}")
    return (entry for one in known for entry in one.entries if plate in entry.plate)


def _entry(one: Listed, seen: Seen | None, now: datetime, *, clear: bool) -> PlateEntry:
    return PlateEntry(
        list=one.list_id,
        n=one.n,
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
