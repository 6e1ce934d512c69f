"""What each speaker is told to say: languages, loudness, urgency."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.payload import Speech
from alerts.pipeline.speeches import Said, priority, speech_for
from alerts.rules.base import RuleSettings
from alerts.store.schema import IncidentRow
from alerts.voice import sound
from lianfang.config import Config, Text
from lianfang.errors import ConfigError
from tests.support.configs import changed, loaded
from tests.support.observations import START
from tests.support.voice import tone

TEXT = Text(zh="请离开{place}", yue="请即刻离开{place}", en="Leave {place}")
NIGHT = START + timedelta(hours=10)  # midnight in Shanghai


def incident(**changed: Any) -> IncidentRow:  # noqa: ANN401
    keys = {"id": "1", "rule": "entry", "point": "bank", "camera": "cam", "zone": "water", "subject": ""}
    return IncidentRow(**keys | {"people": 2} | changed)


def told(
    config: Config, text: Text = TEXT, row: IncidentRow | None = None, at: datetime = START, volume: int = 100
) -> Speech:
    rule = config.rules["entry"]
    assert isinstance(rule, RuleSettings)
    said = Said("id", text, volume, 2, 60, at + timedelta(seconds=30))
    return speech_for(config, rule, row or incident(), "horn", said, at)


def uttered(speech: Speech) -> list[tuple[str, str]]:
    return [(speech.language, speech.text), *((u.language, u.text) for u in speech.also)]


@pytest.mark.parametrize(
    ("community", "rule", "speaker", "spoken"),
    [
        ([], [], [], ["zh"]),
        (["zh", "yue"], [], [], ["zh", "yue"]),
        (["zh", "yue"], [], ["yue"], ["yue"]),
        (["zh", "yue"], ["en"], ["yue"], ["en"]),
        (["yue", "yue", "zh"], [], [], ["yue", "zh"]),
    ],
)
def test_the_nearest_word_on_languages_holds(
    tmp_path: Path, community: list[str], rule: list[str], speaker: list[str], spoken: list[str]
) -> None:
    config = loaded(
        tmp_path,
        ("community.languages", community),
        ("rules.entry.speech", {"text": {"zh": "离开", "en": "Leave"}, "languages": rule}),
        ("receivers.horn.languages", speaker),
    )
    words = {"zh": "请离开东岸水边", "yue": "请即刻离开东岸水边", "en": "Leave 东岸水边"}
    assert uttered(told(config)) == [(language, words[language]) for language in spoken]


def test_a_cantonese_voice_reads_chinese_and_nobody_says_a_text_twice(tmp_path: Path) -> None:
    config = loaded(tmp_path, ("community.languages", ["zh", "yue"]))
    assert uttered(told(config, Text(zh="离开"))) == [("zh", "离开"), ("yue", "离开")]
    english = loaded(tmp_path, ("community.language", "en"))
    assert uttered(told(english, Text(zh="离开"))) == [("zh", "离开")], "no English voice over Chinese"


def test_a_text_without_the_english_that_is_asked_for_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rules.entry.speech.text: found no 'en' beside '请离开"):
        loaded(tmp_path, ("receivers.horn.languages", ["zh", "en"]))


def test_the_end_of_a_plate_is_said_and_how_many_there_are(tmp_path: Path) -> None:
    rule = {
        "kind": "plate",
        "name": "车辆",
        "cameras": ["cam"],
        "zones": ["water"],
        "labels": ["plate"],
        "report": "unlisted",
        "list": "none.csv",
        "speech": {"text": "尾号{plate_tail}的车，请驶离"},
    }
    (tmp_path / "none.csv").write_text("plate,from,until\n", encoding="utf-8")
    changes = (("detectors.objects", {"kind": "plate", "without_vehicle": True}), ("rules.entry", rule))
    config = loaded(tmp_path, *changes)
    row = incident(subject="粤T12345")
    assert told(config, Text(zh="尾号{plate_tail}的车"), row).text == "尾号3 4 5的车"
    people = loaded(tmp_path)
    assert told(people, Text(zh="{count}在水里")).text == "两个人在水里"


def test_only_a_rule_about_plates_may_name_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rules.entry.speech: found {plate_tail}"):
        loaded(tmp_path, ("rules.entry.speech.text", "{plate_tail}"))


@pytest.mark.parametrize(
    ("speaker", "at", "loudest"),
    [
        ({}, START, 100),
        ({"max_volume_pct": 80}, START, 80),
        ({"quieter": [{"windows": [{"begin": "13:00", "end": "15:00"}], "max_volume_pct": 50}]}, START, 50),
        ({"quieter": [{"windows": [{"begin": "15:00", "end": "16:00"}], "max_volume_pct": 50}]}, START, 100),
        ({}, NIGHT, 60),  # nobody has measured: homes are near
        ({"homes_m": 99}, NIGHT, 60),
        ({"homes_m": 100}, NIGHT, 100),
        ({"homes_m": 100, "night_volume_pct": 30}, NIGHT, 30),
        ({"night_volume_pct": 80}, NIGHT, 80),
        ({"night_volume_pct": 80, "max_volume_pct": 70}, NIGHT, 70),
    ],
)
def test_never_louder_than_the_speaker_may_be(
    tmp_path: Path, speaker: dict[str, Any], at: datetime, loudest: int
) -> None:
    horn = changed()["receivers"]["horn"] | speaker
    config = loaded(tmp_path, ("receivers.horn", horn))
    assert told(config, at=at).volume_pct == loudest
    assert told(config, at=at, volume=20).volume_pct == 20


def test_lives_come_first_then_severity_then_who_asks(tmp_path: Path) -> None:
    def of(*changes: tuple[str, Any]) -> RuleSettings:
        rule = loaded(tmp_path, *changes).rules["entry"]
        assert isinstance(rule, RuleSettings)
        return rule

    low, critical = of(("rules.entry.severity", "low")), of(("rules.entry.severity", "critical"))
    life = of(("rules.entry.severity", "low"), ("rules.entry.life_safety", True))
    ranks = [priority(rule, by_person=person) for rule in (low, critical, life) for person in (False, True)]
    assert ranks == sorted(set(ranks))
    assert max(ranks) <= 100


def test_a_recording_belongs_to_its_text_and_language(tmp_path: Path) -> None:
    for name in ("zh.wav", "en.wav"):
        (tmp_path / name).write_bytes(sound.wav(tone(1)))
    text = {"zh": "离开", "yue": "走开", "en": "Leave"}
    speech = {"text": text, "clips": {"zh": "zh.wav", "en": "en.wav"}}
    config = loaded(tmp_path, ("community.languages", ["zh", "yue", "en"]), ("rules.entry.speech", speech))
    said = told(config, Text(**text))
    clips = [said.clip, *(utterance.clip for utterance in said.also)]
    assert clips == [str(tmp_path / "zh.wav"), "", str(tmp_path / "en.wav")]
    assert told(config, Text(zh="快离开")).clip == "", "other words are not those that were recorded"
