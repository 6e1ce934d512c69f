"""What is known of each camera beside its state: how it is read, its cost, what was wrong, who looked."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import APIRouter
from prometheus_client import CollectorRegistry
from pydantic import AwareDatetime
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alerts.api.answer import Answer
from alerts.api.dependencies import Dependencies
from alerts.api.models import NamedInBoth
from alerts.api.names import Names
from alerts.api.problems import ApiError, described
from alerts.rules.base import RuleSettings
from alerts.store import guests, looks, uptime
from alerts.store.schema import EvidenceRow
from alerts.store.uptime import CameraChangeRow
from lianfang.clock import Clock
from lianfang.config import Config, costs
from lianfang.config.costs import Measured
from lianfang.config.guests import PREFIX
from lianfang.config.way import way_of
from lianfang.redact import redact

_CHANGES = 30
_PUBLISHED = "lianfang_frames_published_total"
_LEAST_S, _SPAN_S = 5.0, 120.0


class CameraChange(Answer):
    """What a camera's stream said at a time, as in `Camera`."""

    at: AwareDatetime
    condition: str
    reason: str
    detail: str
    faults: list[str]


class CameraDetails(Answer):
    """How a camera is read, and what is known of it.

    ``kind`` is that of its source, ``guest`` where somebody shares it. ``fps`` are asked for,
    ``measured_fps`` were published in the last minutes (null where nobody knows). ``cost`` is what ``lianfang
    cameras plan`` measured last. ``last_fault`` is the newest word that something was wrong. ``picture`` is
    the newest evidence picture of it that is kept.
    """

    id: str
    kind: str
    detectors: list[str]
    stream: str
    stream_why: str
    fps: float
    measured_fps: float | None
    cost: Measured | None
    last_fault: CameraChange | None
    rules: list[NamedInBoth]
    zones: int
    lines: int
    off_in_file: bool
    picture: str | None


class CameraLook(Answer):
    """Somebody was given pictures of a camera: who, from when to when, and why if they said so."""

    at: AwareDatetime
    until: AwareDatetime | None
    by_name: str
    what: str
    reason: str


class CameraHistory(Answer):
    """What a camera's stream said, and who looked at it, each newest first."""

    changes: list[CameraChange]
    looks: list[CameraLook]


class Rates:
    """How many pictures a second each camera publishes, of the counters that are exported. Thread-safe.

    A rate needs two readings of the counters, five seconds apart; where ingest runs elsewhere there is none.
    """

    def __init__(self, registry: CollectorRegistry, clock: Clock) -> None:
        self._registry, self._clock = registry, clock
        self._lock, self._read = threading.Lock(), deque[tuple[float, Mapping[str, float]]]()

    def now(self) -> Mapping[str, float]:
        """Return pictures a second by camera, of two minutes at most."""
        with self._lock:
            now = self._clock.monotonic()
            if not self._read or now - self._read[-1][0] >= _LEAST_S:
                self._read.append((now, self._counts()))
            while len(self._read) > 2 and now - self._read[1][0] > _SPAN_S:
                self._read.popleft()
            (begun, before), (ended, after) = self._read[0], self._read[-1]
            return {
                c: max(0.0, n - before.get(c, n)) / (ended - begun) for c, n in after.items() if ended > begun
            }

    def _counts(self) -> Mapping[str, float]:
        return {
            sample.labels["camera"]: sample.value
            for metric in self._registry.collect()
            if metric.name == _PUBLISHED.removesuffix("_total")
            for sample in metric.samples
            if sample.name == _PUBLISHED
        }


def router(deps: Dependencies, names: Names) -> APIRouter:
    """Return /cameras/details and /cameras/{camera}/history."""
    routes = APIRouter(tags=["cameras"])
    rates = Rates(deps.registry, deps.clock)

    @routes.get("/cameras/details")
    def list_camera_details() -> list[CameraDetails]:
        """List how each camera is read, what it costs and what was wrong with it last."""
        config, file = deps.config, deps.settings.file
        measured, fps = costs.read(file.data_dir), rates.now()
        with deps.store.read() as session:
            wrong, pictures = uptime.last_faults(session), _pictures(session)
        return [
            _details(config, camera, names).model_copy(
                update={
                    "measured_fps": fps.get(camera),
                    "cost": measured.get(camera),
                    "last_fault": _change(wrong[camera]) if camera in wrong else None,
                    "off_in_file": camera in file.cameras and not file.cameras[camera].enabled,
                    "picture": pictures.get(camera),
                }
            )
            for camera in config.cameras
        ]

    @routes.get("/cameras/{camera}/history", responses=described(HTTPStatus.NOT_FOUND))
    def show_camera_history(camera: str) -> CameraHistory:
        """Show what a camera's stream said lately, and who looked at it."""
        if camera not in deps.config.cameras:
            raise ApiError(HTTPStatus.NOT_FOUND, "no_camera", f"no camera {camera!r}")
        with deps.store.read() as session:
            changes = [_change(row) for row in uptime.camera_history(session, camera, _CHANGES)]
            return CameraHistory(changes=changes, looks=_looks(session, camera))

    return routes


def _details(config: Config, camera_id: str, names: Names) -> CameraDetails:
    camera, way = config.cameras[camera_id], way_of(config, camera_id)
    rules = [
        names.rule(rule_id)
        for rule_id, rule in config.rules.items()
        if isinstance(rule, RuleSettings) and camera_id in rule.sources
    ]
    guest = camera_id.startswith(PREFIX)
    return CameraDetails(
        id=camera_id,
        kind="guest" if guest else getattr(camera.source, "kind", ""),
        detectors=list(camera.detectors),
        stream=way.stream,
        stream_why=way.why,
        fps=camera.fps,
        measured_fps=None,
        cost=None,
        last_fault=None,
        rules=rules,
        zones=len(camera.zones),
        lines=len(camera.lines),
        off_in_file=False,
        picture=None,
    )


def _change(row: CameraChangeRow) -> CameraChange:
    return CameraChange(
        at=row.since,
        condition=row.condition,
        reason=redact(row.reason),
        detail=redact(row.detail),
        faults=[fault for fault in row.faults.split(",") if fault],
    )


def _looks(session: Session, camera: str) -> list[CameraLook]:
    if camera.startswith(PREFIX):
        return [
            CameraLook(at=row.at, until=None, by_name=row.by_name, what=row.what, reason=row.reason)
            for row in guests.looks(session, camera)
        ]
    return [
        CameraLook(at=row.at, until=row.until, by_name=row.by_name, what=row.what, reason=row.reason)
        for row in looks.looks(session, camera)
    ]


def _pictures(session: Session) -> dict[str, str]:
    """Return the id of the newest kept evidence of each camera."""
    newest = (
        select(EvidenceRow.camera, func.max(EvidenceRow.captured_at).label("at"))
        .where(EvidenceRow.state == "kept")
        .group_by(EvidenceRow.camera)
        .subquery()
    )
    query = select(EvidenceRow.camera, EvidenceRow.id).join(
        newest, (EvidenceRow.camera == newest.c.camera) & (EvidenceRow.captured_at == newest.c.at)
    )
    return {row.camera: row.id for row in session.execute(query.where(EvidenceRow.state == "kept"))}
