"""What a rule does, in words: a few plain sentences in both languages, made of its settings. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from alerts.forms import hours, kinds
from alerts.forms.naming import duration, listed, rules_of, upper
from alerts.forms.words import Phrase, glossary
from alerts.rules.base import RuleSettings
from lianfang.config import Config


def summary(rule: RuleSettings, config: Config) -> Phrase:
    """Return what ``rule`` does, a few sentences; ``config`` has the names."""
    said = list(_sentences(rule, config))
    return Phrase(zh="".join(s.zh for s in said), en=" ".join(s.en for s in said))


def _sentences(rule: RuleSettings, config: Config) -> Iterator[Phrase]:
    if not rule.enabled:
        yield Phrase(zh="现已停用。", en="It is off.")
    what = kinds.what(rule, config)
    level = glossary().value("severity", rule.severity)
    if rule.record_only:
        yield Phrase(
            zh=f"{what.zh}，记为一起事件，不提醒值班员。",
            en=f"{what.en} is recorded, and alarms no operator.",
        )
    else:
        yield Phrase(
            zh=f"{what.zh}，开一起事件（{level.zh}）。", en=f"{what.en} opens an incident ({level.en})."
        )
    if rule.active is not None:
        when = hours.in_words(rule.active)
        yield Phrase(zh=f"时段：{when.zh}。", en=f"Only {when.en}.")
    if getattr(rule, "rush", None) is not None:
        when = hours.in_words(rule.rush)  # type: ignore[attr-defined]
        yield Phrase(zh=f"{when.zh}合并统计。", en=f"Counted together {when.en}.")
    yield from _speech(rule)
    yield from _notices(rule, config)
    if rule.life_safety:
        yield Phrase(
            zh="人命攸关：免打扰和报备都拦不住它。",
            en="Life safety: quiet hours and permits do not hold it back.",
        )
    if rule.inhibited_by:
        others = listed(rules_of(rule.inhibited_by, config))
        yield Phrase(
            zh=f"同一地点已有{others.zh}时不再打扰。", en=f"Muted while there is {others.en} at the place."
        )
    if rule.closes_itself:
        yield Phrase(zh="没人处理则自动结案。", en="It closes itself where nobody has dealt with it.")


def _speech(rule: RuleSettings) -> Iterator[Phrase]:
    speech = rule.speech
    if speech is None:
        return
    text = Phrase(zh=speech.text.zh, en=speech.text.in_language("en"))
    again = duration(speech.again_s)
    first = Phrase(zh=f"喇叭播报“{text.zh}”", en=f"The speakers say “{text.en}”")
    if speech.times > 1:
        yield Phrase(
            zh=f"{first.zh}，人还在则每隔{again.zh}再播，共{speech.times}次，之后转人工。",
            en=f"{first.en}, again every {again.en} while somebody is there, {speech.times} times in all; "
            "then people are needed.",
        )
    else:
        yield Phrase(
            zh=f"{first.zh}一次，{again.zh}后人还在则转人工。",
            en=f"{first.en} once; people are needed if somebody is still there after {again.en}.",
        )
    if speech.active is not None:
        when = hours.in_words(speech.active)
        yield Phrase(zh=f"播报时段：{when.zh}。", en=f"It is said only {when.en}.")


def _notices(rule: RuleSettings, config: Config) -> Iterator[Phrase]:
    for notice in rule.notify:
        name = getattr(config.receivers.get(notice.receiver), "name", None)
        zh = name.zh if name else notice.receiver
        en = name.in_language("en") if name else notice.receiver
        late = notice.since == "escalated"
        after = Phrase(zh="播报无效后，" if late else "", en="Once speaking has not helped, " if late else "")
        if notice.mode == "live":
            yield Phrase(
                zh=f"{after.zh}人工确认后通知{zh}。",
                en=upper(f"{after.en}{en} is told after a person has confirmed."),
            )
        else:
            mode = glossary().value("mode", notice.mode)
            yield Phrase(
                zh=f"{after.zh}以{mode.zh}方式通知{zh}。",
                en=upper(f"{after.en}{en} is told as a {mode.en}."),
            )
