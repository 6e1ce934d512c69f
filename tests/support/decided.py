"""Observations decided on and written into a store, as the alert worker does, without a bus."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from alerts.pipeline.decide import Decider
from alerts.pipeline.record import record
from alerts.pipeline.rulebook import RuleBook
from alerts.store import Store
from alerts.store.schema import ChangeRow, IncidentRow
from lianfang.config import Config
from lianfang.events import CameraState, Observation


@dataclass
class Desk:
    """What an alert worker with ``config`` makes of events, in ``store``."""

    store: Store
    config: Config
    decider: Decider = field(init=False)

    def __post_init__(self) -> None:
        self.decider = Decider(RuleBook(self.config))

    def __call__(self, *events: Observation | CameraState, now: datetime | None = None) -> None:
        """Decide on events and commit what follows at once, each at ``now``, else when it was captured."""
        with self.store.write() as session:
            for event in events:
                at = now or event.captured_at
                for decision in self.decider.decide(event):
                    record(session, self.decider.book, decision, lambda at=at: at)  # type: ignore[misc]

    def incidents(self) -> list[IncidentRow]:
        """Return every incident, in the order in which they opened."""
        with self.store.read() as session:
            return list(session.scalars(select(IncidentRow).order_by(IncidentRow.opened_at)))

    def changes(self) -> list[ChangeRow]:
        """Return every change, in order."""
        with self.store.read() as session:
            return list(session.scalars(select(ChangeRow).order_by(ChangeRow.seq)))
