"""How things stand: what a shift that goes has to tell the one that comes."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.api.answer import Answer
from alerts.api.dependencies import Dependencies
from alerts.api.models import Named, NamedInBoth
from alerts.api.names import Names
from alerts.api.quiets import QuietView
from alerts.api.quiets import view as quiet_view
from alerts.incidents.life import OPEN
from alerts.incidents.model import State
from alerts.store.receivers import disabled_why
from alerts.store.schema import CameraStateRow, IncidentRow, SpeakerRow, SuppressionRow
from alerts.store.shifts import quiet_now
from alerts.store.suppressions import word
from alerts.suppression.said import Kind
from lianfang.config.escalation import Severity
from lianfang.events import CameraCondition
from lianfang.redact import redact


class OpenCase(Answer):
    """An incident with which people still have to do."""

    id: str
    rule: NamedInBoth
    severity: Severity
    state: State
    point: Named
    camera: Named
    subject: str
    opened_at: AwareDatetime
    occupied: bool
    overdue: bool
    assignee: Named | None


class HeldBack(Answer):
    """What people said is held back: a dismissal, a permit, a silence or maintenance."""

    id: str
    kind: Kind
    rules: list[NamedInBoth]
    where: list[Named]
    since: AwareDatetime
    until: AwareDatetime | None
    author_name: str
    reason: str


class DeadDevice(Answer):
    """A camera, a sensor, a speaker or a receiver that does not do what it is there for.

    ``condition`` is a camera's, a speaker's health, or ``disabled``: it asked never to be called again.
    """

    kind: Literal["source", "receiver"]
    device: Named
    point: Named | None
    condition: str
    since: AwareDatetime
    reason: str


class Standing(Answer):
    """What there is at a moment; ``sound`` says for what consoles do not ring."""

    at: AwareDatetime
    open: list[OpenCase]
    held_back: list[HeldBack]
    sound: list[QuietView]
    dead: list[DeadDevice]


def standing(deps: Dependencies, names: Names, session: Session) -> Standing:
    """Return how things stand now."""
    now = deps.clock.now()
    return Standing(
        at=now,
        open=open_cases(names, session),
        held_back=_held_back(deps, names, session),
        sound=[quiet_view(names, row) for row in quiet_now(session, now)],
        dead=[*_sources(deps, names, session), *_receivers(deps, names, session)],
    )


def open_cases(names: Names, session: Session) -> list[OpenCase]:
    """Return every incident that is open, the oldest first."""
    query = select(IncidentRow).where(IncidentRow.state.in_(OPEN))
    rows = session.scalars(query.order_by(IncidentRow.opened_at, IncidentRow.id))
    return [_case(names, row) for row in rows]


def _case(names: Names, row: IncidentRow) -> OpenCase:
    same = ("id", "severity", "state", "subject", "opened_at", "occupied", "overdue")
    return OpenCase.model_validate(
        {
            **{name: getattr(row, name) for name in same},
            "rule": names.rule(row.rule),
            "point": names.point(row.point),
            "camera": names.camera(row.camera),
            "assignee": Named(id=row.assignee, name=names.assignee(row.assignee).name)
            if row.assignee
            else None,
        }
    )


def _held_back(deps: Dependencies, names: Names, session: Session) -> list[HeldBack]:
    now = deps.clock.now()
    query = select(SuppressionRow).where(
        SuppressionRow.kind != Kind.TRIAL,
        SuppressionRow.lifted_at.is_(None),
        SuppressionRow.until.is_(None) | (SuppressionRow.until > now),
    )
    found = []
    for row in session.scalars(query.order_by(SuppressionRow.created_at.desc(), SuppressionRow.id)):
        said = word(row)
        named = [(names.camera, said.camera), (names.point, said.point), (names.point, said.place)]
        where = [name(known) for name, known in named if known]
        if said.receiver:
            where.append(Named(id=said.receiver, name=names.receiver(said.receiver)))
        found.append(
            HeldBack(
                id=said.id,
                kind=said.kind,
                rules=[names.rule(rule) for rule in said.rules],
                where=where,
                since=said.since,
                until=said.until,
                author_name=names.operator(said.author),
                reason=said.reason,
            )
        )
    return found


def _sources(deps: Dependencies, names: Names, session: Session) -> list[DeadDevice]:
    config = deps.config
    found = []
    for row in session.scalars(select(CameraStateRow).order_by(CameraStateRow.camera)):
        camera = config.cameras.get(row.camera)
        if not config.has(row.camera) or (camera is not None and not camera.enabled):
            continue
        if row.condition == CameraCondition.ONLINE and not row.faults:
            continue
        found.append(
            DeadDevice(
                kind="source",
                device=names.camera(row.camera),
                point=names.point_of(row.camera),
                condition=row.condition,
                since=row.since,
                reason=redact(row.reason or ", ".join(row.faults)),
            )
        )
    return found


def _receivers(deps: Dependencies, names: Names, session: Session) -> list[DeadDevice]:
    off = disabled_why(session)
    found = {name: ("disabled", since, why) for name, (since, why) in off.items()}
    speakers = (
        select(SpeakerRow).where(SpeakerRow.health.in_(("faulty", "silent"))).order_by(SpeakerRow.receiver)
    )
    for row in session.scalars(speakers):
        found.setdefault(row.receiver, (row.health, row.since, row.detail))
    return [
        DeadDevice(
            kind="receiver",
            device=Named(id=name, name=names.receiver(name)),
            point=None,
            condition=condition,
            since=since,
            reason=redact(why),
        )
        for name, (condition, since, why) in sorted(found.items())
        if name in deps.config.receivers
    ]
