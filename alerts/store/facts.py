"""Everything in the store that says by which rules a picture is judged."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from alerts.dispositions import NO_DISPOSITIONS, Dispositions
from alerts.facts import Facts
from alerts.store import dispositions, switches, versions

_FORGOTTEN_AFTER = 10_000  # words about dispositions: then those that are long over are let go
_REACH = timedelta(days=8)  # further back no log goes that a running service reads


def load(session: Session, now: datetime | None = None) -> Facts:
    """Return the facts that matter at ``now`` and the days before, or all."""
    since = now and now - _REACH
    return Facts(
        switches.load(session, now), versions.load(session, since), dispositions.load(session, since)
    )


def fresh(session: Session, known: Facts, now: datetime, *, switched: bool, ordered: bool = False) -> Facts:
    """Return the facts as they are now, without switches unless they may be ``switched``.

    Without dispositions, too, unless such may be ``ordered``. It is asked many times a second, and versions
    are few.
    """
    last = known.versions[-1].number if known.versions else 0
    changed = versions.newest(session) != last
    return Facts(
        switches.load(session, now) if switched else (),
        versions.load(session, now - _REACH) if changed else known.versions,
        _looked_for(session, known.dispositions, now) if ordered else NO_DISPOSITIONS,
    )


def _looked_for(session: Session, known: Dispositions, now: datetime) -> Dispositions:
    if known.revision and known.revision - known.loaded < _FORGOTTEN_AFTER:
        return dispositions.more(session, known)
    return dispositions.load(session, now - _REACH)
