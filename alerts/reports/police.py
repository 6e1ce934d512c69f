"""What a platform was told on a day, how much of it it took, and whether it and the cameras were there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import simplejpeg
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.payload import Datum
from alerts.reports import availability
from alerts.reports.availability import ClockError, Pictures
from alerts.store import receipts
from alerts.store.schema import EvidenceRow, OutboxRow
from alerts.viid.records import lacking
from lianfang.config import Config


@dataclass(frozen=True, slots=True)
class Day:
    """Messages to one receiver, those of them that it took in time, and the pictures of their incidents.

    ``answered`` counts the incidents of which it has let us know what it makes of them (接警, 处置反馈).
    """

    owed: int
    accepted: int
    rejected: int
    pending: int
    in_time: int
    answered: int
    pictures: int
    readable: int


@dataclass(frozen=True, slots=True)
class Report:
    """A day of one receiver; shares of it are of the time up to now, where it is not over.

    ``linked`` is the share of the day, 0-1, for which it kept us registered, None where nobody noted it;
    ``pictures`` that for which each camera in use gave pictures. ``incomplete`` is what files of cameras
    (一机一档) lack, of ``files``.
    """

    receiver: str
    begin: datetime
    end: datetime
    within_s: float
    told: Day
    linked: float | None
    clock: ClockError | None
    pictures: Mapping[str, Pictures]
    files: int
    incomplete: Mapping[str, tuple[str, ...]]


def report(
    session: Session, config: Config, receiver: str, day: date, within: timedelta, now: datetime
) -> Report:
    """Return the report of a day of the community's, as it stands now.

    ``told.in_time``: taken ``within`` that time after it was owed, at whichever attempt.
    """
    zone = config.community.zone
    begin = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    until = min(end, now)
    used = [name for name, camera in config.cameras.items() if camera.enabled]
    return Report(
        receiver=receiver,
        begin=begin,
        end=end,
        within_s=within.total_seconds(),
        told=_told(session, receiver, begin, end, within, config.evidence_folder),
        linked=availability.link(session, receiver, begin, until),
        clock=availability.clock(session, receiver, begin, until),
        pictures=availability.cameras(session, used, begin, until),
        files=len(used),
        incomplete=incomplete(config, getattr(config.receivers.get(receiver), "datum", None)),
    )


def _told(
    session: Session, receiver: str, begin: datetime, end: datetime, within: timedelta, evidence: Path
) -> Day:
    query = select(OutboxRow).where(OutboxRow.receiver == receiver, OutboxRow.kind == "notice")
    rows = list(session.scalars(query.where(OutboxRow.created_at >= begin, OutboxRow.created_at < end)))
    states = Counter(row.state for row in rows)
    taken = [row.finished_at - row.created_at for row in rows if row.state == "delivered" and row.finished_at]
    shown = [_is_readable(row, evidence) for row in _pictures(session, {row.about for row in rows})]
    return Day(
        owed=len(rows),
        accepted=states["delivered"],
        rejected=states["dead"],
        pending=states["pending"],
        in_time=sum(took <= within for took in taken),
        answered=len({row.incident_id for row in rows} & receipts.answered(session, receiver)),
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
