"""What people said, in the store: one table, read whole, and read again only when somebody said something."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from alerts.store.alone import alone
from alerts.store.schema import SuppressionRow
from alerts.suppression.said import Kind, Said, Suppression
from lianfang.config.schedule import Schedule
from lianfang.events import XYXYN

LIFE, NONE = 90, 101  # how urgent a speech is that may save a life, and none


def fresh(session: Session, said: Said, since: datetime) -> Said:
    """Return ``said`` if nobody said anything meanwhile, else what is in force, or was at ``since``."""
    revision = newest(session)
    if revision == said.revision:
        return said
    over = or_(SuppressionRow.until < since, SuppressionRow.lifted_at < since)
    query = select(SuppressionRow).where(~func.coalesce(over, False)).order_by(SuppressionRow.since)
    return Said(revision, tuple(word(row) for row in session.scalars(query)))


def ever(session: Session) -> Said:
    """Return everything that people ever said: a replay asks for the past."""
    rows = session.scalars(select(SuppressionRow).order_by(SuppressionRow.since))
    return Said(newest(session), tuple(word(row) for row in rows))


def newest(session: Session) -> int:
    """Return the revision of the table: it grows with whatever a person says."""
    return session.scalar(select(func.max(SuppressionRow.revision))) or 0


def add(session: Session, said: Suppression, incident_id: str = "") -> SuppressionRow:
    """Put in a word; ``incident_id`` is the incident that it was said at."""
    alone(session, "said")
    row = SuppressionRow(
        id=said.id,
        revision=newest(session) + 1,
        kind=said.kind,
        rules=list(said.rules),
        camera=said.camera,
        point=said.point,
        place=said.place,
        zone=said.zone,
        receiver=said.receiver,
        label=said.label,
        xyxyn=list(said.xyxyn) if said.xyxyn else None,
        heads=said.heads,
        hours=said.hours.model_dump(mode="json") if said.hours else None,
        task_after_s=said.task_after_s,
        since=said.since,
        until=said.until,
        author=said.author,
        reason=said.reason,
        created_at=said.created_at,
        lifted_at=None,
        lifted_by="",
        figure=None,
        incident_id=incident_id,
        held=0,
        last_held_at=None,
    )
    session.add(row)
    session.flush()
    return row


def standstill(session: Session, now: datetime) -> Suppression | None:
    """Return the word by which nothing is said anywhere now, the strictest; None without one."""
    kinds = (Kind.STANDSTILL, Kind.FULL_STANDSTILL)
    query = select(SuppressionRow).where(SuppressionRow.kind.in_(kinds), SuppressionRow.until > now)
    rows = session.scalars(query.where(SuppressionRow.lifted_at.is_(None)))
    return Said(words=tuple(word(row) for row in rows)).standstill(now)


def least_urgent(session: Session, now: datetime) -> int:
    """Return how urgent a speech must be, 0-100, for anybody to begin it now; more than 100 is none."""
    found = standstill(session, now)
    if found is None:
        return 0
    return LIFE if found.kind is Kind.STANDSTILL else NONE


def lift(session: Session, row: SuppressionRow, by: str, at: datetime) -> None:
    """Take a word back; one that was taken back before stays as it was."""
    alone(session, "said")
    if row.lifted_at is None:
        row.lifted_at, row.lifted_by = at, by
        _revise(session, row)


def trials(session: Session) -> list[SuppressionRow]:
    """Return every trial that there was, oldest first; nobody else begins or ends one meanwhile."""
    alone(session, "said")
    query = select(SuppressionRow).where(SuppressionRow.kind == Kind.TRIAL)
    return list(session.scalars(query.order_by(SuppressionRow.created_at, SuppressionRow.id)))


def end_at(session: Session, row: SuppressionRow, until: datetime | None) -> None:
    """Let a word end at another time, or not at all."""
    alone(session, "said")
    row.until = until
    _revise(session, row)


def _revise(session: Session, row: SuppressionRow) -> None:
    row.revision = newest(session) + 1
    session.flush()


def count(session: Session, word_id: str, at: datetime) -> None:
    """Count that something began to be held back by a word at ``at``; "" is none."""
    if not word_id:
        return
    session.execute(
        update(SuppressionRow)
        .where(SuppressionRow.id == word_id)
        .values(held=SuppressionRow.held + 1, last_held_at=at)
    )


def word(row: SuppressionRow) -> Suppression:
    """Return a row as gates and mutes know it."""
    box: XYXYN | None = None
    if row.xyxyn is not None:
        x_min, y_min, x_max, y_max = row.xyxyn
        box = x_min, y_min, x_max, y_max
    return Suppression(
        id=row.id,
        kind=Kind(row.kind),
        since=row.since,
        author=row.author,
        reason=row.reason,
        created_at=row.created_at,
        until=row.until,
        rules=tuple(row.rules),
        camera=row.camera,
        point=row.point,
        place=row.place,
        zone=row.zone,
        receiver=row.receiver,
        label=row.label,
        xyxyn=box,
        heads=row.heads,
        hours=Schedule.model_validate(row.hours) if row.hours else None,
        task_after_s=row.task_after_s,
        lifted_at=row.lifted_at,
        lifted_by=row.lifted_by,
    )
