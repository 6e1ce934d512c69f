"""What goes into the file of an export, read from the store as the API shows it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from alerts.api import models
from alerts.api.dependencies import Dependencies
from alerts.api.evidence import below
from alerts.api.names import Names
from alerts.api.problems import ApiError
from alerts.api.views import Views
from alerts.export.bundle import Contents, Reel, Shot
from alerts.export.words import happened
from alerts.guests.looking import Looks
from alerts.store import clips, photos
from alerts.store.clips import ClipRow
from alerts.store.exports import ExportRow
from alerts.store.schema import EvidenceRow, IncidentRow


def contents(deps: Dependencies, views: Views, names: Names, export: ExportRow, looks: Looks) -> Contents:
    """Return everything of an incident that an approved export takes out.

    Of a guest's camera, who takes its pictures out is written down for its owner first.
    """
    with deps.store.read() as session:
        row = session.get_one(IncidentRow, export.incident_id)
        detail = views.detail(session, row)
        evidence = list(session.scalars(select(EvidenceRow).where(EvidenceRow.incident_id == row.id)))
        taken = list(photos.of(session, row.id))
        clip = clips.of(session, row.id)

    asked = names.operator(export.asked_by)
    for camera, at in {e.camera: e.captured_at for e in evidence}.items():
        looks.note(camera, "export", export.asked_by, asked, at, export.reason)

    def local(at: datetime | None) -> str:
        return at.astimezone(deps.config.community.zone).strftime("%Y-%m-%d %H:%M:%S") if at else ""

    shots = [
        Shot(f"{n:02d}-{kind}", data, local(e.captured_at), names.camera(e.camera).name)
        for n, e in enumerate(evidence, 1)
        for kind, data in _files(deps, {"annotated": e.annotated, "original": e.original})
    ]
    shots += [
        Shot(f"photo-{n:02d}", data, local(p.at), names.operator(p.by))
        for n, p in enumerate(taken, 1)
        for _, data in _files(deps, {"photo": p.file})
    ]
    approved = names.operator(export.decided_by)
    return Contents(
        title=f"{deps.config.community.name} · {detail.rule.name.zh} · {detail.point.name}",
        lines=(
            f"{asked} {local(export.fetched_at)[:16]}",
            f"导出人 {asked} · 批准人 {approved or '（单人值班，无需批准）'} · {local(export.fetched_at)}",
            f"原因：{export.reason}",
        ),
        facts=list(_facts(detail, local(detail.opened_at), local(detail.cleared_at))),
        timeline=[
            (local(c.at), happened(c.kind), c.actor_name or c.actor, c.data.get("note", ""), c.kind, c.data)
            for c in detail.timeline
        ],
        deliveries=[
            _delivery(names, d, local(d.created_at), local(d.finished_at)) for d in detail.deliveries
        ],
        shots=shots,
        document=detail.model_dump_json(indent=1),
        reel=None if clip is None else _reel(deps, names, clip, local(clip.begins_at)),
    )


def _facts(detail: models.IncidentDetail, opened: str, cleared: str) -> Iterator[tuple[str, str]]:
    yield "事件编号", detail.id
    yield "规则", detail.rule.name.zh
    yield "地点", f"{detail.point.name} · {detail.zone.name}"
    yield "摄像头", detail.camera.name
    yield "发现时间", opened
    yield "离开时间", cleared
    yield "状态", detail.state
    if detail.clip and detail.clip.state != "kept":
        yield "录像", f"{detail.clip.state} {detail.clip.reason}".strip()


def _reel(deps: Dependencies, names: Names, clip: ClipRow, taken: str) -> Reel | None:
    """Return the clip, None where it is not kept."""
    if clip.state != "kept":
        return None
    path: Path | None
    try:
        path = below(deps.evidence_dir.resolve(), clip.file)
    except ApiError:
        path = None
    return Reel(path, taken, names.camera(clip.camera).name, clip.sha256)


def _delivery(names: Names, of: models.Delivery, created: str, finished: str) -> tuple[object, ...]:
    what = of.text or happened(of.change)
    answer = (of.state, of.outcome, of.detail or of.last_error, of.attempts)
    return of.id, names.receiver(of.receiver), of.kind, what, *answer, created, finished, of.latency_s


def _files(deps: Dependencies, named: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """Yield what is kept under those names; what is gone is left out."""
    for kind, name in named.items():
        try:
            data = below(deps.evidence_dir.resolve(), name).read_bytes() if name else None
        except (ApiError, OSError):
            continue
        if data:
            yield kind, data
