"""What the speakers of a place say for a rule: texts, their languages, how loud, how often."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import Field, field_validator

from lianfang.config import Config, Problem, Spoken, Stanza, Text
from lianfang.config.schedule import Schedule

FIELDS = ("place", "point", "zone", "people", "count", "plate_tail")


class SpeechSettings(Stanza):
    """What the nearest speaker says when an incident opens."""

    text: Text
    """May hold {place}, {point}, {zone}, {people} (2), {count} (两个人) and {plate_tail} (its last three)."""
    clips: dict[Spoken, Path] = Field(default_factory=dict)
    """Recordings of `text` by language, for speakers that play sound only; a voice speaks where none is."""
    languages: tuple[Spoken, ...] = ()
    """What each text is said in, one after the other; the speaker's, else the community's if not given."""
    volume_pct: int = Field(default=70, ge=0, le=100)
    """Loudness, 0-100; each driver converts it to its device's scale, and each speaker has its bounds."""
    repeat: int = Field(default=2, ge=1, le=10)
    """How often the text is said in a row."""
    max_s: int = Field(default=60, ge=1, le=600)
    """Seconds after which the speaker breaks off by itself, even if nobody can reach it any more."""
    times: int = Field(default=2, ge=1, le=100)
    """How often it is said to somebody who stays; then the incident escalates to people."""
    again_s: float = Field(default=30, ge=1, le=3600)
    """Seconds after which whoever is still there is spoken to again, or people are told."""
    then: tuple[Text, ...] = ()
    """Other texts for the second time, the third and so on; the last one stays."""
    thanks: Text | None = None
    """Said once when the place is clear after it was spoken to; nothing where not given."""
    louder_pct: int = Field(default=10, ge=0, le=100)
    """How much louder it becomes each time, up to 100."""
    active: Schedule | None = None
    """When it is said; always where not given. At other times the rule goes on, silently."""
    valid_s: float = Field(default=30, gt=0, le=600)
    """A command that could not be played within this time is never played."""

    @field_validator("text", "then", "thanks")
    @classmethod
    def _known_fields(cls, value: Text | tuple[Text, ...] | None) -> Text | tuple[Text, ...] | None:
        texts = (value,) if isinstance(value, Text) else value or ()
        for template in (template for text in texts for template in (text.zh, text.yue, text.en)):
            try:
                template.format(**dict.fromkeys(FIELDS, ""))
            except (KeyError, IndexError, ValueError, AttributeError) as error:
                named = [f"{{{field}}}" for field in FIELDS]
                allowed = f"a text whose only {{fields}} are {', '.join(named[:-1])} and {named[-1]}"
                raise ValueError(allowed) from error
        return value

    @property
    def texts(self) -> tuple[Text, ...]:
        """Everything that may be said."""
        return self.text, *self.then, *((self.thanks,) if self.thanks else ())

    def said(self, n: int) -> Text:
        """Return the text of the ``n``-th broadcast, from 1 on."""
        texts = (self.text, *self.then)
        return texts[min(n, len(texts)) - 1]

    def loudness_pct(self, n: int) -> int:
        """Return the loudness of the ``n``-th broadcast, 0-100."""
        return min(100, self.volume_pct + self.louder_pct * (n - 1))

    def uses(self, field: str) -> bool:
        """Say whether any text holds ``{field}``."""
        templates = (t for text in self.texts for t in (text.zh, text.yue, text.en))
        return any(f"{{{field}}}" in template for template in templates)

    def _unplayable(self) -> Iterable[Problem]:
        if not self.clips:
            return
        from alerts.voice.sound import read  # noqa: PLC0415 - FFmpeg, for the few who have recordings

        for language, file in self.clips.items():
            try:
                read(file)
            except ValueError as error:
                yield Problem(("clips", language), f"{file}: {error}", "a file of sound, 120 s at most")

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield recordings that cannot be played, and texts without the English that somebody asked for.

        A Cantonese voice reads the Chinese.
        """
        yield from self._unplayable()
        if "en" not in (self.languages or config.spoken_languages()):
            return
        for text in self.texts:
            if not text.en:
                yield Problem(("text",), f"no 'en' beside {text.zh!r}", "a text in each of the languages")
