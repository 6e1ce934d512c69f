"""What the API says of speakers, and hears of what they are to say."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from alerts.api.answer import Answer
from alerts.api.models import Named, NamedInBoth
from alerts.api.settings_models import Stanza
from alerts.calls import Kind
from alerts.channels.base import Microphone
from alerts.voice.microphone import RATES

GroupId = Annotated[str, StringConstraints(max_length=80)]


class SpeechLine(Answer):
    """One speech at a speaker: what, for whom, and what has become of it.

    ``incident`` or ``call`` is what it is about, the other one "". ``by_name`` is the person who wanted it
    said, "" for the system. ``said_at``: when it ended, null while it waits or is said.
    """

    id: str
    kind: Literal["rule", "words", "tone", "voice"]
    text: str
    incident: str
    call: str
    by_name: str
    priority: int
    volume_pct: int
    since: AwareDatetime
    state: str
    outcome: str
    detail: str
    stopping: bool
    said_at: AwareDatetime | None


class SpeakerHour(Answer):
    """One hour of today: how loud it may be at most, 0-100, and whether only what saves lives is said."""

    loudest_pct: int
    quiet: bool


class SpeakerView(Answer):
    """A speaker: how it is, what it says, what waits, and what it may say when.

    ``condition`` is ``unknown`` where nobody has asked yet. ``plays``: whether it speaks text, plays sound,
    or only one sound that it has stored. ``microphone``: whether a voice is heard there live, afterwards, or
    not at all. ``settings`` is its hours and bounds as a stanza; ``changed``: it is not as in the file.
    """

    id: str
    name: NamedInBoth
    kind: str
    places: list[Named]
    condition: Literal["unknown", "ready", "silent", "faulty", "emergency"]
    since: AwareDatetime | None
    heard_at: AwareDatetime | None
    detail: str
    disabled_at: AwareDatetime | None
    maintained_until: AwareDatetime | None
    plays: Literal["text", "sound", "stored"]
    microphone: Microphone
    now: SpeechLine | None
    waiting: list[SpeechLine]
    last: SpeechLine | None
    hours: list[SpeakerHour]
    quiet: bool
    loudest_pct: int
    said_hour: int
    said_day: int
    settings: Stanza
    changed: bool


class SpeakerGroup(Answer):
    """Speakers that are spoken to together: ``all``, of a grid cell (``cell:…``) or a point (``point:…``)."""

    id: str
    name: str
    speakers: list[str]


class SpeakersState(Answer):
    """Every speaker, and their groups. ``hour`` is the hour of the day now, where the community is."""

    hour: int
    speakers: list[SpeakerView]
    groups: list[SpeakerGroup]


class Where(BaseModel):
    """Which speakers say it."""

    model_config = ConfigDict(extra="forbid")

    speakers: Annotated[list[str], Field(max_length=500)] = []
    """Which speakers; none where ``group`` says it."""
    group: GroupId = ""
    """Id of a group."""
    confirmed: bool = False
    """Needed where it is more than one speaker."""
    volume_pct: Annotated[int | None, Field(ge=0, le=100)] = None
    """How loud, within what each may be at this hour."""


class MakeCall(Where):
    """Say ``text``, or let a test tone be heard."""

    kind: Literal[Kind.WORDS, Kind.TONE] = Kind.WORDS
    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""


class BeginVoice(Where):
    """Speak oneself. ``rate`` is how many samples a second will come: 16 bits, one channel."""

    rate: Annotated[int, Field(ge=RATES[0], le=RATES[1])]


class CallAnswer(Answer):
    """What became of a call at one speaker; ``speech`` is null where nothing was owed to it."""

    speaker: NamedInBoth
    speech: SpeechLine | None


class CallView(Answer):
    """Something that a person said: who, when, what, where, and what each speaker answered."""

    id: str
    kind: Kind
    author: str
    author_name: str
    at: AwareDatetime
    text: str
    group: str
    seconds: float
    stopped_by_name: str
    answers: list[CallAnswer]


class VoiceBegun(Answer):
    """Send sound to it now: at most ``most_s`` seconds. Who hears it live, who afterwards, who not at all."""

    id: str
    most_s: float
    live: list[str]
    afterwards: list[str]
    not_heard: list[str]


class VoiceHeard(Answer):
    """How long the voice is so far."""

    seconds: float


class Silenced(Answer):
    """How many speeches were broken off or dropped."""

    speeches: int
