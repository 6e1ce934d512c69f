"""Which incidents somebody looks for: filters of a page, as conditions on rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query
from pydantic import AwareDatetime
from sqlalchemy import ColumnElement, and_, false, or_, select

from alerts.incidents.life import OPEN
from alerts.incidents.model import State
from alerts.rules.base import RuleSettings
from alerts.store.schema import ChangeRow, IncidentRow
from lianfang.config import Config
from lianfang.config.escalation import Severity


@dataclass(frozen=True)
class IncidentFilter:
    """What a page of incidents is narrowed to; all of it holds at once, of a list any."""

    open: Annotated[
        bool | None,
        Query(description="True: only what a person still has to do with; false: the others."),
    ] = None
    since: Annotated[AwareDatetime | None, Query(description="Opened then or later.")] = None
    until: Annotated[AwareDatetime | None, Query(description="Opened before.")] = None
    rule: Annotated[list[str] | None, Query(max_length=50, description="Of these rules.")] = None
    point: Annotated[list[str] | None, Query(max_length=50, description="At these points.")] = None
    severity: Annotated[list[Severity] | None, Query(max_length=4, description="Of these.")] = None
    assignee: Annotated[
        list[str] | None, Query(max_length=50, description="Given to them; `-` is nobody.")
    ] = None
    state: Annotated[list[State] | None, Query(max_length=20, description="In these states.")] = None
    text: Annotated[
        str,
        Query(
            max_length=100,
            description="In names of rule, point, camera; subject, notes, number.",
        ),
    ] = ""

    def conditions(self, config: Config, *, whole: bool = True) -> Iterator[ColumnElement[bool]]:
        """Yield what rows must fulfil. Who does not see plates ``whole`` does not find them by their text."""
        if self.open is not None:
            is_open = IncidentRow.state.in_(OPEN)
            yield is_open if self.open else ~is_open
        if self.since is not None:
            yield IncidentRow.opened_at >= self.since
        if self.until is not None:
            yield IncidentRow.opened_at < self.until
        for column, wanted in (
            (IncidentRow.rule, self.rule),
            (IncidentRow.point, self.point),
            (IncidentRow.state, self.state),
            (IncidentRow.severity, self.severity),
        ):
            if wanted:
                yield column.in_(wanted)
        if self.assignee:
            nobody = [IncidentRow.assignee.is_(None)] if "-" in self.assignee else []
            yield or_(IncidentRow.assignee.in_(self.assignee), *nobody)
        if text := self.text.strip():
            yield or_(*_with(text, config, whole=whole))


def _with(text: str, config: Config, *, whole: bool) -> Iterator[ColumnElement[bool]]:
    """Yield the ways in which an incident has to do with ``text``: names are of the configuration."""
    folded = text.casefold()

    def said(*words: str) -> bool:
        return any(folded in word.casefold() for word in words)

    rules = [
        rule_id
        for rule_id, rule in config.rules.items()
        if isinstance(rule, RuleSettings) and said(rule_id, rule.name.zh, rule.name.in_language("en"))
    ]
    points = [point_id for point_id, point in config.points.items() if said(point_id, point.name)]
    cameras = [camera_id for camera_id, camera in config.cameras.items() if said(camera_id, camera.name)]
    cells = [cell_id for cell_id, cell in config.grid_cells.items() if said(cell.name)]
    people = [operator_id for operator_id, operator in config.api.operators.items() if said(operator.name)]
    yield IncidentRow.assignee.in_([*cells, *people])
    yield IncidentRow.rule.in_(rules) if rules else false()
    yield IncidentRow.point.in_(points) if points else false()
    yield IncidentRow.camera.in_(cameras) if cameras else false()
    if whole:
        yield IncidentRow.subject.icontains(text, autoescape=True)
    yield IncidentRow.id.istartswith(text, autoescape=True)
    note: Any = ChangeRow.data["note"].as_string()
    noted = IncidentRow.id.in_(select(ChangeRow.incident_id).where(note.icontains(text, autoescape=True)))
    yield noted if whole else and_(noted, IncidentRow.subject == "")  # notes may name the plate
