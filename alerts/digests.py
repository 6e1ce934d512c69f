"""What became known too late, in one incident an outage: how many by which rule at which camera, and when.

Whoever decides marks an incident that it mutes as late (``IncidentRow.late_at``); the mark is taken away when
the incident is heard after all, because it still was so, or by the digest that counts it. Of several services
one tells.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from alerts.incidents.incident import Incident
from alerts.incidents.model import ChangeKind, State
from alerts.pipeline import route
from alerts.rules.base import RuleSettings
from alerts.rules.late import Config as LateSettings
from alerts.store import Store
from alerts.store.incidents import add_change, enter, hold, save
from alerts.store.schema import IncidentRow
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.errors import TransientError
from lianfang.ids import identify

_log = structlog.get_logger()

EVERY_S = 5.0
_STALE = timedelta(days=1)  # of a rule that was not there then


class Digests:
    """Looks every few seconds whether what came late is complete. ``config`` gives the one in force."""

    def __init__(self, store: Store, config: Callable[[], Config], clock: Clock) -> None:
        self._store, self._config, self._clock = store, config, clock

    def run(self, stop: threading.Event) -> None:
        """Look until ``stop``; while the store is away it is told later."""
        while not stop.wait(EVERY_S):
            try:
                self.turn()
            except (DBAPIError, TransientError) as error:
                _log.warning("digests_not_looked_at", reason=str(error))

    def turn(self) -> None:
        """Tell what is complete."""
        config, now = self._config(), self._clock.now()
        for rule_id, rule in config.rules.items():
            if not isinstance(rule, LateSettings) or not rule.enabled:
                continue
            waiting = (IncidentRow.late_at > now - _STALE, IncidentRow.camera.in_(rule.cameras))
            with self._store.read() as session:
                times = list(session.scalars(select(IncidentRow.late_at).where(*waiting)))
            if not _is_complete([at for at in times if at is not None], rule, now):
                continue
            with self._store.write() as session:
                ids = list(session.scalars(select(IncidentRow.id).where(*waiting)))
                rows = [row for row in hold(session, ids).values() if row is not None and row.late_at]
                if rows:  # else another service was faster
                    _tell(session, config, rule_id, rule, rows, now)


def _is_complete(times: Sequence[datetime], rule: LateSettings, now: datetime) -> bool:
    if not times:
        return False
    caught_up = now - max(times) >= timedelta(seconds=rule.quiet_s)
    return caught_up or now - min(times) >= timedelta(seconds=rule.every_s)


def _tell(
    session: Session,
    config: Config,
    rule_id: str,
    rule: LateSettings,
    late: Sequence[IncidentRow],
    now: datetime,
) -> None:
    """Write one incident about those that came ``late``, and owe what receivers are to hear of it."""
    begin, end = min(row.opened_at for row in late), max(row.last_seen_at for row in late)
    counts = Counter((row.camera, row.rule) for row in late)
    figures: dict[str, dict[str, float]] = {}
    for (camera, other), count in sorted(counts.items()):
        figures.setdefault(camera, {})[_name(config, other)] = count
    points, cameras = {row.point for row in late}, set(figures)
    incident = Incident(
        id=identify("digest", rule_id, *sorted(row.id for row in late)),
        rule=rule_id,
        place="",
        point=points.pop() if len(points) == 1 else "",
        camera=cameras.pop() if len(cameras) == 1 else "",
        zone="",
        opened_at=begin,
        last_seen_at=end,
        occupied=False,
        people=len(late),
        members_total=len(late),
        members=(),
        cleared_at=end,
        ended_at=now,
        figures=figures,
    )
    state = State.RECORDED if rule.record_only else State.NEW
    row = save(session, incident, state=state, severity=rule.severity, settings_version="")
    data = {"camera": incident.camera, "captured_at": end.isoformat(), "reason": "late"}
    add_change(session, row.id, ChangeKind.OPENED, "system", data, now)
    enter(row, state, now)
    route.notify(session, config, rule, row, ChangeKind.OPENED, now, end)
    for one in late:
        one.late_at = None
    _log.info("late_told", alert_id=row.id, rule=rule_id, incidents=len(late))


def _name(config: Config, rule_id: str) -> str:
    rule = config.rules.get(rule_id)
    return rule.name.in_language(config.community.language) if isinstance(rule, RuleSettings) else rule_id
