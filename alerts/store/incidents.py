"""Incidents in the store: the rows of what has not ended, and the timeline of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from alerts.incidents.incident import Incident
from alerts.incidents.life import ALARMING, FINAL, TAKEN
from alerts.incidents.model import ChangeKind, State
from alerts.incidents.occupancy import Person
from alerts.store.alone import alone
from alerts.store.deferred import write_deferred
from alerts.store.schema import ChangeRow, IncidentRow
from alerts.suppression.reasons import Reason

_PEOPLE = TypeAdapter(tuple[Person, ...])
_HELD, _CHANGES = "held", "changes"


def load_holders(session: Session) -> list[Incident]:
    """Return every incident that has not ended, with its members as they were last seen."""
    rows = session.scalars(select(IncidentRow).where(IncidentRow.ended_at.is_(None)))
    return [loaded(row) for row in rows]


def hold(session: Session, ids: Collection[str]) -> dict[str, IncidentRow | None]:
    """Load incidents that this write changes, None where there is none: nobody else does until it ends.

    Whoever needs several asks for all at once, and before rows that belong to incidents (what is owed,
    pictures, clips): all are locked in one order, so that no two writes wait for each other, and each is at
    hand when it changes.
    """
    rows: dict[str, IncidentRow | None] = session.info.setdefault(_HELD, {})
    missing = [incident_id for incident_id in ids if incident_id not in rows]
    if missing:
        query = select(IncidentRow).where(IncidentRow.id.in_(missing)).order_by(IncidentRow.id)
        # Anew, if this write has read it before without a lock: somebody may have changed it meanwhile.
        fresh = query.with_for_update().execution_options(populate_existing=True)
        # What is new is not among them: it is written with all others.
        with nullcontext() if session.dirty else session.no_autoflush:
            found = session.scalars(fresh).all()
        rows |= dict.fromkeys(missing) | {row.id: row for row in found}
    return rows


def settled(rows: Iterable[IncidentRow | None]) -> frozenset[str]:
    """Return the ids of those that people have done with."""
    return frozenset(row.id for row in rows if row is not None and row.state in FINAL)


def held(session: Session, incident_id: str) -> IncidentRow | None:
    """Return an incident that this write changes, None if there is none."""
    return hold(session, [incident_id])[incident_id]


def save(
    session: Session, incident: Incident, *, state: State, severity: str, settings_version: str
) -> IncidentRow:
    """Write what is known of ``incident``; ``state`` is that of a new one, later it belongs to people."""
    row = held(session, incident.id)
    if row is None:
        row = IncidentRow(
            id=incident.id,
            rule=incident.rule,
            place=incident.place,
            point=incident.point,
            camera=incident.camera,
            zone=incident.zone,
            severity=severity,
            state=state,
            version=0,
            opened_at=incident.opened_at,
            updated_at=incident.opened_at,
            settings_version=settings_version,
            subject=incident.subject,
            review=incident.review,
        )
        session.add(row)
        hold(session, [])[incident.id] = row
    move(row, incident)
    return row


def move(row: IncidentRow, incident: Incident) -> None:
    """Write who stands where now into the incident's row, and nothing that anybody has to be told."""
    row.occupied = incident.occupied
    row.unseen = incident.unseen
    row.people = incident.people
    row.members_total = incident.members_total
    row.members = _PEOPLE.dump_python(incident.members, mode="json")
    row.last_seen_at = incident.last_seen_at
    row.cleared_at = incident.cleared_at
    row.ended_at = incident.ended_at
    row.spoken = incident.spoken
    row.spoken_at = incident.spoken_at
    row.escalated_at = row.escalated_at or incident.escalated_at  # who was told stays told
    row.muted = incident.muted or ""
    row.muted_by = incident.muted_by
    row.silent = incident.silent or ""
    row.silent_at = incident.silent_at
    row.figures = {source: dict(numbers) for source, numbers in incident.figures.items()}


def enter(row: IncidentRow, state: State, at: datetime) -> dict[str, str]:
    """Let the case come into ``state``, and have its limits looked at; return what its timeline says of it.

    One that nobody has answered does not wait anew because it escalates.
    """
    before = row.state if row.state_since else None
    if state == before:
        return {}
    if not (before in ALARMING and state in ALARMING):
        row.state_since, row.overdue = at, False
    if row.alarmed_at is None and state in (*ALARMING, *TAKEN):
        row.alarmed_at = at
    row.state, row.next_at = state, at if state in (*ALARMING, *TAKEN) else None
    return {"state": state}


def heard_again(row: IncidentRow, at: datetime) -> None:
    """Let the limits of a case begin now: until now it was muted."""
    if row.state in (*ALARMING, *TAKEN):
        row.state_since = row.next_at = row.alarmed_at = at


def add_change(
    session: Session, incident_id: str, kind: ChangeKind, actor: str, data: dict[str, Any], at: datetime
) -> ChangeRow:
    """Append to the timeline of an incident and raise its version; LookupError if there is no such one.

    It is written at the end of the transaction, with all others and in the order of commits.
    """
    row = held(session, incident_id)
    if row is None:
        raise LookupError(f"no incident {incident_id}")
    row.version += 1
    row.updated_at = at
    change = ChangeRow(incident_id=incident_id, version=row.version, kind=kind, at=at, actor=actor, data=data)
    session.info.setdefault(_CHANGES, []).append(change)
    return change


def write_changes(session: Session) -> None:
    """Write what ``add_change`` has kept for the end."""
    write_deferred(session)
    session.flush()  # everything else first: to number changes makes other writers wait
    changes: Sequence[ChangeRow] = session.info.pop(_CHANGES, ())
    if changes:
        alone(session, "changes")
        columns = [column.key for column in ChangeRow.__table__.columns if column.key != "seq"]
        rows = [{key: getattr(change, key) for key in columns} for change in changes]
        session.connection().execute(insert(ChangeRow), rows)


def recent_alarms(
    session: Session, kinds: Iterable[ChangeKind], since: datetime
) -> list[tuple[str, str, datetime]]:
    """Return (rule, camera, captured at) of the changes of ``kinds`` since then, oldest first."""
    query = (
        select(IncidentRow.rule, ChangeRow.data)
        .join(IncidentRow, IncidentRow.id == ChangeRow.incident_id)
        .where(ChangeRow.kind.in_([str(kind) for kind in kinds]), ChangeRow.at >= since)
        .order_by(ChangeRow.seq)
    )
    return [
        (rule, data["camera"], datetime.fromisoformat(data["captured_at"]))
        for rule, data in session.execute(query)
    ]


def loaded(row: IncidentRow) -> Incident:
    """Return the incident of a row, with its members as they were last seen."""
    members = _PEOPLE.validate_python(row.members)
    return Incident(
        id=row.id,
        rule=row.rule,
        place=row.place,
        point=row.point,
        camera=row.camera,
        zone=row.zone,
        opened_at=row.opened_at,
        last_seen_at=row.last_seen_at,
        occupied=row.occupied,
        people=row.people,
        members_total=row.members_total,
        members=members,
        # Runs of empty observations start again: clearing a little later is the safe side.
        empty_runs={row.camera: 0} | {p.camera: 0 for p in members},
        cleared_at=row.cleared_at,
        ended_at=row.ended_at,
        unseen=row.unseen,
        spoken=row.spoken,
        spoken_at=row.spoken_at,
        escalated_at=row.escalated_at,
        subject=row.subject,
        review=row.review,
        muted=Reason(row.muted) if row.muted else None,
        muted_by=row.muted_by,
        silent=Reason(row.silent) if row.silent else None,
        silent_at=row.silent_at,
        figures=row.figures,
    )
