"""The clock on the wall: cases that nobody has dealt with in time are overdue, and go on to the next tier.

Limits are columns, and what has been done about them is written in the transaction that does it. So a
service that was down does at its start what has passed meanwhile, once, and of several services one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import get_args

import structlog
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from alerts.export import asking
from alerts.incidents.life import ALARMING, TAKEN
from alerts.incidents.limits import limit_at, next_at, ring_at, tiers_ahead
from alerts.incidents.model import ChangeKind
from alerts.pipeline.on_call import ring
from alerts.pipeline.tiers import forward, named, timed
from alerts.store import Store
from alerts.store.incidents import add_change, hold
from alerts.store.schema import IncidentRow
from lianfang.clock import Clock
from lianfang.config import Config
from lianfang.config.escalation import Severity
from lianfang.errors import TransientError

_log = structlog.get_logger()

EVERY_S = 1.0
LATE = timedelta(seconds=30)  # so long after its time nobody may take it for the present
_WATCHED = (*ALARMING, *TAKEN)
_SEVERITIES: tuple[str, ...] = get_args(Severity)


class Deadlines:
    """Looks every second whether the time of a case has come. ``config`` gives the configuration in force."""

    def __init__(
        self, store: Store, config: Callable[[], Config], clock: Clock, registry: CollectorRegistry
    ) -> None:
        self._store, self._config, self._clock = store, config, clock
        self._overdue = Gauge(
            "lianfang_incidents_overdue",
            "Cases for which people have not done in time what they should",
            ["severity"],
            registry=registry,
            multiprocess_mode="mostrecent",
        )

    def run(self, stop: threading.Event) -> None:
        """Look until ``stop``. What passes while the store is away is done late, and says so."""
        begun = False
        while not stop.wait(EVERY_S):
            try:
                if not begun:
                    self.begin()
                    begun = True
                self.turn()
            except (DBAPIError, TransientError) as error:
                _log.warning("deadlines_not_looked_at", reason=str(error))

    def begin(self) -> None:
        """Have every open case looked at: the limits may be others since."""
        with self._store.write() as session:
            session.execute(
                update(IncidentRow)
                .where(IncidentRow.state.in_(_WATCHED), IncidentRow.state_since.is_not(None))
                .values(next_at=self._clock.now())
            )

    def turn(self) -> None:
        """Do what has come due, and count what is overdue."""
        now = self._clock.now()
        with self._store.read() as session:
            due = list(session.scalars(select(IncidentRow.id).where(IncidentRow.next_at <= now)))
        if due:
            with self._store.write() as session:
                for row in hold(session, due).values():
                    if row is not None and row.next_at is not None and row.next_at <= now:
                        self._pass(session, row, now)  # else another service was faster
        asking.end(self._store, self._clock)
        with self._store.read() as session:
            self._count(session)

    def _pass(self, session: Session, row: IncidentRow, now: datetime) -> None:
        config, case = self._config(), timed(row)
        if case is None or case.state not in _WATCHED:
            row.next_at = None
            return
        limits = config.limits(row.severity)
        limit = limit_at(case, limits)
        if limit is not None and limit <= now and not row.overdue:
            row.overdue = True
            late = {"late_s": late_s} if (late_s := _late_s(limit, now)) else {}
            add_change(session, row.id, ChangeKind.OVERDUE, "system", {"state": row.state, **late}, now)
            _log.warning("incident_overdue", alert_id=row.id, rule=row.rule, state=row.state)
        for number, at in [(number, at) for number, at in tiers_ahead(case, limits) if at <= now]:
            self._reach(session, config, row, number, at, now)
        call_after_s = config.call_after_s(row.severity)
        call = ring_at(case, call_after_s)
        if call is not None and call <= now:
            ring(session, config, row, now, _late_s(call, now))
        after = timed(row)
        row.next_at = next_at(after, limits, call_after_s) if after else None

    def _reach(
        self, session: Session, config: Config, row: IncidentRow, number: int, at: datetime, now: datetime
    ) -> None:
        tier = config.limits(row.severity).tiers[number]
        _log.warning("incident_tier", alert_id=row.id, tier=number + 1, automatic=tier.automatic)
        if tier.automatic:
            forward(session, config, row, number, "system", now, late_s=_late_s(at, now))
            return
        row.tiers_reached = sorted({*row.tiers_reached, number})
        row.tiers_due = sorted({*row.tiers_due, number})
        said = named(tier, number, _late_s(at, now))
        add_change(session, row.id, ChangeKind.TIER_DUE, "system", said, now)

    def _count(self, session: Session) -> None:
        query = (
            select(IncidentRow.severity, func.count())
            .where(IncidentRow.state.in_(_WATCHED), IncidentRow.overdue)
            .group_by(IncidentRow.severity)
        )
        found = dict.fromkeys(_SEVERITIES, 0)
        for severity, count in session.execute(query):
            found[severity] = count
        for severity, count in found.items():
            self._overdue.labels(severity).set(count)


def _late_s(at: datetime, now: datetime) -> int:
    """Return by how many seconds it comes too late, 0 where that is the ordinary."""
    return round((now - at).total_seconds()) if now - at >= LATE else 0
