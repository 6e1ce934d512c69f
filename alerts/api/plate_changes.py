"""Changes of lists of plates, each a version of the settings: entries one by one, and whole tables."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from datetime import datetime
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from alerts import plate_register
from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.plate_models import (
    ListId,
    PlateAdded,
    PlateChanged,
    PlateImport,
    TableFault,
    TableLine,
)
from alerts.api.plates import AsShown, Place, shown_as
from alerts.api.problems import ApiError, described
from alerts.api.sessions import Session
from alerts.api.settings import BasedOn, Desk, Reason
from alerts.api.settings_models import Restore, SettingsState
from alerts.editing import with_list, without_list
from alerts.list_import import COLUMNS, MAX_BYTES, Mode, Outcome, Taken, outcome, overlapping, taken, written
from alerts.list_sheet import NOTE, Cells, Sheet
from alerts.listed import BadList, Entry, Wrong, entries_of
from alerts.plate_register import masked
from lianfang.table_fault import Fault

_SHOWN = 500
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_SENT = {"requestBody": {"required": True, "content": {"application/octet-stream": _BINARY}}}
FileName = Annotated[str, Query(max_length=200, description="The name of the file: it says CSV or Excel.")]
How = Annotated[
    Mode, Query(description="`add`: plates that the table has not stay on the list; `replace`: they do not.")
]
_ERRORS = described(
    HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY
)


def router(deps: Dependencies) -> APIRouter:
    """Return the routes that change entries."""
    routes = APIRouter(prefix="/plates", tags=["plates"], responses=_ERRORS)
    lists = _Lists(deps)

    @routes.post("/entries")
    def add_plate(body: PlateAdded, user: CurrentSession) -> SettingsState:
        """Put a plate on a list. It takes a second."""
        row = lists.row(body.plate, body.since, body.until) | ({NOTE: body.note} if body.note else {})
        sheet, entries = lists.read(body.list)
        lists.judge(row, entries)
        return lists.keep(body, user, sheet.added(row))

    @routes.put("/entries")
    def change_plate(body: PlateChanged, user: CurrentSession) -> SettingsState:
        """Give an entry another time; where that ends now, it is over. It takes a second."""
        sheet, entries = lists.read(body.list)
        entry = _at(entries, body.n, body.plate)
        row = lists.row(entry.key, body.since, body.until) | ({} if body.note is None else {NOTE: body.note})
        lists.judge(row, [*entries[: body.n], *entries[body.n + 1 :]])
        return lists.keep(body, user, sheet.changed(body.n, row))

    @routes.delete("/entries")
    def remove_plate(
        list: ListId,  # noqa: A002 - as it is called everywhere
        n: Place,
        plate: AsShown,
        reason: Reason,
        based_on: BasedOn,
        user: CurrentSession,
    ) -> SettingsState:
        """Take an entry off a list, as if it had never been there. It takes a second."""
        sheet, entries = lists.read(list)
        _at(entries, n, plate)
        change = _Change(reason=reason, based_on=based_on, list=list)
        return lists.keep(change, user, sheet.without(n))

    @routes.delete("/lists")
    def take_plates_back(
        list: ListId,  # noqa: A002
        reason: Reason,
        based_on: BasedOn,
        user: CurrentSession,
    ) -> SettingsState:
        """Make a list what it is in its file."""
        lists.path(list)
        return lists.settings.change(without_list(list), user, reason, based_on)

    return routes


def uploads(deps: Dependencies) -> APIRouter:
    """Return the routes that take a table; its body is longer than others'."""
    routes = APIRouter(prefix="/plates/import", tags=["plates"], responses=_ERRORS)
    lists, one = _Lists(deps), threading.Lock()

    @routes.post("/check", openapi_extra=_SENT)
    async def check_plates(
        request: Request,
        list: ListId,  # noqa: A002
        name: FileName,
        mode: How = "add",
    ) -> PlateImport:
        """Say row by row what is wrong with a table of plates, CSV or Excel, else what it would do."""
        content = await request.body()

        def judged() -> PlateImport:
            with one:
                return lists.would(list, name, content, mode)

        return await asyncio.to_thread(judged)

    @routes.post("", openapi_extra=_SENT)
    async def import_plates(
        request: Request,
        user: CurrentSession,
        list: ListId,  # noqa: A002
        name: FileName,
        reason: Reason,
        based_on: BasedOn,
        mode: How = "add",
    ) -> SettingsState:
        """Take a table into a list, all of it or nothing. It takes a second."""
        content, change = await request.body(), _Change(reason=reason, based_on=based_on, list=list)

        def done() -> SettingsState:
            with one:
                return lists.take(change, name, content, mode, user)

        return await asyncio.to_thread(done)

    return routes


class _Change(Restore):
    """What changes a list, why, and which version."""

    list: ListId


class _Lists:
    """The lists as they are in the newest version, and new versions of them."""

    def __init__(self, deps: Dependencies) -> None:
        self.settings = Desk(deps)
        self._zone = deps.settings.file.community.zone

    def path(self, list_id: str) -> None:
        """Say 404 where a list is none of plates that is a file."""
        self.settings.editor.newest()  # what others have changed a moment ago
        if list_id not in plate_register.files(self.settings.newest()):
            raise ApiError(HTTPStatus.NOT_FOUND, "no_list", f"no file is called {list_id!r}")

    def read(self, list_id: str) -> tuple[Sheet, tuple[Entry, ...]]:
        """Return a list and the entry of each of its rows; ApiError where there is none."""
        self.path(list_id)
        config = self.settings.newest()
        try:
            return plate_register.listed(plate_register.files(config)[list_id], config)
        except BadList as error:
            raise ApiError(HTTPStatus.CONFLICT, "bad_list", str(error)) from error

    def row(self, plate: str, since: datetime | None, until: datetime | None) -> dict[str, str]:
        """Return an entry as a row."""
        return {"plate": plate, "from": written(since, self._zone), "until": written(until, self._zone)}

    def judge(self, row: Cells, others: list[Entry] | tuple[Entry, ...]) -> None:
        """Say 422 for what is no entry, or stands on the list already."""
        found, wrong = entries_of(row, self._zone, COLUMNS)
        again = next((one.key for one in found if overlapping(one, others)), None)
        if not wrong and again is not None:
            wrong = [("plate", f"{again!r}, which is on the list for some of that time", "another time")]
        if wrong:
            raise _refused(wrong)

    def keep(self, change: PlateAdded | PlateChanged | _Change, user: Session, sheet: Sheet) -> SettingsState:
        """Make a version in which a list is this."""
        edit = with_list(change.list, sheet.text())
        return self.settings.change(edit, user, change.reason, change.based_on)

    def would(self, list_id: str, name: str, content: bytes, mode: Mode) -> PlateImport:
        """Return what a table would do."""
        sheet, entries = self.read(list_id)
        said = self._said(list_id, name, content)
        if said.faults:
            return _faulty(said)
        return _told(said, outcome(sheet, entries, said, mode))

    def take(self, change: _Change, name: str, content: bytes, mode: Mode, user: Session) -> SettingsState:
        """Take a table into a list; 422 says what is wrong with it."""
        sheet, entries = self.read(change.list)
        said = self._said(change.list, name, content)
        if said.faults:
            detail = "\n".join(map(str, said.faults[:_SHOWN]))
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "refused", detail)
        return self.keep(change, user, outcome(sheet, entries, said, mode).sheet)

    def _said(self, list_id: str, name: str, content: bytes) -> Taken:
        if len(content) > MAX_BYTES:
            raise ApiError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "body_too_large",
                f"a table has {MAX_BYTES} bytes at most",
            )
        return taken(PurePosixPath(name).name, content, list_id, self._zone)


def _at(entries: tuple[Entry, ...], n: int, plate: str) -> Entry:
    if n >= len(entries) or not shown_as(entries[n].key, plate):
        raise ApiError(HTTPStatus.CONFLICT, "outdated", "the list has another entry there now")
    return entries[n]


def _refused(wrong: list[Wrong]) -> ApiError:
    detail = "\n".join(f"{column}: found {found}; allowed: {allowed}" for column, found, allowed in wrong)
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "refused", detail)


def _faulty(said: Taken) -> PlateImport:
    return PlateImport(
        faults=[_fault(one) for one in said.faults[:_SHOWN]],
        faults_total=len(said.faults),
        lines=[],
        added=0,
        changed=0,
        same=0,
        removed=[],
        removed_total=0,
        total=0,
    )


def _fault(fault: Fault) -> TableFault:
    return TableFault(
        file=str(fault.file),
        sheet=fault.sheet,
        row=fault.row,
        column=fault.column,
        found=fault.found,
        allowed=fault.allowed,
    )


def _told(said: Taken, result: Outcome) -> PlateImport:
    count = Counter(result.becomes)
    return PlateImport(
        faults=[],
        faults_total=0,
        lines=[
            TableLine(
                row=line.row,
                plate=line.entry.key,
                since=line.entry.since,
                until=line.entry.until,
                note=line.cells.get(NOTE, ""),
                becomes=becomes,
            )
            for line, becomes in zip(said.lines[:_SHOWN], result.becomes, strict=False)
        ],
        added=count["added"],
        changed=count["changed"],
        same=count["same"],
        removed=[masked(plate) for plate in result.removed[:_SHOWN]],
        removed_total=len(result.removed),
        total=len(result.sheet.rows),
    )
