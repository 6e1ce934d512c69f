"""Who may take an incident out: one asks and says why, another approves; all of it stands in its timeline."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from alerts.actions import NotAllowed, NotYours
from alerts.incidents.model import ChangeKind
from alerts.store import Store, exports
from alerts.store.exports import ExportRow
from alerts.store.incidents import add_change, held, hold
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.ids import identify

PERIOD = timedelta(hours=24)
"""For which an export may be approved, and once it is, fetched."""


def ask(store: Store, config: Config, clock: Clock, incident_id: str, actor: str, reason: str) -> str:
    """Ask for an export, and return its id. LookupError if there is no such incident.

    Where no second person is asked for it is approved at once. NotAllowed while one of the same person waits.
    """
    now = clock.now()
    export_id = identify("export", incident_id, actor, now.isoformat())
    with store.write() as session:
        if held(session, incident_id) is None:
            raise LookupError(f"no incident {incident_id}")
        mine = [row for row in exports.of(session, incident_id) if row.asked_by == actor]
        if any(row.state == "waiting" and row.ends_at > now for row in mine):
            raise NotAllowed("an export of this incident waits for approval")
        alone = not config.api.export_approval
        session.add(
            ExportRow(
                id=export_id,
                incident_id=incident_id,
                asked_by=actor,
                asked_at=now,
                reason=reason,
                state="approved" if alone else "waiting",
                ends_at=now + PERIOD,
                decided_at=now if alone else None,
            )
        )
        data = {"export": export_id, "note": reason} | ({"alone": True} if alone else {})
        add_change(session, incident_id, ChangeKind.EXPORT_ASKED, actor, data, now)
    return export_id


def decide(store: Store, clock: Clock, export_id: str, actor: str, *, approve: bool, reason: str) -> None:
    """Approve or refuse an export; whoever asked may take it back, which is to refuse it.

    LookupError without one, NotYours to approve one's own, NotAllowed unless it waits.
    """
    now = clock.now()
    with store.write() as session:
        row = _found(session, export_id)
        if row.state != "waiting" or row.ends_at <= now:
            raise NotAllowed(f"the export is {row.state if row.ends_at > now else 'ended'}")
        if approve and row.asked_by == actor:
            raise NotYours("a second person must approve it")
        row.state = "approved" if approve else "refused"
        row.decided_by, row.decided_at, row.decided_why = actor, now, reason
        row.ends_at = now + PERIOD
        kind = ChangeKind.EXPORT_APPROVED if approve else ChangeKind.EXPORT_REFUSED
        add_change(session, row.incident_id, kind, actor, {"export": row.id, "note": reason}, now)


def fetch(store: Store, clock: Clock, export_id: str, actor: str) -> ExportRow:
    """Write down that somebody takes an approved export out, and return it.

    LookupError without one, NotYours unless they asked for it, NotAllowed unless it is approved.
    """
    now = clock.now()
    with store.write() as session:
        row = _found(session, export_id)
        if row.asked_by != actor:
            raise NotYours("only whoever asked for it takes it out")
        if row.state != "approved" or row.ends_at <= now:
            raise NotAllowed(f"the export is {row.state if row.ends_at > now else 'ended'}")
        row.fetched_at = now
        add_change(session, row.incident_id, ChangeKind.EXPORTED, actor, {"export": row.id}, now)
        session.flush()
        session.expunge(row)
        return row


def end(store: Store, clock: Clock) -> int:
    """End the exports whose time is over, and return how many; the timeline says what nobody approved."""
    now = clock.now()
    with store.read() as session:
        over = {row.id: row.incident_id for row in exports.over(session, now)}
    if not over:
        return 0
    with store.write() as session:
        hold(session, set(over.values()))  # first, as for every writer
        rows = [row for row in exports.taken(session, over) if row.state in ("waiting", "approved")]
        for row in rows:
            if row.state == "waiting":
                data = {"export": row.id}
                add_change(session, row.incident_id, ChangeKind.EXPORT_ENDED, "system", data, row.ends_at)
            row.state = "ended"
        return len(rows)


def _found(session: Session, export_id: str) -> ExportRow:
    row = session.get(ExportRow, export_id)
    if row is None:
        raise LookupError(f"no export {export_id}")
    held(session, row.incident_id)  # first, as for every writer
    session.refresh(row, with_for_update=True)
    return row
