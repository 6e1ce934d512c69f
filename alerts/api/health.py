"""How the installation itself is: its parts, how long each hop takes, bus, store, disks, clock, processes."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from alerts import machine
from alerts.api.answer import Answer
from alerts.api.dependencies import Dependencies
from alerts.latencies import latencies
from alerts.store import outbox
from alerts.store.schema import CameraStateRow, ChangeRow, DeadRecordRow, IncidentRow, OffsetRow
from lianfang.host_clock import Sync, kernel_sync


class Part(Answer):
    """A part of the service: "ok", or what is wrong with it, in English."""

    name: str
    state: str


class Hop(Answer):
    """Seconds from one stage to the next, over ``n`` events since the services were installed.

    Half of them took ``p50_s`` at most, 99 of 100 ``p99_s``; null where none was counted.
    """

    hop: str
    n: int
    p50_s: float | None
    p99_s: float | None


class LogLag(Answer):
    """A topic of the log and how many partitions it has; none has stood still for longer than ``still_s``."""

    topic: str
    partitions: int
    still_s: float | None


class StoreSize(Answer):
    """What the store holds; ``size_bytes`` is null where the database does not say."""

    kind: Literal["sqlite", "postgresql"]
    size_bytes: int | None
    incidents: int
    changes: int
    dead_records: int


class DiskSpace(Answer):
    """A file system of this machine, by what is kept there."""

    name: str
    total_bytes: int
    free_bytes: int


class ProcessUse(Answer):
    """A process: since how many seconds, how many cores on average, and resident memory."""

    pid: int
    name: str
    age_s: float
    cpu: float
    memory_bytes: int


class SystemHealth(Answer):
    """How the installation is ``now``. ``cameras`` counts their conditions, ``consoles`` the open pages."""

    now: datetime
    parts: list[Part]
    hops: list[Hop]
    log: list[LogLag]
    store: StoreSize
    disks: list[DiskSpace]
    clock: Sync
    processes: list[ProcessUse]
    cameras: dict[str, int]
    pending: int
    dead: int
    consoles: int


def router(deps: Dependencies) -> APIRouter:
    """Return /health."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/health")
    def show_health() -> SystemHealth:
        """Show how the installation itself is."""
        metrics = list(deps.registry.collect())
        streams = [s.value for m in metrics for s in m.samples if s.name == "lianfang_console_streams"]
        folders = {"data": deps.config.data_dir, "evidence": deps.evidence_dir}
        with deps.store.read() as session:
            depths = outbox.depths(session)
            return SystemHealth(
                now=deps.clock.now(),
                parts=[Part(name=name, state=state) for name, state in deps.ready().items()],
                hops=[Hop(**asdict(one)) for one in latencies(metrics)],
                log=_log(session, deps.store.now(session, deps.clock.now())),
                store=_store(session),
                disks=[DiskSpace(**asdict(one)) for one in machine.disks(folders)],
                clock=kernel_sync(),
                processes=[ProcessUse(**asdict(one)) for one in machine.processes()],
                cameras=_cameras(session),
                pending=sum(n for (_, state), n in depths.items() if state == "pending"),
                dead=sum(n for (_, state), n in depths.items() if state == "dead"),
                consoles=int(sum(streams)),
            )

    return routes


def _log(session: Session, now: datetime) -> list[LogLag]:
    query = select(OffsetRow.topic, func.count(), func.min(OffsetRow.moved_at)).group_by(OffsetRow.topic)
    return [
        LogLag(topic=topic, partitions=n, still_s=max((now - moved).total_seconds(), 0) if moved else None)
        for topic, n, moved in session.execute(query.order_by(OffsetRow.topic))
    ]


def _store(session: Session) -> StoreSize:
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    size = (
        "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        if is_sqlite
        else "SELECT pg_database_size(current_database())"
    )
    return StoreSize(
        kind="sqlite" if is_sqlite else "postgresql",
        size_bytes=session.scalar(text(size)),
        incidents=session.scalar(select(func.count()).select_from(IncidentRow)) or 0,
        changes=session.scalar(select(func.count()).select_from(ChangeRow)) or 0,
        dead_records=session.scalar(select(func.count()).select_from(DeadRecordRow)) or 0,
    )


def _cameras(session: Session) -> dict[str, int]:
    query = select(CameraStateRow.condition, func.count()).group_by(CameraStateRow.condition)
    return dict(session.execute(query).all())
