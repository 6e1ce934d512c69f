"""The installation as a platform is to know it: from the configuration in force, and from the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from alerts.channels.base import Standing
from alerts.payload import WITHDRAWN
from alerts.store import Store, uptime
from alerts.store.schema import CameraStateRow, OutboxRow
from alerts.store.store import QUIET
from lianfang.config import Config


@dataclass(frozen=True, slots=True)
class StoredSite:
    """What ``alerts.channels.base.Site`` promises ``receiver``, over the store."""

    receiver: str
    store: Store
    config: Callable[[], Config]

    def conditions(self) -> Mapping[str, str]:
        """Return the condition of each camera, as its stream said last."""
        with self.store.read() as session:
            return {row.camera: row.condition for row in session.scalars(select(CameraStateRow))}

    def standing(self, incident_id: str, version: int) -> Standing:
        """Return what the notices beside that of ``version`` have come to."""
        query = select(OutboxRow).where(
            OutboxRow.receiver == self.receiver,
            OutboxRow.incident_id == incident_id,
            OutboxRow.kind == "notice",
        )
        with self.store.read() as session:
            rows = [row for row in session.scalars(query) if "disposition" not in row.payload]
        taken = [row for row in rows if row.state == "delivered"]
        if any(row.incident_version > version and row.payload.get("change") in WITHDRAWN for row in taken):
            return "withdrawn"
        if any(row.incident_version < version for row in taken):
            return "taken"
        tried = any(row.incident_version < version and row.attempts for row in rows)
        return "tried" if tried else "none"

    def linked(self, since: datetime, until: datetime) -> None:
        """Write down that the receiver has kept us registered from ``since`` until now."""
        with self.store.write() as session:
            session.info[QUIET] = True
            uptime.linked(session, self.receiver, since, until)

    def compared(self, at: datetime, offset_s: float) -> None:
        """Write down by how many seconds its clock was ahead of ours."""
        with self.store.write() as session:
            session.info[QUIET] = True
            uptime.compared(session, self.receiver, at, offset_s)
