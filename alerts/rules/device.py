"""``kind: device``: a camera without a picture, unseen, or with another one; a broken sensor or speaker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import Field, TypeAdapter, model_validator

from alerts.rules.base import About, Member, RuleSettings, Sighting
from alerts.sensors import Fault, fault, unknown_sensors
from lianfang.config import Config as Root
from lianfang.config import Id, Problem, Sensor
from lianfang.config.sharing import heard_at
from lianfang.events import CameraCondition, CameraState, Observation, Reading, SpeakerState

OfCamera = Literal[
    "offline",
    "degraded",
    "blind",
    "noisy",
    "camera_covered",
    "camera_turned",
    "camera_frozen",
    "camera_wrong_clock",
]
OfSpeaker = Literal["speaker_silent", "speaker_faulty"]
Condition = OfCamera | Fault | OfSpeaker
_OF_SPEAKERS: frozenset[str] = frozenset(get_args(OfSpeaker))
_OF_VIEWS = {"camera_covered", "camera_turned", "camera_frozen"}
_NOISY_FOR = timedelta(minutes=10)  # since it was said last
_BY_STREAM: frozenset[str] = frozenset({"offline", "blind"})
_TRACKS = "device"  # stands for a tracker's epoch: a condition has the same number whoever restarts
_WHOLE = (0.0, 0.0, 1.0, 1.0)


class Config(RuleSettings):
    """A camera, sensor or speaker has a fault. Its point is the place: several faults there are one."""

    kind: Literal["device"]
    cameras: tuple[Id, ...] = ()
    """Cameras that it is about."""
    sensors: tuple[Id, ...] = ()
    """Sensors that it is about."""
    speakers: tuple[Id, ...] = ()
    """Speakers that it is about. One stands at the point of the first zone that names it."""
    conditions: Annotated[tuple[Condition, ...], Field(min_length=1)] = (
        "offline",
        "blind",
        "noisy",
        "sensor_silent",
        "sensor_implausible",
        "speaker_silent",
        "speaker_faulty",
    )
    """A camera's stream is lost, or gives fewer or worse pictures than it should; no detector looks at it; it
    raises too many alarms (see ``noisy_after``); it is covered, turned or frozen, as its ``health`` says; or
    its clock is off. A sensor says nothing any more; or what it cannot measure. A speaker does not answer; or
    it says that it would not be heard."""
    join_s: float = Field(default=600, ge=0, le=3600)
    """A fault that comes again within this time joins the incident: a loose plug is one."""
    cleared_after: int = Field(default=1, ge=1, le=100)
    """So many signs in a row that all is well, from every device of the incident, say that it is over."""

    @model_validator(mode="after")
    def _some_device(self) -> Self:
        if not self.sources:
            raise ValueError("'cameras', 'sensors' or 'speakers', or several of them")
        return self

    @property
    def sources(self) -> tuple[str, ...]:
        """The cameras, the sensors and the speakers."""
        return *self.cameras, *self.sensors, *self.speakers

    @property
    def about(self) -> About:
        """A device."""
        return "device"

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield devices that there are none of, and a speech that nobody would hear."""
        yield from super().check(config)
        yield from unknown_sensors(self.sensors, config)
        yield from self._unheard(config)
        yield from self._unwatched(config)
        if self.speech is not None:
            yield Problem(("speech",), "a text", "nothing: a device's fault is nobody's in front of it")

    def _unwatched(self, config: Root) -> Iterable[Problem]:
        """Yield faults of the view that a camera is not watched for."""
        for camera_id in (c for c in self.cameras if c in config.cameras):
            watched = {f"camera_{fault}" for fault in config.cameras[camera_id].health.watch}
            for j, condition in enumerate(self.conditions):
                if condition in _OF_VIEWS - watched:
                    allowed = f"one that health.watch of camera {camera_id} names"
                    yield Problem(("conditions", j), repr(condition), allowed)

    def _unheard(self, config: Root) -> Iterable[Problem]:
        """Yield speakers that there are none of, that no zone names, or with the id of another source."""
        known = config.receivers_of("speaker")
        for i, speaker in enumerate(self.speakers):
            if speaker not in known:
                allowed = ", ".join(known) or "nothing: no speaker is configured"
                yield Problem(("speakers", i), repr(speaker), f"one of {allowed}")
            elif speaker in config.cameras or speaker in config.sensors:
                yield Problem(
                    ("speakers", i), repr(speaker), "a speaker that no camera or sensor is called as"
                )
            elif heard_at(config, speaker) is None:
                yield Problem(("speakers", i), repr(speaker), "a speaker that the zone of a camera names")


@dataclass(frozen=True)
class Faults:
    """What is wrong with a camera, sensor or speaker now; of ``offline`` and ``blind`` at most one.

    ``noisy_at`` is when a camera was called noisy last; ``shows_wrong`` says that the time in its picture is
    off.
    """

    conditions: frozenset[str] = frozenset()
    noisy_at: datetime | None = None
    shows_wrong: bool = False


@dataclass(frozen=True)
class Device:
    """The rule for the devices of its stanza."""

    config: Config
    sensors: Mapping[str, Sensor]
    lasting: ClassVar[TypeAdapter[Faults]] = TypeAdapter(Faults)

    def initial(self) -> Faults:
        """Return the state in which all is well."""
        return Faults()

    def renumbered(self, state: Faults) -> Faults:
        """Return the same state: a fault is no matter of tracks."""
        return state

    def concerns(self, state: Faults, observation: Observation) -> bool:
        """Say whether the camera was not looked at before, is too noisy perhaps, or shows its clock."""
        if observation.clock is not None:
            return True
        return state.noisy_at is not None or not state.conditions.isdisjoint(_BY_STREAM)

    def step(self, state: Faults, observation: Observation) -> tuple[Faults, Sighting]:
        """Take note that somebody looks, and of the time in the picture."""
        faults = replace(state, conditions=state.conditions - _BY_STREAM)
        if observation.clock is not None:
            faults = replace(faults, shows_wrong=observation.clock.off)
        return self._seen(faults, observation.camera_id, observation.captured_at)

    def step_state(self, state: Faults, event: CameraState | SpeakerState) -> tuple[Faults, Sighting]:
        """Take note of what a camera says that it is worth, or how a speaker is.

        A stream that is back is still looked at by nobody until an observation says so.
        """
        if isinstance(event, SpeakerState):
            wrong = frozenset({f"speaker_{event.condition}"} & _OF_SPEAKERS)
            return self._seen(replace(state, conditions=wrong), event.speaker_id, event.captured_at)
        if event.condition is CameraCondition.NOISY:
            return self._seen(replace(state, noisy_at=event.captured_at), event.camera_id, event.captured_at)
        lost = state.conditions & _BY_STREAM
        others = {f"camera_{fault}" for fault in event.faults}
        if event.condition is CameraCondition.OFFLINE:
            lost = frozenset({"offline"})
        elif event.condition is CameraCondition.BLIND:
            lost, others = lost & {"offline"} or frozenset({"blind"}), {*(state.conditions - lost)}
        else:
            lost = frozenset({"blind"} if lost else ())
            others |= {event.condition} & {CameraCondition.DEGRADED}
        return self._seen(replace(state, conditions=lost | others), event.camera_id, event.captured_at)

    def step_reading(self, state: Faults, reading: Reading) -> tuple[Faults, Sighting | None]:
        """Take note of what a reading says is wrong with its sensor, perhaps nothing."""
        del state
        wrong = fault(self.sensors[reading.sensor_id], reading)
        return self._seen(Faults(frozenset({wrong} if wrong else ())), reading.sensor_id, reading.at)

    def _seen(self, faults: Faults, device: str, at: datetime) -> tuple[Faults, Sighting]:
        if faults.noisy_at is not None and at - faults.noisy_at >= _NOISY_FOR:
            faults = replace(faults, noisy_at=None)
        now = faults.conditions | ({"noisy"} if faults.noisy_at is not None else set())
        now |= {"camera_wrong_clock"} if faults.shows_wrong else set()
        wanted = {c: f"{_TRACKS}:{c}" for c in self.config.conditions}
        members = tuple(
            Member(track_id=track, label=condition, confidence=1.0, xyxyn=_WHOLE, zone="")
            for condition, track in wanted.items()
            if condition in now
        )
        return faults, Sighting(
            camera=device,
            captured_at=at,
            track_epoch=_TRACKS,
            members=members,
            present=(),
            elsewhere=frozenset(wanted.values()) - {m.track_id for m in members if m.track_id},
        )


def build(config: Config, root: Root) -> Device:
    """Return the rule."""
    return Device(config, {s: root.sensors[s] for s in config.sensors})
