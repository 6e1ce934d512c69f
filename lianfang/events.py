"""What travels on the bus. Coordinates are 0-1 of the picture; times are aware UTC.

``captured_at`` is host time and strictly increasing per camera: every rule, deadline and order is built on
it. The camera's own clock is ``camera_time``: shown, never used.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

FRAMES = "frames.v1"
OBSERVATIONS = "observations.v1"
READINGS = "readings.v1"
DEAD_LETTER = "dead-letter.v1"
SETTINGS = "settings.v1"

Encoding = Literal["jpeg", "bgr24"]
Unit = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
XYXYN = tuple[Unit, Unit, Unit, Unit]


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of one camera.

    ``epoch`` names the connection, ``seq`` counts from 0 within it. ``pixels`` is a JPEG, or for ``bgr24``
    height × width × 3 bytes. ``published_at`` is when ingest handed it to the bus.
    """

    camera_id: str
    epoch: str
    seq: int
    captured_at: datetime
    published_at: datetime
    width: int
    height: int
    encoding: Encoding
    pixels: bytes
    camera_time: datetime | None = None


class _Event(BaseModel):
    """Fields that a newer writer added are kept, so that a relay never strips them."""

    model_config = ConfigDict(frozen=True, extra="allow")


class FrameReference(_Event):
    """Where a frame lies on the bus, and which one it must be."""

    topic: str
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    camera_id: str
    epoch: str
    seq: int = Field(ge=0)


class DetectedObject(_Event):
    """One object of one frame. ``xyxyn`` is (x_min, y_min, x_max, y_max).

    ``track_id`` is ``{track epoch}:{n}``, None while the track is unconfirmed.
    """

    track_id: str | None
    label: str
    confidence: Unit
    xyxyn: XYXYN
    attributes: dict[str, Any] = Field(default_factory=dict)


ClockSource = Literal["rtcp", "onvif", "osd"]
"""What a camera's clock was read from: its stream's sender reports, its ONVIF service, its picture."""


class CameraClock(_Event):
    """By how many seconds the clock of a camera was ahead of the host's at a time, below 0 behind.

    ``off`` says that this is a fault of the camera. ``trusted`` is False where the host's own clock was not
    known to be right: where the two differ, nobody knows which of them is wrong.
    """

    offset_s: Annotated[float, Field(allow_inf_nan=False)]
    source: ClockSource
    at: AwareDatetime
    trusted: bool = True
    off: bool = False


class Observation(_Event):
    """What was seen in one frame; with no objects it is the fact that nothing was.

    ``clock`` is what was read of the camera's clock in the picture, None in most.
    """

    camera_id: str
    track_epoch: str
    frame: FrameReference
    captured_at: AwareDatetime
    published_at: AwareDatetime
    detected_at: AwareDatetime
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    objects: tuple[DetectedObject, ...] = ()
    models: tuple[str, ...] = ()
    clock: CameraClock | None = None

    @property
    def source(self) -> str:
        """The camera: whom a rule hears."""
        return self.camera_id


class CameraCondition(StrEnum):
    """What a camera's stream is worth right now."""

    ONLINE = "online"
    DEGRADED = "degraded"  # pictures come, but fewer or worse ones than were asked for
    OFFLINE = "offline"
    BLIND = "blind"  # no detector has looked at it for a while, whatever the stream is worth
    NOISY = "noisy"  # it raises more alarms than anybody can look at


class CameraFault(StrEnum):
    """What is wrong with what a camera shows, whatever its stream is worth."""

    FROZEN = "frozen"  # the same picture again and again
    COVERED = "covered"  # a picture of nothing
    TURNED = "turned"  # another view than usual
    WRONG_CLOCK = "wrong_clock"  # its own clock is off


BLINDING: frozenset[str] = frozenset({CameraFault.FROZEN, CameraFault.COVERED, CameraFault.TURNED})
"""Faults of a camera that does not show its scene: who is not seen there may be there all the same."""


class CameraReason(StrEnum):
    """Why a camera is offline or degraded. Consoles have words for it, in the language of who reads them."""

    TIMED_OUT = "timed_out"
    UNAUTHORIZED = "unauthorized"  # user name or password refused
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"  # no such stream or file there
    REFUSED = "refused"  # somebody is at the address, and does not serve us
    UNREACHABLE = "unreachable"
    BAD_ADDRESS = "bad_address"  # it is none, or one that may not be called
    SECRET_MISSING = "secret_missing"  # noqa: S105 - the name of a reason
    NO_VIDEO = "no_video"  # what comes is no video that can be read
    NO_PICTURE = "no_picture"  # data comes, and no picture
    UNUSABLE = "unusable"  # pictures come, and none can be used
    END_OF_STREAM = "end_of_stream"
    END_OF_FILE = "end_of_file"
    SWITCHED_OFF = "switched_off"
    STUCK = "stuck"  # what reads it stood still and was given up
    INTERNAL = "internal"  # a fault of ours
    FEW_PICTURES = "few_pictures"  # degraded: fewer than asked for
    CORRUPT = "corrupt"  # degraded: many are damaged
    KEYFRAMES = "keyframes"  # degraded: decoding cannot keep up, so only key frames are decoded


class CameraState(_Event):
    """What a camera is worth now, in the same topic and under the same key as its observations.

    It is said whenever any of it changes. ``faults`` are those of `CameraFault`, and perhaps some of a newer
    writer. ``reason`` is one of `CameraReason`, or a few words of an older writer; ``detail`` is for
    technicians, in English, and holds no password.
    ``clock`` is what is known of the camera's clock, None where nothing is; said anew now and then.
    """

    camera_id: str
    condition: CameraCondition
    captured_at: AwareDatetime
    epoch: str | None = None
    reason: str = ""
    detail: str = ""
    faults: tuple[str, ...] = ()
    clock: CameraClock | None = None

    @property
    def source(self) -> str:
        """The camera."""
        return self.camera_id

    @property
    def is_coming(self) -> bool:
        """Whether its stream says that pictures come."""
        return self.condition in (CameraCondition.ONLINE, CameraCondition.DEGRADED)

    @property
    def is_blinded(self) -> bool:
        """Whether the pictures that come do not show its scene."""
        return not BLINDING.isdisjoint(self.faults)


SpeakerCondition = Literal["ready", "emergency", "faulty", "silent"]
"""``silent``: it does not answer. The others are what it says of itself."""


class SpeakerState(_Event):
    """How a speaker is that rules are about, in the observations' topic; said anew every minute."""

    speaker_id: str
    condition: SpeakerCondition
    captured_at: AwareDatetime
    epoch: str | None = None
    reason: str = ""

    @property
    def source(self) -> str:
        """The speaker."""
        return self.speaker_id


class Reading(_Event):
    """What a sensor measured, or that it measures nothing: a fact of ``sensor_id``, which is its key.

    ``at`` is host time, as ``captured_at`` of an observation, and strictly increasing per sensor. ``value``
    is None where it gives none, with the ``reason``; whoever reads it names its connection as ``epoch``, and
    a None without one is the word of somebody who has waited for the sensor in vain. With a ``camera_id`` it
    is a copy in the stream of a camera whose rules ask for it: in one stream its place is the same for ever.
    ``id`` is what the sensor calls it: one that comes again under it is no other. ``device_time`` is the
    sensor's own clock: shown, never used. ``attributes`` are words beside the value, such as the number of a
    card; never anything of a body.
    """

    sensor_id: str
    kind: str
    value: Annotated[float, Field(allow_inf_nan=False)] | None
    unit: str = ""
    at: AwareDatetime
    epoch: str | None = None
    reason: str = ""
    camera_id: str | None = None
    id: str = ""
    device_time: AwareDatetime | None = None
    attributes: dict[str, str] = Field(default_factory=dict)

    @property
    def source(self) -> str:
        """The sensor; of a copy the camera in whose stream it is."""
        return self.camera_id or self.sensor_id

    @property
    def captured_at(self) -> datetime:
        """When it was measured."""
        return self.at


class ConfigVersion(_Event):
    """What people changed of the configuration file, in force from ``since`` on until the next one."""

    version: int
    since: AwareDatetime
    changes: dict[str, Any]


class Canary(_Event):
    """A probe that goes through the log like an observation, and means nothing but that it arrived."""

    sent_at: AwareDatetime
