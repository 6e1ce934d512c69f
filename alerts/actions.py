"""What a person does to an incident: who, when, why, and what follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from alerts.incidents.life import DEEDS, Action, possible
from alerts.incidents.limits import tiers_ahead
from alerts.incidents.model import ChangeKind, State
from alerts.pipeline import route
from alerts.pipeline.tiers import forward, timed
from alerts.rules.base import RuleSettings
from alerts.store import Store
from alerts.store.incidents import add_change, enter, held
from alerts.store.schema import IncidentRow
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.errors import LianfangError


class NotAllowed(LianfangError):  # noqa: N818 - reads as the fact it states
    """The incident's state does not allow the action."""


class NotYours(LianfangError):  # noqa: N818
    """The actor may not do this: it is for operators, or for whom the incident is assigned to."""


class Incomplete(LianfangError):  # noqa: N818
    """Something must be said with the action that was not, or names nobody."""


@dataclass(frozen=True)
class Doing:
    """One action of a person: what ``actor`` does and why; ``assignee`` is a person or a cell of the grid."""

    action: Action
    actor: str
    note: str = ""
    assignee: str | None = None


def act(store: Store, config: Config, clock: Clock, incident_id: str, doing: Doing) -> IncidentRow:
    """Do it to an incident and return its row.

    LookupError if there is no such incident, NotAllowed if its state does not allow it, NotYours if the
    actor may not, Incomplete if a note or an assignee is missing. Confirming lets it go to live receivers;
    each action tells those who already know of the incident.
    """
    now = clock.now()
    with store.write() as session:
        row = held(session, incident_id)
        if row is None:
            raise LookupError(f"no incident {incident_id}")
        _refuse(config, row, doing)
        if doing.action in (Action.ASSIGN, Action.DISPATCH):
            _assign(session, config, row, doing, now)
        if doing.action is Action.FORWARD:
            _forward(session, config, row, doing, now)
        elif doing.action is not Action.ASSIGN:
            _do(session, config, row, doing, now)
        session.flush()
        return row


def allowed(config: Config, row: IncidentRow) -> tuple[Action, ...]:
    """Return what operators may do to an incident now: those who will not wait pass it on before its time."""
    return possible(
        State(row.state),
        confirmed=row.confirmed_at is not None,
        assigned=row.assignee is not None,
        due=bool(_waiting(config, row)),
    )


def _waiting(config: Config, row: IncidentRow) -> list[int]:
    """Return the tiers that wait for a person to press; where none does, the next one ahead."""
    limits = config.limits(row.severity)
    if due := [n for n in row.tiers_due if n < len(limits.tiers)]:
        return due
    case = timed(row)
    return [number for number, _ in tiers_ahead(case, limits)][:1] if case else []


def _refuse(config: Config, row: IncidentRow, doing: Doing) -> None:
    deed, state = DEEDS[doing.action], State(row.state)
    operator = config.api.operators.get(doing.actor)
    is_worker = operator is not None and operator.role == "worker"
    if is_worker and not (deed.by_assignee and row.assignee in config.stands_for(doing.actor)):
        raise NotYours(f"{doing.actor} may not {doing.action} this incident")
    if doing.action not in allowed(config, row):
        raise NotAllowed(f"{doing.action} is not possible: the incident is {state}")
    if deed.needs == "a note" and not doing.note:
        raise Incomplete(f"{doing.action} needs a note")
    if deed.needs == "an assignee":
        if doing.assignee is None and (row.assignee is None or doing.action is Action.ASSIGN):
            raise Incomplete(f"{doing.action} needs an assignee")
        if doing.assignee is not None and config.assignee(doing.assignee) is None:
            raise Incomplete(f"{doing.assignee} is neither an operator nor a cell of the grid")


def _assign(session: Session, config: Config, row: IncidentRow, doing: Doing, now: datetime) -> None:
    """Give it to the assignee that was named; whoever had it before hears that they have it no more."""
    if doing.assignee is None or doing.assignee == row.assignee:
        return
    if row.assignee is not None:
        _say(session, config, row, ChangeKind.UNASSIGNED, doing, now)
    row.assignee = doing.assignee
    enter(row, DEEDS[Action.ASSIGN].leads[State(row.state)], now)
    _say(session, config, row, ChangeKind.ASSIGNED, doing, now)


def _do(session: Session, config: Config, row: IncidentRow, doing: Doing, now: datetime) -> None:
    deed = DEEDS[doing.action]
    enter(row, deed.leads[State(row.state)], now)
    if doing.action is Action.CONFIRM:
        row.confirmed_by, row.confirmed_at = doing.actor, now
    _say(session, config, row, deed.kind, doing, now)
    if doing.action is Action.UNASSIGN:
        row.assignee = None


def _forward(session: Session, config: Config, row: IncidentRow, doing: Doing, now: datetime) -> None:
    """Let every tier hear of it that waits for this; where one is live, whoever presses it confirms it."""
    tiers = config.limits(row.severity).tiers
    due = _waiting(config, row)
    if row.confirmed_at is None and any(tiers[n].mode == "live" for n in due):
        _do(session, config, row, replace(doing, action=Action.CONFIRM), now)
    row.tiers_due = []
    enter(row, DEEDS[Action.FORWARD].leads[State(row.state)], now)
    for number in due:
        forward(session, config, row, number, doing.actor, now)


def _say(
    session: Session, config: Config, row: IncidentRow, kind: ChangeKind, doing: Doing, now: datetime
) -> None:
    """Write it into the timeline, and tell who is to hear of it."""
    data = {"note": doing.note, "assignee": row.assignee, "state": row.state}
    add_change(session, row.id, kind, doing.actor, {name: said for name, said in data.items() if said}, now)
    rule = config.rules.get(row.rule)
    if isinstance(rule, RuleSettings):
        route.notify(session, config, rule, row, kind, now, now)
