"""The message about an incident, as receivers get it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alerts.incidents.model import ChangeKind
from alerts.payload import Notice, NoticeClip, NoticeContact, NoticeMode, NoticePlace
from alerts.rules.base import RuleSettings
from alerts.store.clips import ClipRow
from alerts.store.schema import IncidentRow
from alerts.wording import source_name
from lianfang.config import Config

_WHY: Mapping[str, str] = {
    "no_frames": "no picture of that time was kept",
    "failed": "it could not be made",
    "disk_full": "the disk was nearly full",
    "dropped": "it was deleted: the disk was nearly full",
    "camera_lost": "the camera was lost",
}


def notice(
    config: Config,
    rule: RuleSettings,
    row: IncidentRow,
    change: ChangeKind,
    mode: NoticeMode,
    clip: NoticeClip | None = None,
) -> Notice:
    """Return the message about ``row`` as it stands now, without pictures."""
    language = config.community.language
    return Notice(
        number=row.id,
        version=row.version,
        mode=mode,
        confirmed_by=row.confirmed_by,
        confirmed_at=row.confirmed_at,
        change=change,
        state=row.state,
        type=getattr(rule, "kind", ""),
        rule=row.rule,
        title=rule.name.in_language(language),
        subject=row.subject,
        assignee=_assignee(config, row),
        called=_called(config, row) if change is ChangeKind.RUNG else "",
        severity=row.severity,
        community=config.community.name,
        place=_place(config, row),
        people=row.people,
        figures=row.figures,
        still_there=row.occupied,
        opened_at=row.opened_at,
        updated_at=row.updated_at,
        cleared_at=row.cleared_at,
        duty_contact=_contact(config, row),
        clip=clip,
    )


def _place(config: Config, row: IncidentRow) -> NoticePlace:
    camera = config.cameras.get(row.camera)
    point = config.points.get(row.point)
    zone = camera.zones.get(row.zone) if camera else None
    return NoticePlace(
        point=row.point,
        point_name=point.name if point else row.point,
        camera=row.camera,
        camera_name=source_name(config, row.camera),
        device_code=camera.device_code if camera else "",
        zone=row.zone,
        zone_name=(zone.name if zone else "") or row.zone,
        longitude=point.longitude if point else None,
        latitude=point.latitude if point else None,
        datum=point.datum if point else "wgs84",
    )


def _assignee(config: Config, row: IncidentRow) -> str:
    assignee = config.assignee(row.assignee or "")
    return assignee.name if assignee else row.assignee or ""


def _called(config: Config, row: IncidentRow) -> str:
    called = config.on_call.nth(row.rings).operator if config.on_call else ""
    operator = config.api.operators.get(called)
    return operator.name if operator else called


def _contact(config: Config, row: IncidentRow) -> NoticeContact | None:
    point = config.points.get(row.point)
    if point is None or point.duty_contact is None:
        return None
    return NoticeContact(name=point.duty_contact.name, phone=point.duty_contact.phone)


def noticed(row: ClipRow | None) -> NoticeClip | None:
    """Return what receivers are told of a clip, None while nobody knows what becomes of it."""
    if row is None or row.state == "pending":
        return None
    return NoticeClip.model_validate(
        {
            "id": row.id,
            "state": row.state,
            "begins_at": row.begins_at,
            "ends_at": row.ends_at,
            "gaps": row.gaps,
            "missing": "; ".join(_missing(row)),
            "frames": row.frames,
            "size_bytes": row.size_bytes,
            "sha256": row.sha256,
            "path": f"/api/clips/{row.id}.mp4" if row.state == "kept" else "",
        }
    )


def _missing(row: ClipRow) -> Iterator[str]:
    if row.reason:
        yield _WHY[row.reason]
    for gap in row.gaps if row.state == "kept" else ():
        yield f"no picture from {gap['since']} to {gap['until']}"
