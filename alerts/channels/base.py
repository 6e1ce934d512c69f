"""What every channel is given and what it answers.

A channel makes one attempt. It returns the receiver's own word, or raises TransientError (the same attempt
may succeed later) or PermanentError (it never will); backoff, leases and records are the delivery's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import Field

from lianfang.almanac import Almanac
from lianfang.config import Config, Problem, Spoken, Stanza, Text
from lianfang.config.map import Position
from lianfang.config.schedule import Schedule, Window
from lianfang.errors import PermanentError, TransientError

Role = Literal["speaker", "notice"]
# A horn of 100 dB at 1 m is still 60 dB at 100 m, about as loud as talk: beyond that nobody is woken.
_NEAR_M = 100
_NIGHT_PCT = 60


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that goes along: JPEG bytes, and which kind it is (``original`` or ``annotated``).

    ``evidence`` is the id under which it is kept. ``box`` is what it is about, 0-1 of the picture (left, top,
    right, bottom), None where that is not known.
    """

    kind: Literal["original", "annotated"]
    jpeg: bytes
    sha256: str
    captured_at: datetime
    evidence: str
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing to tell one receiver. ``id`` is the same on every attempt.

    ``film`` gives the bytes of the clip, None where it is gone, for a message that may bring them along.
    ``payload`` is ``alerts.payload.Speech`` or ``Notice`` as plain JSON data.
    """

    id: str
    incident_id: str
    incident_version: int
    attempt: int
    payload: Mapping[str, Any]
    created_at: datetime
    valid_until: datetime | None = None
    pictures: tuple[Picture, ...] = ()
    film: Callable[[], bytes | None] | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the receiver answered: ``outcome`` in one word, ``detail`` in its own."""

    outcome: str
    detail: str = ""


class Channel(Protocol):
    """A way to one receiver."""

    async def send(self, delivery: Delivery) -> Receipt:
        """Make one attempt."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


@runtime_checkable
class Kept(Channel, Protocol):
    """A way that is kept open, also while there is nothing to tell."""

    async def keep(self) -> None:
        """Keep it open, whatever happens, until cancelled."""
        ...


Standing = Literal["none", "tried", "taken", "withdrawn"]
"""What the other messages about an incident have come to at a receiver.

``none`` was sent before; one was ``tried``, and nobody knows; one was ``taken``; a newer one has
``withdrawn`` them.
"""


class Site(Protocol):
    """What a way that is kept open may know of the installation. Thread-safe.

    All ask the store, so they are not called on an event loop, and raise TransientError while it is away.
    """

    def config(self) -> Config:
        """Return the configuration in force now."""
        ...

    def conditions(self) -> Mapping[str, str]:
        """Return by camera the ``lianfang.events.CameraCondition`` that its stream said last."""
        ...

    def standing(self, incident_id: str, version: int) -> Standing:
        """Return what the messages beside that of ``version`` have come to here."""
        ...

    def linked(self, since: datetime, until: datetime) -> None:
        """Write down that the receiver has kept us registered from ``since`` until now."""
        ...

    def compared(self, at: datetime, offset_s: float) -> None:
        """Write down by how many seconds its clock was ahead of ours."""
        ...


class EmergencyOnAir(TransientError):  # noqa: N818 - reads as the fact it states
    """The speaker plays somebody else's emergency programme, which nothing of ours interrupts."""


Outcome = Literal[
    "accepted",
    "playing",
    "finished",
    "refused",
    "bad_parameter",
    "pre_empted",
    "stopped",
    "error",
    "expired",
    "emergency",
]
"""What a speaker can say of a command."""
UNDER_WAY: frozenset[Outcome] = frozenset({"accepted", "playing"})
MAY_SUCCEED_LATER: frozenset[Outcome] = frozenset({"pre_empted", "error"})


def receipt(outcome: Outcome, detail: str) -> Receipt:
    """Return what a speaker's last word means for the delivery, or raise it: only ``finished`` is success."""
    if outcome == "finished":
        return Receipt(outcome, detail)
    message = f"the speaker says {outcome}: {detail}".removesuffix(": ")
    if outcome == "emergency":
        raise EmergencyOnAir(message)
    if outcome in MAY_SUCCEED_LATER:
        raise TransientError(message)
    raise PermanentError(message)


Condition = Literal["ready", "playing", "emergency", "faulty"]


@dataclass(frozen=True, slots=True)
class SpeakerStatus:
    """What a speaker says of itself. ``command`` is the id of what it plays, "" where that is not ours.

    ``emergency``: it plays, or is reserved for, a programme from outside that outranks us. ``faulty``: it
    answers, and would not be heard.
    """

    condition: Condition
    command: str = ""
    detail: str = ""


@runtime_checkable
class Speaker(Channel, Protocol):
    """A way to one speaker: ``send`` says a Speech and returns once it was said."""

    async def stop(self, command_id: str) -> Receipt:
        """Break off a command that is played or waits there, and return its last word once it is silent.

        ``stopped``, or how it had ended before. TransientError if the device has not confirmed it,
        PermanentError if it cannot be stopped.
        """
        ...

    async def status(self) -> SpeakerStatus:
        """Ask how it is; TransientError if it does not answer, PermanentError if it cannot say."""
        ...


class ChannelConfig(Stanza):
    """What the stanza of every receiver has: a subclass adds ``kind``."""

    role: ClassVar[Role]
    """``speaker`` receives Speech and may stand in a zone's list; ``notice`` receives Notices."""
    name: Text | None = None
    """As people call it; its id where not given."""
    timeout_s: float = 10
    """Seconds until one attempt counts as failed."""

    @property
    def plays_sound(self) -> bool:
        """Whether it needs speeches as sound: it is built with ``clips`` then."""
        return False

    @property
    def knows_the_site(self) -> bool:
        """Whether it tells of the installation itself: a service builds it with its ``site`` then."""
        return False


Microphone = Literal["live", "afterwards", "none"]
"""Whether a person's voice is heard at a speaker while it is spoken, once it has ended, or not at all."""


class Quieter(Schedule):
    """Hours in which a speaker is quieter than at others."""

    max_volume_pct: int = Field(ge=0, le=100)
    """Loudness that it does not exceed in these hours, 0-100."""


class SpeakerConfig(ChannelConfig):
    """What the stanza of every speaker has: when it is silent, how loud it is, how much it says at most."""

    role: ClassVar[Role] = "speaker"
    position: Position | None = None
    """Where it stands, for the map; the point of the first zone that names it where not given."""
    speaks_text: ClassVar[bool] = True
    """Whether the device speaks text itself."""
    languages: tuple[Spoken, ...] = ()
    """What is understood near it, in order; a rule's own come first, the community's where not given."""
    status_s: float = Field(default=30, ge=1, le=3600)
    """Seconds between two questions how it is; while it is in trouble it is asked five times as often."""
    quiet: Schedule = Schedule(windows=(Window(begin="22:00", end="07:00"),))
    """When people sleep near it: only what saves lives is said, and what an operator says."""
    per_hour: int = Field(default=12, ge=1, le=1000)
    """Speeches in any hour; beyond, only what saves lives is said, and once a minute at most."""
    per_day: int = Field(default=60, ge=1, le=10000)
    """Speeches in any day; beyond it the same."""
    per_night: int = Field(default=6, ge=1, le=1000)
    """Speeches in the quiet hours of any day; beyond it the same."""
    max_volume_pct: int = Field(default=100, ge=0, le=100)
    """Loudness that it never exceeds, whatever a rule asks for, 0-100."""
    quieter: tuple[Quieter, ...] = ()
    """Hours in which it is quieter, such as noon; of several the lowest bound holds."""
    homes_m: float | None = Field(default=None, ge=0, le=100_000)
    """Metres from it to the nearest home; it counts as near where nobody has measured."""
    night_volume_pct: int | None = Field(default=None, ge=0, le=100)
    """Bound of the loudness in its quiet hours; 60 nearer than 100 m to homes where not given, else none."""

    @property
    def microphone(self) -> Microphone:
        """How somebody's own voice is heard there."""
        return "afterwards" if self.plays_sound else "none"

    def loudest_pct(self, at: datetime, almanac: Almanac) -> int:
        """Return how loud it may be at ``at``, 0-100."""
        bounds = [self.max_volume_pct]
        bounds += [hours.max_volume_pct for hours in self.quieter if hours.applies(at, almanac)]
        if self.quiet.applies(at, almanac):
            near = self.homes_m is None or self.homes_m < _NEAR_M
            given = self.night_volume_pct
            bounds.append(given if given is not None else _NIGHT_PCT if near else 100)
        return min(bounds)

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield cameras in whose zones it stands and whose sun nobody knows, where its hours go by it."""
        yield from super().check(config)
        me = next((name for name, receiver in config.receivers.items() if receiver is self), "")
        near = [
            camera_id
            for camera_id, camera in config.cameras.items()
            if any(me in zone.speakers for zone in camera.zones.values())
        ]
        for problem in self.quiet.sunless(config, near):
            yield problem.under("quiet")
        for i, hours in enumerate(self.quieter):
            for problem in hours.sunless(config, near):
                yield problem.under("quieter", i)


class SoundSpeakerConfig(SpeakerConfig):
    """What the stanza of a speaker has that speaks no text: nothing more, but a voice is needed."""

    speaks_text: ClassVar[bool] = False

    @property
    def plays_sound(self) -> bool:
        """Always."""
        return True
