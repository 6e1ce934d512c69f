"""What speakers say and who has recorded it: one recording of a text in a language, in place of the voice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import delete

from alerts.rules.base import RuleSettings
from alerts.store import Store
from alerts.store.recordings import RecordingRow, recording_id
from alerts.store.upsert import insert_into
from alerts.voice import foreign, sound
from lianfang.clock import Clock
from lianfang.config import Config, Spoken


@dataclass(frozen=True, slots=True)
class Line:
    """A text that a rule says in a language. ``varies``: it holds fields, so that nobody can record it."""

    rule: str
    language: Spoken
    text: str

    @property
    def id(self) -> str:
        """The id of its recording."""
        return recording_id(self.language, self.text)

    @property
    def varies(self) -> bool:
        """Whether it is another text each time."""
        return "{" in self.text


def lines(config: Config) -> Iterator[Line]:
    """Yield what the rules say, in every language that somebody asks for, each once a rule."""
    for rule_id, rule in config.rules.items():
        if not isinstance(rule, RuleSettings) or rule.speech is None:
            continue
        asked = rule.speech.languages or config.spoken_languages() or (config.community.language,)
        said = dict.fromkeys(text.spoken(language) for text in rule.speech.texts for language in asked)
        for language, text in said:
            yield Line(rule_id, language, text)


def keep(store: Store, config: Config, clock: Clock, line_id: str, actor: str, data: bytes) -> None:
    """Keep ``data``, a file of sound, as the recording of what is said.

    LookupError if no rule says that, or in other words each time; ValueError if it is no such file.
    """
    line = next((line for line in lines(config) if line.id == line_id and not line.varies), None)
    if line is None:
        raise LookupError("no rule says it, always in the same words")
    samples = foreign.decoded(data)
    if sound.loudness_db(samples) == float("-inf"):
        raise ValueError("found nothing that can be heard; allowed: sound")
    wav = sound.wav(samples)
    values = {
        "language": line.language,
        "text": line.text,
        "sha256": hashlib.sha256(wav).hexdigest(),
        "seconds": len(samples) / sound.RATE,
        "by": actor,
        "at": clock.now(),
        "sound": wav,
    }
    with store.write() as session:
        insert = insert_into(session.get_bind().dialect.name, RecordingRow).values(id=line.id, **values)
        session.execute(insert.on_conflict_do_update(index_elements=["id"], set_=values))


def take_back(store: Store, line_id: str) -> None:
    """Let the voice, or the file that the rule names, speak again; LookupError if nobody had recorded it."""
    with store.write() as session:
        if session.get(RecordingRow, line_id) is None:
            raise LookupError("no recording of it")
        session.execute(delete(RecordingRow).where(RecordingRow.id == line_id))
