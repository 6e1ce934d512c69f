"""What a person does to an incident: who, when, why, and what follows."""

from __future__ import annotations

from alerts.incidents.model import AFTER, ALLOWED, ChangeKind, State
from alerts.pipeline import route
from alerts.rules.base import RuleSettings
from alerts.store import Store
from alerts.store.incidents import add_change, held
from alerts.store.schema import IncidentRow
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.errors import LianfangError


class NotAllowed(LianfangError):  # noqa: N818 - reads as the fact it states
    """The incident's state does not allow the action."""


def act(
    store: Store, config: Config, clock: Clock, incident_id: str, kind: ChangeKind, actor: str, note: str
) -> IncidentRow:
    """Do ``kind`` to an incident for ``actor`` and return its row.

    LookupError if there is no such incident, NotAllowed if its state does not allow it. Confirming lets it
    go to live receivers; each action tells those who already know of the incident.
    """
    now = clock.now()
    with store.write() as session:
        row = held(session, incident_id)
        if row is None:
            raise LookupError(f"no incident {incident_id}")
        if kind not in ALLOWED[State(row.state)]:
            raise NotAllowed(f"{kind} is not possible: the incident is {row.state}")
        row.state = AFTER[kind]
        if kind is ChangeKind.CONFIRMED:
            row.confirmed_by, row.confirmed_at = actor, now
        add_change(session, incident_id, kind, actor, {"note": note} if note else {}, now)
        rule = config.rules.get(row.rule)
        if isinstance(rule, RuleSettings):
            route.notify(session, config, rule, row, kind, now, now)
        session.flush()
        return row
