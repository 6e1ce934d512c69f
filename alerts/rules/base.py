"""What every rule shares: its settings, what it is given and what it says.

A rule is pure. It keeps what it needs per camera in a state value, sees only events in per-camera log
order and reads only their ``captured_at``, so that a replay equals live.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Protocol, TypeVar, runtime_checkable

from pydantic import Field, TypeAdapter

from alerts.dispositions import Dispositions
from alerts.speech import SpeechSettings
from lianfang.config import Config, Id, Problem, Stanza, Text
from lianfang.config.escalation import Severity
from lianfang.config.schedule import Schedule
from lianfang.events import XYXYN, CameraState, Observation, Reading, SpeakerState

About = Literal["people", "things", "device", "reading", "event"]


class NoticeSettings(Stanza):
    """Who is told about an incident, and how."""

    receiver: Id
    """A receiver of notices."""
    mode: Literal["live", "test", "drill"] = "live"
    """``live`` is sent only after a person has confirmed the incident; the others go out at once."""
    since: Literal["opened", "escalated"] = "opened"
    """``escalated``: it hears of the incident only once speaking to the place has not helped."""
    updates: bool = True
    """False: it hears of an incident once, and of nothing that becomes of it."""


class RuleSettings(Stanza):
    """The stanza of every rule; a subclass adds ``kind`` and its own keys."""

    name: Text
    """Title of its incidents."""
    enabled: bool = True
    """False: it decides nothing."""
    cameras: Annotated[tuple[Id, ...], Field(min_length=1)]
    """Cameras that it looks at."""
    zones: tuple[Id, ...] = ()
    """Zones of those cameras that the rule is about."""
    active: Schedule | None = None
    """When it raises anything; always where not given. At other times it keeps what is open, and no more."""
    severity: Severity = "high"
    """How urgent its incidents are to the operator."""
    life_safety: bool = False
    """True: a person may drown. Quiet hours, a speaker's share and permits do not hold it back."""
    speech: SpeechSettings | None = None
    """What the speakers of the zone say; nothing where not given."""
    notify: tuple[NoticeSettings, ...] = ()
    """Who gets a message."""
    join_s: float = Field(default=120, ge=0, le=3600)
    """An incident stays open this long after its place was last occupied: a return joins it."""
    cleared_after: int = Field(default=3, ge=1, le=100)
    """So many fresh observations in a row without a member, from every camera that saw one, say cleared."""

    noisy_after: int = Field(default=6, ge=1, le=1000)
    """Alarms of one camera in 10 minutes after which further ones are only recorded, until it is quieter."""
    trial_days: int | None = Field(default=None, ge=0, le=90)
    """Days in trial on a camera that is new to it; the community's if not given, 0 for none."""
    inhibited_by: tuple[Id, ...] = ()
    """Rules that say more: while an incident of one is open at the place or its point, this one is muted."""
    within_s: float = Field(default=5, gt=0, le=60)
    """So long people and receivers wait for an incident of ``inhibited_by``; speakers do not."""
    record_only: bool = False
    """True: its incidents are counted and spoken to, and alarm no operator."""
    clip: bool = True
    """False: of its incidents a picture is kept, and no film (``community.clip``)."""
    closes_itself: bool = False
    """True: where nobody has dealt with an incident, it is closed once the joining time is over."""

    @property
    def needs_stillness(self) -> bool:
        """Whether it goes by who does not move: pictures of a still scene are then no waste."""
        return self.life_safety

    @property
    def sources(self) -> tuple[str, ...]:
        """The cameras, and for some rules the sensors and speakers, whose events it hears."""
        return self.cameras

    @property
    def counts_jointly(self) -> bool:
        """Whether it has one state for all its sources, and not one for each: they share a key of the log."""
        return False

    @property
    def momentary(self) -> bool:
        """Whether what it is about is over as soon as it was: nothing says that it has left."""
        return False

    @property
    def memory_s(self) -> float:
        """For how long what was seen matters to it: after a start, so much is read again."""
        return 60

    @property
    def saves_lives_aloud(self) -> bool:
        """Whether it says something that may save a life, for which nothing is waited."""
        return self.life_safety and self.speech is not None

    @property
    def pictured(self) -> bool:
        """Whether the picture in which an incident opens shows what it is about."""
        return True

    @property
    def about(self) -> About:
        """What its incidents are about: it chooses the words that people read."""
        return "people"

    @property
    def names_plates(self) -> bool:
        """Whether the subject of its incidents is a plate."""
        return False

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield references that lead nowhere."""
        if self.speech is not None and self.speech.uses("plate_tail") and not self.names_plates:
            yield Problem(("speech",), "{plate_tail}", "texts without it: this rule knows no plates")
        for i, camera in enumerate(self.cameras):
            if camera not in config.cameras:
                yield Problem(("cameras", i), repr(camera), f"one of {', '.join(sorted(config.cameras))}")
        notices = sorted(k for k, r in config.receivers.items() if getattr(r, "role", "") == "notice")
        for i, notice in enumerate(self.notify):
            if notice.receiver not in notices:
                allowed = (
                    f"one of {', '.join(notices)}" if notices else "nothing: no such receiver is configured"
                )
                yield Problem(("notify", i, "receiver"), repr(notice.receiver), allowed)
        yield from self._uninhibited(config)
        for key, schedule in (("active", self.active), ("speech", self.speech and self.speech.active)):
            for problem in schedule.sunless(config, self.sources) if schedule else ():
                yield problem.under(key, *(["active"] if key == "speech" else []))

    def _uninhibited(self, config: Config) -> Iterable[Problem]:
        """Yield what cannot hold this rule back, or must not."""
        mine = [name for name, rule in config.rules.items() if rule is self]
        here = {config.point_of(source) for source in self.sources if config.has(source)}
        if self.inhibited_by and self.life_safety:
            yield Problem(("inhibited_by",), "life_safety", "no rule: what may save a life is always heard")
        for i, other_id in enumerate(self.inhibited_by):
            other = config.rules.get(other_id)
            if not isinstance(other, RuleSettings):
                allowed = f"one of {', '.join(sorted(config.rules.keys() - set(mine))) or 'none'}"
                yield Problem(("inhibited_by", i), repr(other_id), allowed)
            elif other is self or any(r in _above(config, other_id) for r in mine):
                yield Problem(("inhibited_by", i), repr(other_id), "a rule that does not wait for this one")
            elif not here & {config.point_of(s) for s in other.sources if config.has(s)}:
                yield Problem(("inhibited_by", i), repr(other_id), "a rule that looks at the same point")


def _above(config: Config, rule_id: str) -> set[str]:
    """Return the rules that hold a rule back, by way of others too."""
    found: set[str] = set()
    left = [rule_id]
    while left:
        rule = config.rules.get(left.pop())
        new = set(rule.inhibited_by) - found if isinstance(rule, RuleSettings) else set()
        found |= new
        left += new
    return found


EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Member:
    """One object that fulfils a rule now; without a ``track_id`` it is not yet confirmed by the tracker.

    ``subject`` is what tells incidents at one place apart, such as a plate. With ``review`` it is a guess: a
    person must look before anybody else hears of it.
    """

    track_id: str | None
    label: str
    confidence: float
    xyxyn: XYXYN
    zone: str
    subject: str = ""
    review: bool = False


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a rule makes of one observation of one camera: who fulfils it, perhaps nobody.

    ``present`` are those who may be there but are not sure yet (not enough frames, or the tracker lost the
    number): enough to keep an incident occupied, too little to open one. ``elsewhere`` are the tracks that
    are seen, but not there: whoever they belonged to has left, and is not merely lost from sight. ``since``
    is when the unbroken look at this camera began that the observation belongs to, and ``blinded`` says that
    the camera does not show its scene, so that nobody is missed in it; rules leave both open.
    ``camera`` may be a sensor, too. ``figures`` are numbers that people want to see beside the incident of a
    subject, by name, such as a water level: as they are now, and not what is new since the last sighting.
    """

    camera: str
    captured_at: datetime
    track_epoch: str
    members: tuple[Member, ...]
    present: tuple[Member, ...]
    elsewhere: frozenset[str] = frozenset()
    since: datetime = EVER
    blinded: bool = False
    figures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nobody fulfils the rule, nor may do."""
        return not (self.members or self.present)


S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)


@runtime_checkable
class Rule(Protocol[S]):
    """A rule for one camera at a time; the state of one knows nothing of another.

    One that counts jointly has the same state for all of them.
    """

    def initial(self) -> S:
        """Return the state before the first observation of a camera."""
        ...

    def renumbered(self, state: S) -> S:
        """Return the state for another tracker, whose numbers mean other people."""
        ...

    def concerns(self, state: S, observation: Observation) -> bool:
        """Say whether ``step`` may see anybody or change the state; asked first, because most do not."""
        ...

    def step(self, state: S, observation: Observation) -> tuple[S, Sighting]:
        """Return the next state and what is to be seen; the same input gives the same output."""
        ...


@runtime_checkable
class DeviceRule(Rule[S], Protocol[S]):
    """A rule about devices themselves: it hears how they are, and its place is their point."""

    def step_state(self, state: S, event: CameraState | SpeakerState) -> tuple[S, Sighting]:
        """Return the next state and what is to be seen after what was said of a camera or a speaker."""
        ...


@runtime_checkable
class SensorRule(Protocol[S]):
    """A rule about sensors, one at a time; its place is their point."""

    def initial(self) -> S:
        """Return the state before the first reading of a sensor."""
        ...

    def step_reading(self, state: S, reading: Reading) -> tuple[S, Sighting | None]:
        """Return the next state and what is to be seen after a reading; None where that is as before."""
        ...


@runtime_checkable
class LastingRule(Protocol):
    """A rule whose states matter for longer than the log is read back: they are kept with the offset."""

    @property
    def lasting(self) -> TypeAdapter[Any]:
        """How a state is written down; one that cannot be read any more begins anew."""
        ...


@runtime_checkable
class OrderedRule(Protocol):
    """A rule that also goes by what the police look for, which changes while it runs."""

    def under(self, dispositions: Dispositions) -> Rule[Any]:
        """Return the rule as it is under ``dispositions``."""
        ...


@runtime_checkable
class CountingRule(Protocol[S_contra]):
    """A rule that can say how far somebody is from counting."""

    def progress(self, state: S_contra, track_id: str) -> str:
        """Return it in words, such as "2 of 3 pictures"; "" for whom it has not begun to count."""
        ...
