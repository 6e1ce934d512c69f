"""Back-tests: what settings, as they are or as somebody proposes them, would have raised over the log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse
from sqlalchemy import select
from sqlalchemy.orm import Session as StoreSession

from alerts.api.backtest_models import Backtest, BacktestOrder, BacktestResult, Hit, Missed, Proposal
from alerts.api.dependencies import Dependencies
from alerts.api.gate import CurrentSession
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.api.settings import refused
from alerts.api.sight import Sight
from alerts.backtest.compare import Line, beside
from alerts.backtest.question import Question, concerned, keys_of
from alerts.backtest.runs import Run, Runs, TooMany
from alerts.editing import Edit, Editor, drawn, with_rule
from alerts.guests.looking import Looks
from alerts.pipeline.books import Edition
from alerts.rules.base import EVER, RuleSettings
from alerts.store import facts, suppressions
from alerts.store.schema import EvidenceRow, IncidentRow
from lianfang.config.changes import Changes, Version
from lianfang.errors import ConfigError

_LONGEST = timedelta(days=31)
_SHOWN = 300
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}


def router(deps: Dependencies, runs: Runs, looks: Looks, sight: Sight) -> APIRouter:
    """Return the routes below /backtests."""
    routes = APIRouter(
        prefix="/backtests",
        tags=["backtests"],
        responses=described(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
    )
    desk = _Desk(deps, runs, sight)

    @routes.post("", status_code=HTTPStatus.CREATED, responses=described(HTTPStatus.CONFLICT))
    def start_backtest(body: BacktestOrder, user: CurrentSession) -> Backtest:
        """Begin a back-test, in a process of its own; nobody is told, nothing is written.

        422 for what `lianfang check` would refuse of the proposal, 409 where others wait already.
        """
        try:
            return desk.view(runs.start(desk.question(body), user.operator))
        except TooMany as error:
            raise ApiError(HTTPStatus.CONFLICT, "busy", str(error)) from error

    @routes.get("/{backtest_id}")
    def show_backtest(backtest_id: str, user: CurrentSession) -> Backtest:
        """Show how far it is, and once it is done what it found."""
        return desk.view(desk.run(backtest_id), whole=sight.may(user.operator))

    @routes.delete("/{backtest_id}")
    def end_backtest(backtest_id: str) -> Backtest:
        """End a back-test that waits or runs."""
        run = desk.run(backtest_id)
        runs.end(run)
        return desk.view(run)

    @routes.get("/{backtest_id}/frames/{incident_id}.jpg", response_class=FileResponse, responses=_JPEG)
    def show_backtest_frame(backtest_id: str, incident_id: str, user: CurrentSession) -> FileResponse:
        """Show the frame in which an incident would have opened, with its zone and boxes.

        Of a guest's camera, who looked is written down for its owner to read.
        """
        run = desk.run(backtest_id)
        file = runs.frame(run, incident_id)
        if file is None:
            raise ApiError(HTTPStatus.NOT_FOUND, "no_frame", "its frame was not kept any more")
        camera, at = next((i.camera, i.opened_at) for i in run.found if i.id == incident_id)
        looks.note(camera, "annotated", user.operator, desk.names.operator(user.operator), at, "back-test")
        return FileResponse(file, media_type="image/jpeg")

    return routes


class _Desk:
    """Makes questions of what people ask, and views of what was found."""

    def __init__(self, deps: Dependencies, runs: Runs, sight: Sight) -> None:
        self._deps, self._runs, self._sight = deps, runs, sight
        self.names = Names(deps.settings.config)
        self._editor = Editor(deps.store, deps.settings, deps.clock)

    def run(self, backtest_id: str) -> Run:
        run = self._runs.of(backtest_id)
        if run is None:
            raise ApiError(
                HTTPStatus.NOT_FOUND, "no_backtest", f"no back-test {backtest_id}, or not any more"
            )
        return run

    def question(self, body: BacktestOrder) -> Question:
        """Return what is asked; ApiError for what cannot be."""
        if not timedelta(0) < body.end - body.begin <= _LONGEST:
            detail = f"`end` is after `begin`, {_LONGEST.days} days at most"
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_range", detail)
        _, before = self._editor.newest()
        after = before
        for edit in _edits(body.proposal):
            after = edit(after)
        try:
            tried = self._deps.settings.books.tried(after)
        except ConfigError as error:
            raise refused(error) from error
        rules = tuple(body.rules) or self._concerned(after, before, tried)
        if unknown := [name for name in rules if name not in tried.config.rules]:
            detail = f"no rule is called {', '.join(unknown)}"
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "no_rule", detail)
        return self._asked(body, after, tried, rules)

    def _concerned(self, after: Changes, before: Changes, tried: Edition) -> tuple[str, ...]:
        if after == before:
            return tuple(n for n, rule in tried.config.rules.items() if isinstance(rule, RuleSettings))
        return tuple(concerned(after, before, tried.config))

    def _asked(self, body: BacktestOrder, after: Changes, tried: Edition, rules: tuple[str, ...]) -> Question:
        with self._deps.store.read() as session:
            known, said = facts.load(session), suppressions.ever(session)
        file = self._deps.settings.file
        books = tried.books.values()
        memory_s = max((b.rules[r].memory_s for b in books for r in rules if r in b.rules), default=0)
        return Question(
            config=file,
            facts=replace(known, versions=(Version(1, EVER, after),)),
            said=said,
            rules=rules,
            keys=keys_of(file, tried.config, rules),
            begin=body.begin,
            end=body.end,
            memory_s=memory_s,
        )

    def view(self, run: Run, *, whole: bool = True) -> Backtest:
        question = run.question
        return Backtest(
            id=run.id,
            state=run.state,
            progress=run.progress,
            fault=run.fault,
            by_name=self.names.operator(run.by),
            begin=question.begin,
            end=question.end,
            rules=[self.names.rule(name) for name in question.rules],
            result=self._result(run, whole=whole) if run.state == "done" else None,
        )

    def _result(self, run: Run, *, whole: bool) -> BacktestResult:
        config = self._deps.settings.config()
        chosen = {name: rule for name, rule in config.rules.items() if name in run.question.rules}
        with self._deps.store.read() as session:
            only = config.model_copy(update={"rules": chosen})
            lines, missed = beside(only, run.found, session, run.question.span)
            pictures = _pictures(session, [*(i for line in lines for i in line.had), *(m.id for m in missed)])
        return BacktestResult(
            hits=[self._hit(run, line, pictures, whole=whole) for line in lines[:_SHOWN]],
            hits_total=len(lines),
            missed=[self._missed(row, pictures.get(row.id)) for row in missed[:_SHOWN]],
            missed_total=len(missed),
        )

    def _hit(self, run: Run, line: Line, pictures: dict[str, str], *, whole: bool) -> Hit:
        incident = line.incident
        subject = incident.subject if whole else self._sight.masked(incident.rule, incident.subject)
        return Hit(
            id=incident.id,
            rule=self.names.rule(incident.rule),
            point=self.names.point(incident.point),
            camera=self.names.camera(incident.camera),
            zone=self.names.zone(incident.camera, incident.zone),
            subject=subject,
            opened_at=incident.opened_at,
            cleared_at=incident.cleared_at,
            escalated_at=incident.escalated_at,
            people=incident.people,
            spoken=incident.spoken,
            muted=incident.muted,
            was=line.was.split(),
            evidence=next((pictures[i] for i in line.had if i in pictures), None),
            framed=self._runs.frame(run, incident.id) is not None,
        )

    def _missed(self, row: IncidentRow, evidence: str | None) -> Missed:
        return Missed(
            id=row.id,
            rule=self.names.rule(row.rule),
            point=self.names.point(row.point),
            camera=self.names.camera(row.camera),
            opened_at=row.opened_at,
            state=row.state,
            evidence=evidence,
        )


def _edits(proposal: Proposal) -> Iterable[Edit]:
    for rule, stanza in proposal.rules.items():
        yield with_rule(rule, stanza)
    for camera, zones in proposal.zones.items():
        for name, zone in zones.items():
            yield drawn(camera, "zones", name, zone)
    for camera, lines in proposal.lines.items():
        for name, line in lines.items():
            yield drawn(camera, "lines", name, line)


def _pictures(session: StoreSession, incidents: list[str]) -> dict[str, str]:
    """Return a picture of each of the incidents that have one: incident → evidence."""
    found: dict[str, str] = {}
    for i in range(0, len(incidents), 500):
        some = EvidenceRow.incident_id.in_(incidents[i : i + 500])
        query = select(EvidenceRow.incident_id, EvidenceRow.id).where(some, EvidenceRow.state == "kept")
        found |= {
            row.incident_id: row.id for row in session.execute(query.order_by(EvidenceRow.captured_at.desc()))
        }
    return found
