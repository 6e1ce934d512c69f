"""``kind: crowd``: so many people at once in a zone, or in the picture; after an object stage, no model."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median_low
from typing import Annotated, Literal, Self

import numpy as np
import shapely
from numpy.typing import NDArray
from pydantic import Field, model_validator

from detectors.stages.base import Attributes, before, without_people
from lianfang.config import Camera, Id, Problem, Stanza
from lianfang.config import Config as Root
from lianfang.events import XYXYN, DetectedObject

LABEL = "crowd"
WHOLE: XYXYN = (0.0, 0.0, 1.0, 1.0)


class Config(Stanza):
    """A crowd in each zone from ``at_least`` people on, until they are no more than ``until``."""

    kind: Literal["crowd"]
    at_least: int = Field(default=10, ge=2, le=1000)
    """People from which on they are a crowd."""
    until: int | None = Field(default=None, ge=0, le=999)
    """People at which it is over, fewer than ``at_least``; four fifths of it where not given."""
    window_s: float = Field(default=5.0, ge=1, le=600)
    """The median over so many seconds counts: a model sees some people only now and then."""
    zones: tuple[Id, ...] = ()
    """Zones that are counted one by one; each camera that names it has them. None: the whole picture."""
    people: Annotated[tuple[str, ...], Field(min_length=1)] = ("person",)
    """Labels that are people; only those whom the tracker knows are counted."""

    @model_validator(mode="after")
    def _below(self) -> Self:
        if self.until is not None and self.until >= self.at_least:
            raise ValueError(f"'until' below 'at_least', which is {self.at_least}")
        return self

    @property
    def labels(self) -> tuple[str, ...]:
        """What it finds."""
        return (LABEL,)

    @property
    def attributes(self) -> Attributes:
        """What it says of a crowd."""
        return {"count": (), "zone": ()}

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield zones that a camera lacks, and cameras on which no stage before this one finds people."""
        for camera_id, camera, given in before(self, config):
            for i, zone in enumerate(self.zones):
                if zone not in camera.zones:
                    listed = ", ".join(sorted(camera.zones)) or "nothing: it has no zone"
                    yield Problem(("zones", i), repr(zone), f"a zone of camera {camera_id}: {listed}")
            yield from without_people(self.people, camera_id, given)


@dataclass(frozen=True)
class Crowds:
    """The stage."""

    config: Config

    @property
    def models(self) -> tuple[str, ...]:
        """Return nothing: it runs no model."""
        return ()

    def open(self, camera_id: str, track_epoch: str) -> CameraCrowds:
        """Return the stage for a camera without zones: the whole picture is counted."""
        del camera_id
        return CameraCrowds(self.config, {None: None}, track_epoch)

    def open_at(self, camera: Camera, camera_id: str, track_epoch: str) -> CameraCrowds:
        """Return the stage for the zones of ``camera``."""
        if not self.config.zones:
            return self.open(camera_id, track_epoch)
        areas: dict[str | None, shapely.Polygon | None] = {
            zone: shapely.Polygon(camera.zones[zone].polygon) for zone in self.config.zones
        }
        return CameraCrowds(self.config, areas, track_epoch)


@dataclass
class _Count:
    """The counts of one zone of late, and the number of its crowd while there is one."""

    since_s: float
    counts: deque[tuple[float, int]] = field(default_factory=deque)
    crowd: int | None = None


class CameraCrowds:
    """The counts of one camera. ``areas`` are polygons by zone; the area None is the whole picture."""

    def __init__(
        self, config: Config, areas: Mapping[str | None, shapely.Polygon | None], track_epoch: str
    ) -> None:
        self._config, self._areas, self._epoch = config, areas, track_epoch
        self._zones: dict[str | None, _Count] = {}
        self._crowds = 0
        self._last_s: float | None = None

    def look(
        self, image_bgr: NDArray[np.uint8], at: datetime, objects: tuple[DetectedObject, ...]
    ) -> tuple[DetectedObject, ...]:
        """Return ``objects`` and one for each crowd, with its ``count`` and ``zone`` (None: the picture)."""
        del image_bgr
        at_s = at.timestamp()
        if self._last_s is None or at_s - self._last_s > self._config.window_s:
            self._zones = {zone: _Count(at_s) for zone in self._areas}  # what was in between is unknown
        self._last_s = at_s
        known = [o for o in objects if o.label in self._config.people and o.track_id is not None]
        feet = np.array([((o.xyxyn[0] + o.xyxyn[2]) / 2, o.xyxyn[3]) for o in known]).reshape(-1, 2)
        found = []
        for zone, area in self._areas.items():
            inside = len(feet) if area is None else int(shapely.intersects_xy(area, *feet.T).sum())
            state = self._zones[zone]
            count = self._counted(state, inside, at_s)
            if state.crowd is not None:
                found.append(self._object(zone, area, count, state.crowd))
        return (*objects, *found)

    def _counted(self, state: _Count, inside: int, at_s: float) -> int:
        """Add a count and return the median of the window; a crowd begins or ends by it."""
        config = self._config
        state.counts.append((at_s, inside))
        while at_s - state.counts[0][0] > config.window_s:
            state.counts.popleft()
        count = median_low(n for _, n in state.counts)
        over_at = config.at_least * 4 // 5 if config.until is None else config.until
        if state.crowd is not None and count <= over_at:
            state.crowd = None
        elif state.crowd is None and count >= config.at_least and at_s - state.since_s >= config.window_s:
            self._crowds += 1
            state.crowd = self._crowds
        return count

    def _object(
        self, zone: str | None, area: shapely.Polygon | None, count: int, crowd: int
    ) -> DetectedObject:
        return DetectedObject(
            track_id=f"{self._epoch}:{LABEL}{crowd}",
            label=LABEL,
            # No probability: half at the least that is a crowd, one at twice that.
            confidence=min(1.0, count / (2 * self._config.at_least)),
            xyxyn=WHOLE if area is None else _standing_in(area),
            attributes={"count": count, "zone": zone},
        )


def _standing_in(area: shapely.Polygon) -> XYXYN:
    """Return a box at ``area`` whose lower middle, where rules look for feet, is inside it."""
    left, top, right, _ = area.bounds
    inside = area.representative_point()
    half = min(inside.x - left, right - inside.x)
    return (inside.x - half, top, inside.x + half, inside.y)


def build(config: Config, models_dir: Path | None) -> Crowds:
    """Return the stage; it loads nothing, and raises nothing."""
    del models_dir
    return Crowds(config)
