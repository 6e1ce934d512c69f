"""One camera in the configuration, and what is drawn on its picture."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Annotated, Literal, Protocol, Self, runtime_checkable

from pydantic import Field, SerializeAsAny, model_validator

from lianfang.config.drawn import Coordinate, Crop, ReferenceHeights, Shape
from lianfang.config.health import Health
from lianfang.config.record import Record
from lianfang.config.sampling import FpsHours, Gate, gated_wrongly
from lianfang.config.stanza import Id, Problem, Stanza, one_of
from lianfang.config.way import streamed_wrongly
from lianfang.plugins import PluginConfig

if TYPE_CHECKING:
    from lianfang.config.model import Config

SourceStanza = Annotated[SerializeAsAny[Stanza], PluginConfig("ingest.sources").validator()]


@runtime_checkable
class PlaysBack(Protocol):
    """The stanza of a source that hangs on a recorder: lianfang keeps no recordings of its own."""

    def playback(self, at: datetime, for_s: float, zone: tzinfo) -> str:
        """Return where it plays ``for_s`` seconds from ``at`` on, without user and password."""
        ...


class Zone(Stanza):
    """A polygon on a camera's picture."""

    name: str = ""
    """As people there call it; empty where the point's name says enough."""
    polygon: Shape
    """Corners (x, y), 0-1 of width and height from the top left, in order, not closed."""
    kind: Literal["bank", "water"] | None = None
    """What the ground is, for detectors that need to know: the bank, or the water itself."""
    speakers: tuple[Id, ...] = ()
    """Receivers that can be heard here, nearest first."""
    place: Id | None = None
    """Joins zones of several points into one place; the point itself where not given."""


class Line(Stanza):
    """A line on a camera's picture that people may cross; looking from start to end it has two sides."""

    name: str = ""
    """As people there call it."""
    start: tuple[Coordinate, Coordinate]
    """One end: (x, y), 0-1 of width and height from the top left."""
    end: tuple[Coordinate, Coordinate]
    """The other end."""
    zone: Id
    """The zone of this camera that it belongs to: whose speakers are heard there, which place it is."""

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if self.start == self.end:
            raise ValueError("an 'end' that is not its 'start'")
        return self


class Camera(Stanza):
    """One camera: where its pictures come from and what looks at them."""

    name: str = Field(min_length=1, max_length=100)
    """As it is called on the console."""
    point: Id
    """The monitoring point that it belongs to."""
    source: SourceStanza
    """Where its pictures come from."""
    uplink: Id | None = None
    """The switch, radio or power that it hangs on: cameras that are lost together with it are one outage."""
    device_code: str = Field(default="", pattern=r"^(\d{20})?$")
    """The 20-digit code of the camera at the police platform (GB/T 28181, GA/T 1400)."""
    record: Record = Record()
    """What its file (一机一档) says of the device, for platforms that keep one."""
    enabled: bool = True
    """False: it is neither opened nor looked at."""
    stream: Literal["auto", "main", "sub"] = "auto"
    """auto: the sub-stream where there is one and no detector needs more pixels, else the main stream."""
    sub_width: int = Field(default=640, ge=160, le=3840)
    """Width of the pictures of its sub-stream, as it is set on the camera, in pixels."""
    keyframes: Literal["auto", "always", "never"] = "auto"
    """Decode keyframes only, one in 1 to 4 s at most cameras: auto, while this machine cannot keep up."""
    fps: float = Field(default=5, ge=0.2, le=30)
    """Pictures a second that are published; the source may give more."""
    fps_hours: tuple[FpsHours, ...] = Field(default=(), max_length=16)
    """Hours with another ``fps``; the first that is on counts."""
    gate: Gate | None = None
    """Publishes fewer pictures while nothing moves; not where a rule or a detector needs to see just that."""
    max_width: int = Field(default=1280, ge=160, le=3840)
    """Wider pictures are scaled down to this width, in pixels."""
    jpeg_quality: int = Field(default=85, ge=30, le=100)
    """Of the pictures on the bus, which are also the evidence."""
    crop: Crop | None = None
    """The part of the source's picture that is published; all of it where not given. What is drawn on the
    picture, heights too, is 0-1 of the published one."""
    masks: tuple[Shape, ...] = Field(default=(), max_length=32)
    """Parts of the published picture that are blackened before it leaves ingest: nobody ever sees them."""
    health: Health = Health()
    """Which faults of its view are looked for."""
    detectors: tuple[Id, ...] = ("objects",)
    """What looks at its pictures, in order."""
    person_height: float | None = Field(default=None, gt=0, le=1)
    """Height of the farthest people that matter, 0-1 of the picture's; warned of if too small."""
    reference_heights: ReferenceHeights = ()
    """Two upright heights at different distances; from them follows how high a grown-up is anywhere."""
    zones: dict[Id, Zone] = Field(default_factory=dict)
    """Parts of the picture that rules are about."""
    lines: dict[Id, Line] = Field(default_factory=dict)
    """Lines in the picture that rules are about."""

    @property
    def least_fps(self) -> float:
        """The fewest pictures a second that it publishes at any time while something moves."""
        return min([self.fps, *(hours.fps for hours in self.fps_hours)])

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield references that lead nowhere, and ways of reading it that do not serve."""
        yield from self._lead_nowhere(config)
        camera_id = next((name for name, camera in config.cameras.items() if camera is self), None)
        if camera_id is not None:
            yield from gated_wrongly(config, camera_id)
            yield from streamed_wrongly(config, camera_id)
            for i, hours in enumerate(self.fps_hours):
                for problem in hours.active.sunless(config, [camera_id]):
                    yield problem.under("fps_hours", i, "active")

    def _lead_nowhere(self, config: Config) -> Iterable[Problem]:
        if self.point not in config.points:
            yield Problem(("point",), repr(self.point), one_of(config.points))
        if self.uplink is not None and self.uplink not in config.uplinks:
            yield Problem(("uplink",), repr(self.uplink), one_of(config.uplinks))
        for i, detector in enumerate(self.detectors):
            if detector not in config.detectors:
                yield Problem(("detectors", i), repr(detector), one_of(config.detectors))
        speakers = config.receivers_of("speaker")
        for zone_id, zone in self.zones.items():
            for i, speaker in enumerate(zone.speakers):
                if speaker not in speakers:
                    yield Problem(("zones", zone_id, "speakers", i), repr(speaker), one_of(speakers))
        for line_id, line in self.lines.items():
            if line.zone not in self.zones:
                yield Problem(("lines", line_id, "zone"), repr(line.zone), one_of(self.zones))
