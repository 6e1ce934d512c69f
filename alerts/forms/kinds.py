"""What opens an incident, in words, for each kind of rule. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from alerts.forms.naming import cameras_of, duration, listed, sources_of, upper, whom, zones_of
from alerts.forms.words import Phrase, glossary
from alerts.rules.base import RuleSettings
from lianfang.config import Config

Kind = Callable[[Any, Config], Phrase]


def _zone_entry(rule: Any, config: Config) -> Phrase:  # noqa: ANN401 - the Config of the kind
    who, where = whom(rule), zones_of(rule, config)
    return Phrase(
        zh=f"{who.zh}在{where.zh}连续{rule.frames}张画面",
        en=upper(f"{who.en} in {where.en} in {rule.frames} pictures in a row"),
    )


def _arrival(rule: Any, config: Config) -> Phrase:  # noqa: ANN401
    who, where = whom(rule), zones_of(rule, config)
    return Phrase(zh=f"{who.zh}来到{where.zh}", en=upper(f"{who.en} who comes to {where.en}"))


def _loitering(rule: Any, config: Config) -> Phrase:  # noqa: ANN401
    who, where, stay = whom(rule), zones_of(rule, config), duration(rule.dwell_s)
    return Phrase(
        zh=f"同一个{who.zh}在{where.zh}停留{stay.zh}",
        en=upper(f"{who.en} who stays {stay.en} in {where.en}"),
    )


def _crowd(rule: Any, config: Config) -> Phrase:  # noqa: ANN401
    where, lasting = zones_of(rule, config), duration(rule.for_s)
    return Phrase(
        zh=f"{where.zh}聚集{rule.at_least}人以上持续{lasting.zh}（降到{rule.over_at}人算散开）",
        en=f"{rule.at_least} people or more in {where.en} for {lasting.en} (over at {rule.over_at})",
    )


def _helmet(rule: Any, config: Config) -> Phrase:  # noqa: ANN401
    where = zones_of(rule, config)
    return Phrase(zh=f"骑行的人在{where.zh}没有戴头盔", en=f"A rider without a helmet in {where.en}")


def _left_object(rule: Any, config: Config) -> Phrase:  # noqa: ANN401
    where = zones_of(rule, config)
    return Phrase(
        zh=f"有东西留在{where.zh}而主人已走开", en=f"Something left in {where.en} whose owner is gone"
    )


def _line_crossing(rule: Any, config: Config) -> Phrase:  # noqa: ANN401
    who, lines = whom(rule), "、".join(rule.lines)
    cameras, way = cameras_of(rule.cameras, config), glossary().value("direction", rule.direction)
    return Phrase(
        zh=f"{who.zh}越过{cameras.zh}的界线“{lines}”（{way.zh}）",
        en=upper(f"{who.en} who crosses the line “{lines}” of {cameras.en} ({way.en})"),
    )


def _plate(rule: Any, config: Config) -> Phrase:  # noqa: ANN401
    where = zones_of(rule, config)
    stay, unread = duration(rule.stay_s), duration(rule.unread_s)
    means = {
        "listed": ("名单上的车牌", "A listed plate"),
        "unlisted": ("不在名单上的车牌", "A plate that is not on the list"),
        "unread": (f"{unread.zh}仍读不出车牌的车", f"A vehicle whose plate cannot be read for {unread.en}"),
        "overstay": (f"停留超过{stay.zh}的车", f"A vehicle that stays longer than {stay.en}"),
    }
    zh, en = means[rule.report]
    if rule.dispositions:
        zh, en = f"{zh}或布控车牌", f"{en}, or one that the police look for,"
    return Phrase(zh=f"{zh}出现在{where.zh}", en=f"{en} in {where.en}")


def _reading(rule: Any, config: Config) -> Phrase:  # noqa: ANN401
    sensors, lasting = listed(sources_of(rule.sensors, config)), duration(rule.for_s)
    unit = next((config.sensors[s].unit for s in rule.sensors if s in config.sensors), "")
    low = rule.at_least is None
    bound = f"{rule.at_most if low else rule.at_least:g}{f' {unit}' if unit else ''}"
    zh = f"{sensors.zh}的读数{'降到' if low else '达到'} {bound}"
    en = f"A reading of {sensors.en} of {bound} or {'less' if low else 'more'}"
    if rule.for_s:
        zh, en = f"{zh} 持续{lasting.zh}", f"{en} for {lasting.en}"
    return Phrase(zh=zh, en=en)


def _access(rule: Any, config: Config) -> Phrase:  # noqa: ANN401
    sensors, what = listed(sources_of(rule.sensors, config)), glossary().value("report", rule.report)
    doors = {
        None: ("", ""),
        True: ("，且没有开门", " and is not let in"),
        False: ("，且开了门", " and is let in"),
    }
    zh, en = doors[rule.refused]
    return Phrase(
        zh=f"在{sensors.zh}出示{what.zh}卡或车牌{zh}",
        en=f"A card or plate ({what.en}) shown at {sensors.en}{en}",
    )


def _warning(rule: Any, config: Config) -> Phrase:  # noqa: ANN401
    sensors = listed(sources_of(rule.sensors, config))
    return Phrase(
        zh=f"{sensors.zh}发来{rule.at_least:g}级以上的预警",
        en=f"A warning of level {rule.at_least:g} or higher from {sensors.en}",
    )


def _device(rule: Any, config: Config) -> Phrase:  # noqa: ANN401
    devices = listed(sources_of(rule.sources, config))
    faults = [glossary().value("conditions", name) for name in rule.conditions]
    zh, en = "、".join(f.zh for f in faults), ", ".join(f.en for f in faults)
    return Phrase(zh=f"{devices.zh}出现故障（{zh}）", en=f"A fault of {devices.en} ({en})")


def _late(rule: Any, config: Config) -> Phrase:  # noqa: ANN401
    del config
    quiet = duration(rule.quiet_s)
    return Phrase(
        zh=f"断网期间的告警补到后，安静{quiet.zh}即合并告知",
        en=f"What came late after an outage, told together once it was quiet for {quiet.en},",
    )


def what(rule: RuleSettings, config: Config) -> Phrase:
    """Return what opens an incident by ``rule``; of a kind that somebody else has added, its name."""
    kind = KINDS.get(str(getattr(rule, "kind", "")))
    if kind is not None:
        return kind(rule, config)
    return Phrase(zh=f"“{rule.name.zh}”所指的情况", en=f"What “{rule.name.in_language('en')}” looks for")


KINDS: Mapping[str, Kind] = {
    "access": _access,
    "arrival_reminder": _arrival,
    "crowd": _crowd,
    "device": _device,
    "helmet": _helmet,
    "late": _late,
    "left_object": _left_object,
    "line_crossing": _line_crossing,
    "loitering": _loitering,
    "plate": _plate,
    "reading": _reading,
    "warning": _warning,
    "zone_entry": _zone_entry,
}
"""What opens an incident, by the kind of the rule; a test asks for every kind that there is."""
