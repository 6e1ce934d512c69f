"""``kind: zone_entry``: somebody stands in a zone for N consecutive frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, Self

import numpy as np
import shapely
from numpy.typing import NDArray
from pydantic import Field, model_validator

from alerts.rules.base import Member, RuleSettings, Sighting
from lianfang.config import Config as Root
from lianfang.config import Id, Problem
from lianfang.events import DetectedObject, Observation


class Config(RuleSettings):
    """A rule on the bottom centre of boxes, which is where a person's feet stand."""

    kind: Literal["zone_entry"]
    zones: Annotated[tuple[Id, ...], Field(min_length=1)]
    """Zones that somebody may not stand in; each of the cameras has them."""
    match: Literal["any", "all"] | None = None
    """With several zones: stand in any of them, or in all at once. There is no default to guess wrong."""
    labels: Annotated[tuple[str, ...], Field(min_length=1)] = ("person",)
    """What counts as somebody."""
    frames: int = Field(default=3, ge=1, le=100)
    """Consecutive frames in the zone before it counts: one errant box is not an entry."""
    min_confidence: float = Field(default=0.4, gt=0, le=1)
    """Weaker boxes do not count; they only keep a place from being called empty."""

    @model_validator(mode="after")
    def _operator(self) -> Self:
        if len(self.zones) > 1 and self.match is None:
            raise ValueError("'match: any' or 'match: all', because there are several zones")
        return self

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield zones that no camera has and labels that its detectors do not give."""
        yield from super().check(config)
        for camera_id in self.cameras:
            camera = config.cameras.get(camera_id)
            if camera is None:
                continue
            for j, zone in enumerate(self.zones):
                if zone not in camera.zones:
                    allowed = ", ".join(sorted(camera.zones)) or "nothing: it has no zone"
                    yield Problem(("zones", j), f"{zone!r}", f"a zone of camera {camera_id}: {allowed}")
            given = _labels_given(config, camera.detectors)
            for j, label in enumerate(self.labels):
                if label not in given:
                    allowed = f"a label that the detectors of camera {camera_id} give: {', '.join(given)}"
                    yield Problem(("labels", j), repr(label), allowed)


def _labels_given(config: Root, detectors: Iterable[str]) -> list[str]:
    stages = (config.detectors[d] for d in detectors if d in config.detectors)
    return sorted({label for stage in stages for label in getattr(stage, "labels", ())})


@dataclass(frozen=True)
class Standing:
    """Per track: consecutive frames in the zone up to the last observation."""

    frames: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ZoneEntry:
    """The rule for the cameras of its stanza; ``polygons`` is per camera, in the order of ``zones``."""

    config: Config
    polygons: Mapping[str, tuple[shapely.Polygon, ...]]

    def initial(self) -> Standing:
        """Return the state in which nobody stands anywhere."""
        return Standing()

    def step(self, state: Standing, observation: Observation) -> tuple[Standing, Sighting]:
        """Count who stands in the zone; those at ``frames`` or more are members."""
        objects = [o for o in observation.objects if o.label in self.config.labels]
        zones = self._zones(observation.camera_id, objects)
        counts: dict[str, int] = {}
        members: list[Member] = []
        present: list[Member] = []
        elsewhere: set[str] = set()
        for detected, zone in zip(objects, zones, strict=True):
            if zone is None:
                elsewhere.update([detected.track_id] if detected.track_id else [])
                continue
            count = 0
            if detected.track_id is not None and detected.confidence >= self.config.min_confidence:
                count = counts[detected.track_id] = state.frames.get(detected.track_id, 0) + 1
            found = Member(
                track_id=detected.track_id,
                label=detected.label,
                confidence=detected.confidence,
                xyxyn=detected.xyxyn,
                zone=zone,
            )
            (members if count >= self.config.frames else present).append(found)
        sighting = Sighting(
            camera=observation.camera_id,
            captured_at=observation.captured_at,
            track_epoch=observation.track_epoch,
            members=tuple(members),
            present=tuple(present),
            elsewhere=frozenset(elsewhere),
        )
        return Standing(counts), sighting

    def _zones(self, camera_id: str, objects: list[DetectedObject]) -> list[str | None]:
        """Return per object the id of the zone that it stands in by the rule's operator, else None."""
        if not objects:
            return []
        boxes: NDArray[np.float64] = np.array([o.xyxyn for o in objects])
        x, y = (boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]
        # "intersects" and not "contains": feet on the picture's lower edge are in a zone drawn to that edge.
        inside = np.stack([shapely.intersects_xy(p, x, y) for p in self.polygons[camera_id]])
        combine = np.logical_and if self.config.match == "all" else np.logical_or
        hit, first = combine.reduce(inside, axis=0), inside.argmax(axis=0)
        return [self.config.zones[k] if h else None for h, k in zip(hit, first, strict=True)]


def build(config: Config, root: Root) -> ZoneEntry:
    """Return the rule with the polygons of its cameras prepared."""
    polygons = {
        camera: tuple(shapely.Polygon(root.cameras[camera].zones[z].polygon) for z in config.zones)
        for camera in config.cameras
    }
    for polygon in (p for group in polygons.values() for p in group):
        shapely.prepare(polygon)
    return ZoneEntry(config, polygons)
