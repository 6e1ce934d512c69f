"""Walk tests: somebody walks into a zone of a camera to find out whether the system sees them.

While one goes on nobody outside hears of what it causes. What the system saw is written by the alert worker.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.incidents.life import FINAL
from alerts.incidents.model import ChangeKind, State
from alerts.rules.base import RuleSettings
from alerts.store import Store, suppressions
from alerts.store.alone import alone
from alerts.store.incidents import add_change, enter, hold
from alerts.store.schema import IncidentRow, SuppressionRow
from alerts.store.walks import WalkTestRow, running
from alerts.suppression.reasons import Reason
from alerts.suppression.said import Kind, Suppression
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.errors import LianfangError
from lianfang.ids import identify

LEAVE = timedelta(seconds=30)
"""So long after the end of a test nobody hears of whoever tried: they are to leave the zone."""
_TWILIGHT = 30  # minutes around sunrise and sunset

Light = Literal["day", "twilight", "night"]


class NotNow(LianfangError):  # noqa: N818 - reads as the fact it states
    """No walk test can begin there now; ``code`` says why to a program."""

    def __init__(self, code: Literal["walk_running", "incident_open", "camera_off"], text: str) -> None:
        super().__init__(text)
        self.code = code


class Verdict(StrEnum):
    """What came of a walk test."""

    RUNNING = "running"
    ALARMED = "alarmed"  # seen, and a rule would have raised an alarm
    HELD = "held"  # a rule counted them, and something else holds it back at this hour or there
    SEEN = "seen"  # seen in the zone, and no rule counted them
    MISSED = "missed"  # pictures were looked at, and nobody was seen in the zone
    UNKNOWN = "unknown"  # no picture was looked at: the camera or its detectors were away
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which zone is tried, from how far off, and for how long at most."""

    camera: str
    zone: str
    distance_m: float
    accuracy_m: float | None = None
    light: Light | None = None
    note: str = ""
    limit_s: float = 180


def start(store: Store, config: Config, clock: Clock, by: str, wanted: Wanted) -> WalkTestRow:
    """Begin a walk test and return its row. LookupError for an unknown zone, NotNow."""
    camera = config.cameras.get(wanted.camera)
    if camera is None or wanted.zone not in camera.zones:
        raise LookupError(f"no zone {wanted.zone!r} of a camera {wanted.camera!r}")
    if not camera.enabled:
        raise NotNow("camera_off", f"camera {wanted.camera} is switched off")
    with store.write() as session:
        now = clock.now()
        until = now + timedelta(seconds=wanted.limit_s)
        word = Suppression(
            id=identify("walk", wanted.camera, wanted.zone, by, now.isoformat()),
            kind=Kind.WALK,
            since=now,
            until=until + LEAVE,
            author=by,
            reason=wanted.note or "walk test",
            created_at=now,
            camera=wanted.camera,
            point=camera.point,
            zone=wanted.zone,
        )
        alone(session, "said")  # until this is written nobody else begins one
        _refuse(session, config, camera.point, wanted.zone, now)
        suppressions.add(session, word)
        row = WalkTestRow(
            id=word.id,
            camera=wanted.camera,
            zone=wanted.zone,
            point=camera.point,
            by=by,
            distance_m=wanted.distance_m,
            accuracy_m=wanted.accuracy_m,
            light=wanted.light or light_at(config, wanted.camera, now),
            note=wanted.note,
            started_at=now,
            until=until,
        )
        session.add(row)
        session.flush()
        return row


def finish(store: Store, clock: Clock, walk_id: str, by: str, *, counts: bool = True) -> WalkTestRow:
    """End a walk test and return its row; LookupError without it. One that is over stays as it was.

    Its incidents are closed: whoever comes there now is another one, and is heard.
    """
    with store.write() as session:
        alone(session, "said")
        mine = select(IncidentRow.id).where(
            IncidentRow.muted_by == walk_id, IncidentRow.muted == Reason.WALK_TEST
        )
        incidents = hold(session, session.scalars(mine).all()).values()
        # In the order of the alert worker: what was said, then what it shows.
        word = session.get(SuppressionRow, walk_id, with_for_update=True)
        row = session.get(WalkTestRow, walk_id, with_for_update=True)
        if word is None or row is None:
            raise LookupError(f"no walk test {walk_id}")
        now = clock.now()
        if row.ended_at is not None or now >= row.until:
            return row  # over: it stays as it was
        row.ended_at, row.counts = now, counts
        suppressions.end_at(session, word, now + LEAVE)
        began = [one for one in incidents if one is not None and one.opened_at >= row.started_at]
        _close(session, began, by, now)
        return row


def verdict(row: WalkTestRow, now: datetime) -> Verdict:
    """Return what has come of a walk test by ``now``."""
    if row.ended_at is None and now < row.until:
        return Verdict.RUNNING
    if not row.counts:
        return Verdict.CANCELLED
    if row.alert_at is not None:
        return Verdict.HELD if row.held else Verdict.ALARMED
    if row.seen:
        return Verdict.SEEN
    return Verdict.MISSED if row.pictures else Verdict.UNKNOWN


def height_px(row: WalkTestRow) -> int | None:
    """Return how high they were in the pictures on average, in pixels; None where they were not seen."""
    return round(row.heights_px / row.seen) if row.seen else None


def light_at(config: Config, camera: str, at: datetime) -> Light:
    """Return how light it is by the sun at a camera."""
    almanac = config.almanac(camera)
    local = at.astimezone(almanac.zone)
    minute = local.hour * 60 + local.minute
    rise, set_ = almanac.sun("sunrise", local.date()), almanac.sun("sunset", local.date())
    if min(abs(minute - rise), abs(minute - set_)) <= _TWILIGHT:
        return "twilight"
    return "day" if rise < minute < set_ else "night"


def tried_by(config: Config, camera: str, zone: str) -> dict[str, RuleSettings]:
    """Return the rules in force that look at a zone."""
    return {
        name: rule
        for name, rule in config.rules.items()
        if isinstance(rule, RuleSettings) and rule.enabled and camera in rule.cameras and zone in rule.zones
    }


def _refuse(session: Session, config: Config, point: str, zone: str, now: datetime) -> None:
    """Raise NotNow where somebody tries already, or what is open there would be taken for a test."""
    if (other := running(session, point, now)) is not None:
        raise NotNow("walk_running", f"walk test {other.id} goes on at point {point}")
    query = select(IncidentRow).where(IncidentRow.ended_at.is_(None), IncidentRow.point == point)
    for row in session.scalars(query):
        rule = config.rules.get(row.rule)
        if not isinstance(rule, RuleSettings) or rule.record_only or rule.about not in ("people", "things"):
            continue
        if row.state not in FINAL and (not rule.life_safety or zone in rule.zones):
            raise NotNow("incident_open", f"incident {row.id} is open at point {point}")


def _close(session: Session, incidents: Iterable[IncidentRow], by: str, now: datetime) -> None:
    for row in incidents:
        if row.state not in FINAL:
            data = {"camera": row.camera, "captured_at": now.isoformat(), "silent": Reason.WALK_TEST}
            add_change(session, row.id, ChangeKind.CLOSED, by, data | enter(row, State.CLOSED, now), now)
