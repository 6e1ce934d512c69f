"""Commands to a speaker as its simulator takes them: strictly what docs/protocols/speaker_http.md says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Word = Literal[
    "finished", "refused", "bad_parameter", "pre_empted", "stopped", "error", "expired", "emergency"
]
# These may be tried again under the same id; of every other command the first word stands.
AGAIN = frozenset({"refused", "bad_parameter", "pre_empted", "error", "expired", "emergency"})
UNDER_WAY = frozenset({"accepted", "playing"})


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Utterance(_Body):
    """A text in one language."""

    text: Annotated[str, Field(min_length=1, max_length=500)]
    language: Literal["zh", "yue", "en"]


class Command(Utterance):
    """The body of ``POST /v1/say``."""

    id: Annotated[str, Field(min_length=1, max_length=64)]
    also: Annotated[tuple[Utterance, ...], Field(max_length=4)]
    volume_pct: Annotated[int, Field(ge=0, le=100)]
    repeat: Annotated[int, Field(ge=1, le=10)]
    priority: Annotated[int, Field(ge=0, le=100)]
    max_s: Annotated[int, Field(ge=1, le=600)]
    valid_until: AwareDatetime
    sent_at: AwareDatetime

    @property
    def texts(self) -> tuple[str, ...]:
        """What is heard, in order."""
        return self.text, *(utterance.text for utterance in self.also)


@dataclass
class Spoken:
    """A command that was taken: its last word, how often it was really played, and when it last began.

    ``ended_by`` is set to the word that something else ends it with.
    """

    command: Command
    outcome: str = "accepted"
    detail: str = ""
    plays: int = 0
    began_at: datetime | None = None
    ended_by: asyncio.Future[Word] = field(default_factory=asyncio.Future)

    def end(self, word: Word) -> None:
        """Let it end with ``word``, or never begin."""
        if not self.ended_by.done():
            self.ended_by.set_result(word)
