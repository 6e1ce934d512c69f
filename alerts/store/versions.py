"""Versions of the configuration in the store: who changed what, when and why. None is changed or deleted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.store.alone import alone
from alerts.store.schema import VersionRow
from alerts.store.switches import LEAD
from lianfang.config.changes import Changes, Version
from lianfang.errors import LianfangError

_MOMENT = timedelta(microseconds=1)  # no two are in force from the same time on


class Outdated(LianfangError):  # noqa: N818 - reads as the fact it states
    """Somebody else has changed the configuration since."""


def load(session: Session, since: datetime | None = None) -> tuple[Version, ...]:
    """Return the versions in force at ``since`` or later, or all; oldest first."""
    query = select(VersionRow).order_by(VersionRow.number)
    if since is not None:
        first = select(func.max(VersionRow.number)).where(VersionRow.since <= since).scalar_subquery()
        query = query.where(VersionRow.number >= func.coalesce(first, 0))
    return tuple(version(row) for row in session.scalars(query))


def newest(session: Session) -> int:
    """Return the number of the newest version; 0 is the file as it is."""
    return session.scalar(select(func.max(VersionRow.number))) or 0


def rows(session: Session, limit: int) -> Sequence[VersionRow]:
    """Return the newest versions, newest first."""
    return session.scalars(select(VersionRow).order_by(VersionRow.number.desc()).limit(limit)).all()


def add(
    session: Session, changes: Changes, author: str, reason: str, based_on: int, now: datetime
) -> VersionRow:
    """Put ``changes`` in force from a moment after ``now`` on; Outdated if ``based_on`` is not the newest."""
    alone(session, "versions")
    number = newest(session)
    if number != based_on:
        raise Outdated(f"version {number} is the newest, not {based_on}")
    before = session.get(VersionRow, number)
    since = now + LEAD
    row = VersionRow(
        number=number + 1,
        since=since if before is None else max(since, before.since + _MOMENT),
        author=author,
        reason=reason,
        changes=changes.model_dump(mode="json", exclude_defaults=True),
    )
    session.add(row)
    session.flush()
    return row


def version(row: VersionRow) -> Version:
    """Return a row as those who decide know it."""
    return Version(row.number, row.since, Changes.model_validate(row.changes))
