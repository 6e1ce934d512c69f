"""The message about an incident, as receivers get it."""

from __future__ import annotations

from alerts.incidents.model import ChangeKind
from alerts.payload import Notice, NoticeContact, NoticeMode, NoticePlace
from alerts.rules.base import RuleSettings
from alerts.store.schema import IncidentRow
from alerts.wording import source_name
from lianfang.config import Config


def notice(
    config: Config, rule: RuleSettings, row: IncidentRow, change: ChangeKind, mode: NoticeMode
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


def _contact(config: Config, row: IncidentRow) -> NoticeContact | None:
    point = config.points.get(row.point)
    if point is None or point.duty_contact is None:
        return None
    return NoticeContact(name=point.duty_contact.name, phone=point.duty_contact.phone)
