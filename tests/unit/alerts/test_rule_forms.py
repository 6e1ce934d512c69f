"""The forms of rules and what rules say of themselves: every kind, every key, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.forms.fields import Field, Form, forms
from alerts.forms.kinds import KINDS
from alerts.forms.summary import summary
from alerts.rules.base import RuleSettings
from lianfang import plugins
from lianfang.config import Config, Text
from tests.support.configs import loaded

HAN = re.compile(r"[\u4e00-\u9fff]")
SENSOR: dict[str, Any] = {"name": "水位计", "point": "bank", "kind": "water_level", "unit": "m"}
ENTRY: dict[str, Any] = {"name": "试", "cameras": ["cam"], "zones": ["water"]}


def all_fields(fields: list[Field]) -> Iterator[Field]:
    for field in fields:
        yield field
        yield from all_fields(field.fields)


@pytest.mark.parametrize("form", forms(), ids=lambda form: form.kind)
def test_every_key_has_a_name_and_an_explanation_in_both_languages(form: Form) -> None:
    for words in (form.label, form.help, *(w for f in all_fields(form.fields) for w in (f.label, f.help))):
        assert HAN.search(words.zh), words
        assert words.en, words
        assert not HAN.search(re.sub("[（(][^)）]*[)）]", "", words.en)), words
    for field in all_fields(form.fields):
        for option in field.options:
            assert HAN.search(option.label.zh), f"{field.key}: {option.value}"
        if field.shape == "number":
            assert field.default is not None or field.nullable or field.required, field.key


def test_a_form_says_what_the_stanza_allows() -> None:
    (form,) = (form for form in forms() if form.kind == "crowd")
    fields = {field.key: field for field in form.fields}
    people = fields["at_least"]
    assert (people.shape, people.whole, people.minimum, people.maximum) == ("number", True, 2, 1000)
    assert (people.default, people.label.zh, people.section) == (10, "人数", "what")
    assert (fields["for_s"].unit, fields["zones"].pick) == (fields["join_s"].unit, "zones")
    speech = {field.key: field for field in fields["speech"].fields}
    assert (fields["speech"].nullable, speech["text"].required, speech["valid_s"].above) == (True, True, True)
    assert [o.value for o in fields["severity"].options] == ["low", "medium", "high", "critical"]
    assert {form.kind for form in forms()} == set(plugins.kinds("alerts.rules")) == KINDS.keys()


SAID: list[tuple[dict[str, Any], str, str]] = [
    (
        {"kind": "zone_entry", "frames": 4, "inhibited_by": ["entry"]},
        "人在一号的“水边”连续4张画面，开一起事件（严重）。同一地点已有有人进入时不再打扰。",
        (
            "Somebody in “水边” of 一号 in 4 pictures in a row opens an incident (high). "
            "Muted while there is 有人进入 at the place."
        ),
    ),
    (
        {
            "kind": "loitering",
            "dwell_s": 120,
            "severity": "low",
            "active": {"windows": [{"begin": "sunset-00:30", "end": "07:00", "days": ["sat", "day_off"]}]},
        },
        "同一个人在一号的“水边”停留2分钟，开一起事件（提示）。时段：周六、休息日的日落前00:30至07:00。",
        (
            "Somebody who stays 2 min in “水边” of 一号 opens an incident (low). "
            "Only Sat, days off 00:30 before sunset to 07:00."
        ),
    ),
    (
        {"kind": "crowd", "at_least": 30, "life_safety": True},
        (
            "一号的“水边”聚集30人以上持续5秒（降到24人算散开），开一起事件（严重）。"
            "人命攸关：免打扰和报备都拦不住它。"
        ),
        (
            "30 people or more in “水边” of 一号 for 5 s (over at 24) opens an incident (high). "
            "Life safety: quiet hours and permits do not hold it back."
        ),
    ),
    (
        {"kind": "line_crossing", "zones": ..., "lines": ["fence"], "direction": "to_left", "enabled": False},
        "现已停用。人越过一号的界线“fence”（向左），开一起事件（严重）。",
        "It is off. Somebody who crosses the line “fence” of 一号 (to the left) opens an incident (high).",
    ),
    (
        {"kind": "arrival_reminder", "speech": {"text": {"zh": "请分类", "en": "Please sort"}, "times": 1}},
        "人来到一号的“水边”，记为一起事件，不提醒值班员。喇叭播报“请分类”一次，30秒后人还在则转人工。",
        (
            "Somebody who comes to “水边” of 一号 is recorded, and alarms no operator. "
            "The speakers say “Please sort” once; people are needed if somebody is still there after 30 s."
        ),
    ),
    (
        {"kind": "left_object", "labels": ["person"], "having": {}},
        "有东西留在一号的“水边”而主人已走开，开一起事件（严重）。没人处理则自动结案。",
        (
            "Something left in “水边” of 一号 whose owner is gone opens an incident (high). "
            "It closes itself where nobody has dealt with it."
        ),
    ),
    (
        {
            "kind": "reading",
            "cameras": ...,
            "zones": ...,
            "sensors": ["gauge"],
            "at_least": 3.2,
            "for_s": 60,
            "notify": [{"receiver": "police"}, {"receiver": "police", "mode": "drill", "since": "escalated"}],
        },
        (
            "水位计的读数达到 3.2 m 持续60秒，开一起事件（严重）。人工确认后通知police。"
            "播报无效后，以演练方式通知police。"
        ),
        (
            "A reading of 水位计 of 3.2 m or more for 60 s opens an incident (high). "
            "Police is told after a person has confirmed. "
            "Once speaking has not helped, police is told as a drill."
        ),
    ),
    (
        {
            "kind": "access",
            "cameras": ...,
            "zones": ...,
            "sensors": ["gauge"],
            "report": "any",
            "refused": True,
        },
        "在水位计出示所有的卡或车牌，且没有开门，开一起事件（严重）。",
        "A card or plate (all) shown at 水位计 and is not let in opens an incident (high).",
    ),
    (
        {"kind": "warning", "cameras": ..., "zones": ..., "sensors": ["gauge"], "at_least": 2},
        "水位计发来2级以上的预警，开一起事件（严重）。",
        "A warning of level 2 or higher from 水位计 opens an incident (high).",
    ),
    (
        {"kind": "device", "zones": ..., "cameras": ["cam", "cam2"], "conditions": ["offline", "blind"]},
        "一号、二号出现故障（离线、无人查看画面），开一起事件（严重）。",
        "A fault of 一号, 二号 (offline, nothing looks at it) opens an incident (high).",
    ),
    (
        {"kind": "late", "zones": ...},
        "断网期间的告警补到后，安静30秒即合并告知，开一起事件（提示）。",
        "What came late after an outage, told together once it was quiet for 30 s, opens an incident (low).",
    ),
]


@pytest.mark.parametrize(("stanza", "zh", "en"), SAID, ids=[stanza["kind"] for stanza, _, _ in SAID])
def test_what_a_rule_says_of_itself(tmp_path: Path, stanza: dict[str, Any], zh: str, en: str) -> None:
    rule = {key: value for key, value in {**ENTRY, **stanza}.items() if value is not ...}
    said = summary(*tried(tmp_path, rule))
    assert (said.zh, said.en) == (zh, en)


def tried(folder: Path, rule: dict[str, Any]) -> tuple[RuleSettings, Config]:
    fence = {"fence": {"start": [0.1, 0.5], "end": [0.9, 0.5], "zone": "water"}}
    sensors = {"gauge": SENSOR}
    config = loaded(
        folder,
        ("rules.tried", rule),
        ("cameras.cam.lines", fence),
        ("sensors", sensors),
        ("points.bank.longitude", 113.3),
        ("points.bank.latitude", 23.1),
    )
    found = config.rules["tried"]
    assert isinstance(found, RuleSettings)
    return found, config


def test_a_rule_of_a_kind_of_somebody_elses_is_told_by_its_name(tmp_path: Path) -> None:
    config = loaded(tmp_path)
    rule = RuleSettings(name=Text(zh="烟花", en="Fireworks"), cameras=("cam",))
    told = summary(rule, config)
    assert told.zh.startswith("“烟花”所指的情况，开一起事件")
    assert told.en.startswith("What “Fireworks” looks for opens an incident")


@pytest.mark.parametrize(
    ("changes", "zh"),
    [
        ({"report": "unlisted"}, "不在名单上的车牌出现在一号的“水边”"),
        ({"report": "listed"}, "名单上的车牌出现在一号的“水边”"),
        ({"report": "unread", "list": ..., "unread_s": 20}, "20秒仍读不出车牌的车出现在一号的“水边”"),
        ({"report": "overstay", "stay_s": 7200}, "停留超过2小时的车出现在一号的“水边”"),
    ],
)
def test_plates_and_helmets(tmp_path: Path, changes: dict[str, Any], zh: str) -> None:
    (tmp_path / "list.csv").write_text("plate,from,until\n粤T12345,,\n", encoding="utf-8")
    rule = {**ENTRY, "kind": "plate", "labels": ["person"], "list": "list.csv", **changes}
    plates = (
        ("detectors.plates", {"kind": "plate", "without_vehicle": True}),
        ("cameras.cam.detectors", ["objects", "plates"]),
    )
    seen = ["person", "bicycle", "motorcycle", "boat"]
    helmets = (
        ("detectors.objects.labels", seen),
        ("detectors.helmet", {"kind": "helmet"}),
        ("cameras.cam2.detectors", ["objects", "helmet"]),
    )
    school = {**ENTRY, "kind": "helmet", "cameras": ["cam2"], "labels": ["person"]}
    school["rush"] = {"windows": [{"begin": "07:10", "end": "07:50", "days": ["workday"]}]}
    config = loaded(
        tmp_path,
        *plates,
        *helmets,
        ("rules.tried", {key: value for key, value in rule.items() if value is not ...}),
        ("rules.school", school),
    )
    plate, helmet = config.rules["tried"], config.rules["school"]
    assert isinstance(plate, RuleSettings)
    assert isinstance(helmet, RuleSettings)
    assert summary(plate, config).zh == f"{zh}，开一起事件（严重）。"
    assert summary(helmet, config).zh == (
        "骑行的人在二号的“water”没有戴头盔，记为一起事件，不提醒值班员。工作日的07:10至07:50合并统计。"
    )
