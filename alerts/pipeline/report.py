"""What the alert worker says of itself: metrics, and a line of the log for every change of an incident."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import structlog
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.orm import Session

from alerts.incidents.incident import Change, Incident
from alerts.incidents.model import ChangeKind
from alerts.pipeline.decide import Decider, Decision
from alerts.pipeline.order import Event
from alerts.pipeline.walking import Walks
from alerts.rules.base import Sighting
from alerts.store import suppressions
from alerts.suppression.case import Case, Held
from alerts.suppression.chain import Trace
from alerts.suppression.reasons import Reason
from lianfang.events import Observation
from lianfang.metrics import hop_histogram

_log = structlog.get_logger()


class Report(Trace):
    """Counts what is decided and what is held back. ``began`` holds the latter until it is written down."""

    def __init__(self, registry: CollectorRegistry) -> None:
        hops = hop_histogram(registry)
        self._detected = hops.labels("published_to_detected")
        self._decided = hops.labels("detected_to_decided")
        self._seen = Counter(
            "lianfang_observations_total", "Observations decided on", ["camera"], registry=registry
        )
        self._dropped = Counter(
            "lianfang_observations_dropped_total", "Events not looked at", ["reason"], registry=registry
        )
        self._opened = Counter("lianfang_incidents_total", "Incidents opened", ["rule"], registry=registry)
        self._suppressed = Counter(
            "lianfang_suppressed_total",
            "What was held back: counted when it begins (people at a place, an incident, a broadcast), "
            "not with every picture",
            ["rule", "reason"],
            registry=registry,
        )
        self.holds: list[tuple[Case, Held]] = []
        """What gates began to hold back since this was cleared."""
        self._walks = Walks()

    def begin(self) -> None:
        """Forget what belongs to a batch that was not written, or to what was only read again."""
        self.holds.clear()
        self._walks.counted.clear()

    def gated(self, case: Case, before: Sighting, after: Sighting, held: tuple[Held, ...]) -> None:
        """Hear whom a rule counts."""
        self._walks.gated(case, before, after, held)

    def began(self, case: Case, held: Held) -> None:
        """Hear that a gate began to hold somebody back."""
        self.holds.append((case, held))

    def write(
        self, session: Session, decider: Decider, decided: Iterable[tuple[Event, object]], now: datetime
    ) -> None:
        """Count at the words of people what they began to hold back, and write what walk tests have shown."""
        for case, held in sorted(self.holds, key=lambda one: one[1].by):  # one order for all services
            suppressions.count(session, held.by, case.at)
        self._walks.write(session, decider, (event for event, _ in decided), now)

    def dropped(self, reason: str) -> None:
        """Count a record that is not looked at."""
        self._dropped.labels(reason).inc()

    def committed(self, decided: Iterable[tuple[object, Sequence[Decision]]], now: datetime) -> None:
        """Count what the store has taken: events, each with what was decided on it."""
        for event, decisions in decided:
            if isinstance(event, Observation):
                self._observed(event, now)
            for decision in decisions:
                for change in decision.changes:
                    self._changed(decision.incident, change)
        for case, held in sorted(self.holds, key=lambda one: one[1].by):  # one order for all services
            self._suppressed.labels(case.rule, held.reason).inc()
        self.holds.clear()

    def _observed(self, event: Observation, now: datetime) -> None:
        self._seen.labels(event.camera_id).inc()
        hop = (event.detected_at - event.published_at).total_seconds()
        self._detected.observe(max(hop, 0))
        self._decided.observe(max((now - event.detected_at).total_seconds(), 0))

    def _changed(self, incident: Incident, change: Change) -> None:
        _log.info(
            "incident_changed",
            alert_id=incident.id,
            change=str(change.kind),
            rule=incident.rule,
            camera_id=change.camera,
            place=incident.place,
            people=incident.people,
        )
        if change.kind is ChangeKind.OPENED:
            self._opened.labels(incident.rule).inc()
        if (reason := _held_back(incident, change)) is not None:
            self._suppressed.labels(incident.rule, reason).inc()


def _held_back(incident: Incident, change: Change) -> Reason | None:
    match change.kind:
        case ChangeKind.OPENED:
            return incident.muted or incident.silent
        case ChangeKind.MUTED:
            return incident.muted
        case ChangeKind.UNSAID:
            return incident.silent
        case _:
            return None
