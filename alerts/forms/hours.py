"""Schedules in words. Pure."""

from __future__ import annotations

from datetime import date

from alerts.forms.words import Phrase
from lianfang.calendar import WEEKDAYS
from lianfang.config.schedule import Schedule, Window

_DAYS = {
    "mon": ("周一", "Mon"),
    "tue": ("周二", "Tue"),
    "wed": ("周三", "Wed"),
    "thu": ("周四", "Thu"),
    "fri": ("周五", "Fri"),
    "sat": ("周六", "Sat"),
    "sun": ("周日", "Sun"),
    "workday": ("工作日", "workdays"),
    "day_off": ("休息日", "days off"),
    "holiday": ("节假日", "holidays"),
    "school_day": ("上学日", "school days"),
    "school_term": ("学期内", "days of school terms"),
    "no_school": ("停课日", "days without school"),
}


def day(kind: str) -> Phrase:
    """Return what a weekday or a kind of day is called; itself where it is a word of the site's own."""
    zh, en = _DAYS.get(kind, (kind, kind))
    return Phrase(zh=zh, en=en)


def in_words(schedule: Schedule) -> Phrase:
    """Return when a schedule applies."""
    windows = [_window(window) for window in schedule.windows]
    zh, en = "；".join(w.zh for w in windows), "; ".join(w.en for w in windows)
    if schedule.outside:
        return Phrase(zh=f"除{zh}以外的时间", en=f"at all times but {en}")
    return Phrase(zh=zh, en=en)


def _window(window: Window) -> Phrase:
    if window.days == WEEKDAYS:
        days = Phrase(zh="每天", en="every day")
    else:
        named = [day(kind) for kind in window.days]
        days = Phrase(zh="、".join(n.zh for n in named) + "的", en=", ".join(n.en for n in named))
    whole = (window.begin, window.end) == ("00:00", "24:00")
    begin, end = _moment(window.begin), _moment(window.end)
    hours = (
        Phrase(zh="全天", en="all day")
        if whole
        else Phrase(zh=f"{begin.zh}至{end.zh}", en=f"{begin.en} to {end.en}")
    )
    season = _season(window)
    return Phrase(zh=f"{season.zh}{days.zh}{hours.zh}", en=f"{season.en}{days.en} {hours.en}")


def _moment(moment: str) -> Phrase:
    if moment[0].isdigit():
        return Phrase(zh=moment, en=moment)
    sun, offset = (moment[:7], moment[7:]) if moment.startswith("sunrise") else (moment[:6], moment[6:])
    zh = {"sunrise": "日出", "sunset": "日落"}[sun]
    if not offset:
        return Phrase(zh=zh, en=sun)
    before = offset[0] == "-"
    return Phrase(
        zh=f"{zh}{'前' if before else '后'}{offset[1:]}",
        en=f"{offset[1:]} {'before' if before else 'after'} {sun}",
    )


def _season(window: Window) -> Phrase:
    if window.first is None or window.last is None:
        return Phrase(zh="", en="")
    if isinstance(window.first, date):
        return Phrase(zh=f"{window.first}至{window.last}，", en=f"from {window.first} to {window.last}, ")
    return Phrase(
        zh=f"每年{window.first}至{window.last}，", en=f"each year from {window.first} to {window.last}, "
    )
