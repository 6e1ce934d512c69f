"""The words of a broadcast as one speaker says them: its languages, its loudness, how urgent it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.channels.base import SpeakerConfig
from alerts.incidents.incident import Incident
from alerts.payload import MAX_SPEECH_CHARACTERS, Speech, Utterance
from alerts.rules.base import RuleSettings
from alerts.speech import SpeechSettings
from alerts.store.schema import IncidentRow
from alerts.store.suppressions import LIFE
from alerts.wording import counted, plate_tail
from lianfang.config import Config, Spoken, Text
from lianfang.config.escalation import Severity
from lianfang.ids import identify

_URGENCY: dict[Severity, int] = {"low": 20, "medium": 40, "high": 60, "critical": 80}
_PERSON = 5  # what a person says comes before what the system says of the same urgency


@dataclass(frozen=True, slots=True)
class Said:
    """One broadcast, before it is known which speaker says it. ``by_person``: an operator asked for it."""

    id: str
    text: Text
    volume_pct: int
    repeat: int
    max_s: int
    valid_until: datetime
    by_person: bool = False


def speech_id(incident_id: str, n: int) -> str:
    """Return the id of the ``n``-th broadcast about an incident, the same whoever says it."""
    return identify("speech", incident_id, str(n))


def nth(speech: SpeechSettings, incident_id: str, n: int, at: datetime) -> Said:
    """Return the ``n``-th broadcast about an incident, for what was seen at ``at``."""
    return Said(
        id=speech_id(incident_id, n),
        text=speech.said(n),
        volume_pct=speech.loudness_pct(n),
        repeat=speech.repeat,
        max_s=speech.max_s,
        valid_until=at + timedelta(seconds=speech.valid_s),
    )


def speech_for(
    config: Config, rule: RuleSettings, row: Incident | IncidentRow, speaker: str, said: Said, at: datetime
) -> Speech:
    """Return the command that makes ``speaker`` say ``said`` about the incident ``row`` at ``at``."""
    settings = config.receivers[speaker]
    almanac = config.almanac(row.camera)
    loudest = settings.loudest_pct(at, almanac) if isinstance(settings, SpeakerConfig) else 100
    first, *also = _utterances(config, rule, row, speaker, said.text)
    return Speech(
        id=said.id,
        text=first.text,
        language=first.language,
        clip=first.clip,
        also=tuple(also),
        volume_pct=min(said.volume_pct, loudest),
        repeat=said.repeat,
        priority=priority(rule, by_person=said.by_person),
        max_s=said.max_s,
        valid_until=said.valid_until,
    )


def priority(rule: RuleSettings, *, by_person: bool) -> int:
    """Return how urgent a broadcast is, 0-100: lives first, then severity, then whether a person asks."""
    return (LIFE if rule.life_safety else _URGENCY[rule.severity]) + (_PERSON if by_person else 0)


def _utterances(
    config: Config, rule: RuleSettings, row: Incident | IncidentRow, speaker: str, text: Text
) -> list[Utterance]:
    """Return the text in every language that is asked for and that it has, each once."""
    asked = (
        (rule.speech.languages if rule.speech else ())
        or getattr(config.receivers[speaker], "languages", ())
        or config.community.languages
        or (config.community.language,)
    )
    spoken = dict.fromkeys(text.spoken(language) for language in asked)
    recorded = rule.speech.clips if rule.speech and text == rule.speech.text else {}
    return [
        Utterance(language=lang, text=_filled(config, rule, row, lang, t), clip=str(recorded.get(lang, "")))
        for lang, t in spoken
    ]


def _filled(
    config: Config, rule: RuleSettings, row: Incident | IncidentRow, language: Spoken, template: str
) -> str:
    point = config.points[row.point].name
    camera = config.cameras.get(row.camera)  # none for a sensor
    zone = camera.zones[row.zone].name if camera else ""  # perhaps none: the point says enough then
    text = template.format(
        place=f"{point}{zone}",
        point=point,
        zone=zone or point,
        people=row.people,
        count=counted(row.people, language, people=rule.about == "people"),
        plate_tail=plate_tail(row.subject) if rule.names_plates else "",
    )
    return text[:MAX_SPEECH_CHARACTERS]  # long names: rather cut short than not said
