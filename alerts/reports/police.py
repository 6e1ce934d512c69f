"""What a platform was told on a day: how much of it it took, how soon, and with which pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import simplejpeg
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.payload import Datum
from alerts.store.schema import EvidenceRow, OutboxRow
from alerts.viid.records import lacking
from lianfang.config import Config


@dataclass(frozen=True, slots=True)
class Day:
    """Messages to one receiver, those of them that it took in time, and the pictures of their incidents."""

    owed: int
    accepted: int
    rejected: int
    pending: int
    in_time: int
    pictures: int
    readable: int


def day(
    session: Session, receiver: str, begin: datetime, end: datetime, within: timedelta, evidence: Path
) -> Day:
    """Return what was owed to ``receiver`` from ``begin`` until before ``end``, as it stands now.

    ``in_time``: taken ``within`` that time after it was owed, at whichever attempt.
    """
    query = select(OutboxRow).where(OutboxRow.receiver == receiver, OutboxRow.kind == "notice")
    rows = list(session.scalars(query.where(OutboxRow.created_at >= begin, OutboxRow.created_at < end)))
    states = Counter(row.state for row in rows)
    taken = [row.finished_at - row.created_at for row in rows if row.state == "delivered" and row.finished_at]
    shown = [_is_readable(row, evidence) for row in _pictures(session, {row.incident_id for row in rows})]
    return Day(
        owed=len(rows),
        accepted=states["delivered"],
        rejected=states["dead"],
        pending=states["pending"],
        in_time=sum(took <= within for took in taken),
        pictures=len(shown),
        readable=sum(shown),
    )


def incomplete(config: Config, datum: Datum | None) -> dict[str, tuple[str, ...]]:
    """Return by camera in use what its file (一机一档) lacks for a platform that wants ``datum``."""
    used = {name: camera for name, camera in config.cameras.items() if camera.enabled}
    found = {name: lacking(config, camera, datum) for name, camera in used.items()}
    return {name: keys for name, keys in found.items() if keys}


def _pictures(session: Session, incidents: Iterable[str]) -> list[EvidenceRow]:
    return [
        row
        for incident in sorted(incidents)
        for row in session.scalars(select(EvidenceRow).where(EvidenceRow.incident_id == incident))
    ]


def _is_readable(row: EvidenceRow, folder: Path) -> bool:
    if row.state != "kept":
        return False
    try:
        simplejpeg.decode_jpeg((folder / row.original).read_bytes())
    except (OSError, ValueError):
        return False
    return True
