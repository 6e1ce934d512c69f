"""What devices, things and times are called in a sentence. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from alerts.forms.words import Phrase
from alerts.rules.base import RuleSettings
from alerts.wording import source_name
from lianfang.config import Config

_NAMED = 3
"""So many names are said; of more only how many there are."""
_LABELS = {
    "person": ("人", "somebody"),
    "bicycle": ("自行车", "a bicycle"),
    "motorcycle": ("摩托车", "a motorcycle"),
    "car": ("轿车", "a car"),
    "bus": ("客车", "a bus"),
    "truck": ("货车", "a truck"),
    "plate": ("车牌", "a plate"),
    "boat": ("船", "a boat"),
    "dog": ("狗", "a dog"),
    "left_object": ("遗留物", "something left"),
    "vanished_in_water": ("水中消失的人", "somebody who vanished in the water"),
}


def label(name: str) -> Phrase:
    """Return what people call what a detector finds; its own name where that is not known."""
    zh, en = _LABELS.get(name, (name, name))
    return Phrase(zh=zh, en=en)


def duration(seconds: float) -> Phrase:
    """Return a time as people say it: 90 s, 2 min, 12 h."""
    for least, size, zh, en in ((3600, 3600, "小时", "h"), (120, 60, "分钟", "min")):
        if seconds >= least and seconds % size == 0:
            return Phrase(zh=f"{seconds / size:g}{zh}", en=f"{seconds / size:g} {en}")
    return Phrase(zh=f"{seconds:g}秒", en=f"{seconds:g} s")


def whom(rule: Any) -> Phrase:  # noqa: ANN401 - the Config of a rule about objects
    """Return what counts for a rule."""
    found = [label(name) for name in rule.labels]
    return Phrase(zh="或".join(w.zh for w in found), en=" or ".join(w.en for w in found))


def zones_of(rule: Any, config: Config) -> Phrase:  # noqa: ANN401 - the Config of a rule about zones
    """Return where a rule looks."""
    cameras = cameras_of(rule.sources, config)
    zones = dict.fromkeys(_zone_names(rule, config))
    every = rule.match == "all"
    zh, en = ("与" if every else "或").join(zones), (" and " if every else " or ").join(zones)
    return Phrase(zh=f"{cameras.zh}的“{zh}”", en=f"“{en}” of {cameras.en}")


def _zone_names(rule: Any, config: Config) -> Iterator[str]:  # noqa: ANN401
    for zone in rule.zones:
        drawn = [config.cameras[c].zones[zone] for c in rule.sources if zone in config.cameras[c].zones]
        yield next((one.name for one in drawn if one.name), zone)


def cameras_of(cameras: Iterable[str], config: Config) -> Phrase:
    """Return what some cameras are called."""
    return listed(sources_of(cameras, config), ("台摄像机", "cameras"))


def sources_of(sources: Iterable[str], config: Config) -> list[Phrase]:
    """Return what each camera, sensor or speaker is called."""
    names = (source_name(config, source) for source in sources)
    return [Phrase(zh=name, en=name) for name in names]


def rules_of(rules: Iterable[str], config: Config) -> list[Phrase]:
    """Return what each rule is called."""
    found = ((name, config.rules.get(name)) for name in rules)
    return [
        Phrase(zh=rule.name.zh, en=rule.name.in_language("en"))
        if isinstance(rule, RuleSettings)
        else Phrase(zh=name, en=name)
        for name, rule in found
    ]


def listed(names: list[Phrase], counted: tuple[str, str] = ("个设备", "devices")) -> Phrase:
    """Return the names one after the other; of many the first ones and how many there are."""
    zh, en = "、".join(n.zh for n in names[:_NAMED]), ", ".join(n.en for n in names[:_NAMED])
    if len(names) <= _NAMED:
        return Phrase(zh=zh, en=en)
    return Phrase(zh=f"{zh}等{len(names)}{counted[0]}", en=f"{en} and others ({len(names)} {counted[1]})")


def upper(text: str) -> str:
    """Return a sentence that begins with a capital."""
    return text[:1].upper() + text[1:]
