"""What was said lately, or is going to be: read once a write, and kept up by whoever adds to it."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from alerts.store.schema import IncidentRow, OutboxRow

DAY = timedelta(days=1)
_SPOKEN = "spoken"
# Pictures are not quite in order among cameras: the next one may ask for a little more.
_MARGIN = timedelta(minutes=10)
# What was not heard annoyed nobody. Built once: that takes longer than to run it.
_SAID = (
    select(OutboxRow.captured_at, OutboxRow.receiver, IncidentRow.camera)
    .join(IncidentRow, OutboxRow.incident_id == IncidentRow.id)
    .where(
        OutboxRow.kind == "speech",
        OutboxRow.captured_at > bindparam("since"),
        OutboxRow.state.in_(("pending", "delivered", "stopped")),
    )
)


class Spoken(NamedTuple):
    """One speech: when that was seen which it is about, who says it, and the camera, or sensor, that saw."""

    at: datetime
    speaker: str
    camera: str


def lately(session: Session, at: datetime, within: timedelta = DAY) -> Sequence[Spoken]:
    """Return what is said of what was seen up to ``at``, at most ``within`` before it; oldest first."""
    known: tuple[datetime, list[Spoken]] | None = session.info.get(_SPOKEN)
    if known is None or at - DAY < known[0]:
        first = at - DAY - _MARGIN
        known = first, sorted(Spoken(*row) for row in session.execute(_SAID, {"since": first}))
        session.info[_SPOKEN] = known
    return known[1][bisect_right(known[1], at - within, key=_at) :]


def note(session: Session, spoken: Spoken) -> None:
    """Take note of a speech that this write adds."""
    if _SPOKEN in session.info:
        insort(session.info[_SPOKEN][1], spoken)


def _at(spoken: Spoken) -> datetime:
    return spoken.at
