"""What the rules about zones share: which zone somebody stands in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from alerts.ground import Ground
from alerts.objects import ObjectSettings, sighting
from alerts.rules.base import Sighting
from lianfang.config import Config, Id, Problem
from lianfang.events import DetectedObject, Observation


class ZoneSettings(ObjectSettings):
    """The stanza of a rule about somebody in zones; a subclass adds ``kind`` and its own keys."""

    zones: Annotated[tuple[Id, ...], Field(min_length=1)]
    """Zones that the rule is about; each of the cameras has them."""
    match: Literal["any", "all"] | None = None
    """With several zones: stand in any of them, or in all at once. There is no default to guess wrong."""

    @model_validator(mode="after")
    def _operator(self) -> Self:
        if len(self.zones) > 1 and self.match is None:
            raise ValueError("'match: any' or 'match: all', because there are several zones")
        return self

    def check(self, config: Config) -> Iterable[Problem]:
        """Yield zones that a camera does not have, and labels that its detectors do not give."""
        yield from super().check(config)
        for camera_id in self.sources:
            camera = config.cameras.get(camera_id)
            if camera is None:
                continue
            for j, zone in enumerate(self.zones):
                if zone not in camera.zones:
                    allowed = ", ".join(sorted(camera.zones)) or "nothing: it has no zone"
                    yield Problem(("zones", j), f"{zone!r}", f"a zone of camera {camera_id}: {allowed}")


@dataclass(frozen=True)
class Standing:
    """Per track: consecutive frames in the zone up to the last observation."""

    frames: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Zones:
    """The zones of a rule on each of its cameras."""

    settings: ZoneSettings
    grounds: Mapping[str, Ground]

    @classmethod
    def of(cls, settings: ZoneSettings, config: Config) -> Zones:
        """Return the zones of ``settings`` on each of its cameras, prepared."""
        return cls(settings, {camera: Ground.of(config.cameras[camera]) for camera in settings.sources})

    def occupied(self, observation: Observation) -> bool:
        """Say whether anything at all stands in a zone of the rule."""
        standing = self.grounds[observation.camera_id].standing(observation)
        return not standing.keys().isdisjoint(self.settings.zones)

    def inside(self, observation: Observation) -> Iterator[tuple[DetectedObject, str | None]]:
        """Yield each object that the rule is about with its zone by the rule's operator, None elsewhere.

        None also for those in a zone that are known not to be as the rule wants them: a rider who wears a
        helmet is not a bare one who is not sure yet.
        """
        settings, none = self.settings, frozenset[int]()
        standing = self.grounds[observation.camera_id].standing(observation)
        zones = [(zone, standing.get(zone, none)) for zone in settings.zones]
        every = settings.match == "all"
        for i, detected in enumerate(observation.objects):
            if detected.label not in settings.labels:
                continue
            here = [zone for zone, those in zones if i in those]
            inside = len(here) == len(zones) if every else here
            excluded = settings.having and settings.excluded(detected)
            yield detected, here[0] if inside and not excluded else None


class StandingSettings(ZoneSettings):
    """The stanza of a rule about whoever stands in a zone."""

    frames: int = Field(default=3, ge=1, le=100)
    """Consecutive frames in the zone before it counts: one errant box is not an entry."""


@dataclass(frozen=True)
class StandingRule:
    """A rule about whoever stands in a zone, for the cameras of its stanza."""

    settings: StandingSettings
    zones: Zones

    @classmethod
    def of(cls, settings: StandingSettings, config: Config) -> StandingRule:
        """Return the rule with the zones of its cameras prepared."""
        return cls(settings, Zones.of(settings, config))

    def initial(self) -> Standing:
        """Return the state in which nobody stands anywhere."""
        return Standing()

    def renumbered(self, state: Standing) -> Standing:
        """Return the state in which nobody stands anywhere: the new numbers mean others."""
        del state
        return Standing()

    def concerns(self, state: Standing, observation: Observation) -> bool:
        """Say whether anything stands in a zone, or stood there a moment ago."""
        return bool(state.frames) or self.zones.occupied(observation)

    def progress(self, state: Standing, track_id: str) -> str:
        """Return in how many pictures in a row somebody has stood there."""
        frames = state.frames.get(track_id)
        return f"{frames} of {self.settings.frames} pictures" if frames else ""

    def step(self, state: Standing, observation: Observation) -> tuple[Standing, Sighting]:
        """Count who stands in the zone; those at ``frames`` or more are members."""
        placed = list(self.zones.inside(observation))
        counts = {
            track: state.frames.get(track, 0) + 1
            for detected, zone in placed
            if zone is not None and (track := self.settings.counted(detected)) is not None
        }
        return Standing(counts), sighting(
            observation, placed, lambda o: counts.get(o.track_id or "", 0) >= self.settings.frames
        )
