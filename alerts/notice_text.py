"""A notice in words, for receivers that people read: templates, and the words that stand in them."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, StringConstraints

from alerts.notice_settings import ZoneName
from alerts.payload import Notice
from lianfang.config import Stanza
from lianfang.config.community import Language

FIELDS = ("title", "community", "point", "zone", "camera", "people", "change", "severity", "time", "number")
_MODES: Mapping[Language, Mapping[str, str]] = {
    "zh": {"live": "", "task": "", "test": "【测试】", "drill": "【演练】", "backfill": "【补报】"},
    "en": {"live": "", "task": "", "test": "[TEST] ", "drill": "[DRILL] ", "backfill": "[LATE REPORT] "},
}
_SEVERITIES: Mapping[Language, Mapping[str, str]] = {
    "zh": {"low": "提示", "medium": "一般", "high": "重要", "critical": "紧急"},
    "en": {"low": "low", "medium": "medium", "high": "high", "critical": "critical"},
}
CHANGES: Mapping[Language, Mapping[str, str]] = {
    "zh": {
        "opened": "发现",
        "raised": "人数增加",
        "escalated": "喊话无效",
        "unseen": "画面中断",
        "seen": "画面恢复，人还在",
        "returned": "又有人",
        "heard": "仍在现场",
        "cleared": "已离开",
        "confirmed": "已确认",
        "assigned": "已指派",
        "unassigned": "已取消指派",
        "dispatched": "已派人",
        "handled": "已处置",
        "reopened": "重新处置",
        "rung": "无人受理，呼叫",
        "forwarded": "超时升级",
        "false_alarm": "误报，已撤销",
        "permitted": "已许可，已撤销",
        "closed": "已结案",
        "ended": "已结束",
        "clip": "录像",
    },
    "en": {
        "opened": "Found",
        "raised": "More people",
        "escalated": "Speaking has not helped",
        "unseen": "Picture lost",
        "seen": "Picture back, still there",
        "returned": "Somebody again",
        "heard": "Still there",
        "cleared": "Left",
        "confirmed": "Confirmed",
        "assigned": "Assigned",
        "unassigned": "No longer assigned",
        "dispatched": "Somebody is on the way",
        "handled": "Dealt with",
        "reopened": "Reopened",
        "rung": "Unanswered, calling",
        "forwarded": "Overdue, passed on",
        "false_alarm": "False alarm, withdrawn",
        "permitted": "Permitted, withdrawn",
        "closed": "Closed",
        "ended": "Over",
        "clip": "Clip",
    },
}
"""What each change is called, by language."""


def _template(value: str) -> str:
    allowed = f"a text with {', '.join(f'{{{name}}}' for name in FIELDS)} only"
    try:
        parts = list(string.Formatter().parse(value))
    except ValueError as error:
        raise ValueError(allowed) from error
    if any(name is not None and (name not in FIELDS or form or how) for _, name, form, how in parts):
        raise ValueError(allowed)
    return value


Template = Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(_template)]
"""A text in which the names of ``FIELDS`` stand in braces."""


class Worded(Stanza):
    """What the stanza of a receiver has that people read."""

    language: Language = "zh"
    """What {change} and {severity} are written in, and the usual text; names are as they are given."""
    timezone: ZoneName = "Asia/Shanghai"
    """Time zone of {time}."""

    def written(self, template: str, notice: Notice) -> str:
        """Return what ``template`` says of ``notice``; what nobody is to go out for says so first."""
        at = notice.updated_at.astimezone(ZoneInfo(self.timezone))
        return _MODES[self.language][notice.mode] + template.format(
            title=notice.title,
            community=notice.community,
            point=notice.place.point_name,
            zone=notice.place.zone_name,
            camera=notice.place.camera_name,
            people=notice.people,
            change=f"{CHANGES[self.language].get(notice.change, notice.change)} {notice.called}".strip(),
            severity=_SEVERITIES[self.language].get(notice.severity, notice.severity),
            time=f"{at:%m-%d %H:%M:%S}",
            number=notice.number[:8],
        )
