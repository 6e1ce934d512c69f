"""``kind: river``: people in the water, still, alone, of a child's size, vanished; after an object stage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detectors.river.people import Person
from detectors.river.scale import Scale
from detectors.river.settings import Settings
from detectors.river.vanish import Vanished
from detectors.river.watch import Said, Watch
from detectors.river.water import Water
from detectors.stages.base import Attributes, before, without_people
from lianfang.config import Camera, Problem, Zone
from lianfang.config import Config as Root
from lianfang.events import DetectedObject

LABEL = "vanished_in_water"


class Config(Settings):
    """People at the water. A camera that names it has a zone of ``kind: water``, and people found before."""

    kind: Literal["river"]

    @property
    def labels(self) -> tuple[str, ...]:
        """What it finds."""
        return (LABEL,)

    @property
    def needs_stillness(self) -> bool:
        """It looks at what does not move."""
        return True

    @property
    def attributes(self) -> Attributes:
        """What it says of people."""
        surely = dict.fromkeys(("in_water", "still", "alone"), (True, False))
        return {**surely, "child_size": (True, False, "unknown")}

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield cameras without water, and those on which no stage before this one finds people."""
        for camera_id, camera, given in before(self, config):
            if not any(zone.kind == "water" for zone in camera.zones.values()):
                found = f"'river' at camera {camera_id}, which has no zone of kind: water"
                yield Problem(("kind",), found, "a zone of kind: water on every camera that names it")
            yield from without_people(self.people, camera_id, given)


@dataclass(frozen=True)
class River:
    """The stage."""

    config: Config

    @property
    def models(self) -> tuple[str, ...]:
        """Return nothing: it runs no model."""
        return ()

    def open(self, camera_id: str, track_epoch: str) -> CameraRiver:
        """Return the stage for a camera without any water."""
        del camera_id
        return CameraRiver(self.config, (), None, track_epoch)

    def open_at(self, camera: Camera, camera_id: str, track_epoch: str) -> CameraRiver:
        """Return the stage for the water of ``camera``."""
        del camera_id
        scale = Scale.of(camera.reference_heights)
        return CameraRiver(self.config, tuple(camera.zones.values()), scale, track_epoch)


class CameraRiver:
    """The watch over the water of one camera."""

    def __init__(
        self, config: Config, zones: tuple[Zone, ...], scale: Scale | None, track_epoch: str
    ) -> None:
        self._config, self._zones, self._scale, self._epoch = config, zones, scale, track_epoch
        self._watch = Watch(config)
        self._aspect = 1.0
        self._water = Water.of(zones, self._aspect)

    def look(
        self, image_bgr: NDArray[np.uint8], at: datetime, objects: tuple[DetectedObject, ...]
    ) -> tuple[DetectedObject, ...]:
        """Return ``objects``, tracked people with attributes added, and an object for whoever vanished.

        ``in_water``, ``still``, ``alone`` and ``child_size`` are true or false, or "unknown" (a size only).
        Beside each stands ``…_confidence``, 0.5-1 (0.5 where unknown): how sure that is.
        """
        height, width = image_bgr.shape[:2]
        if width / height != self._aspect:
            # Pictures of another shape show something else: nothing that was seen before is where it was.
            self._aspect, self._watch = width / height, Watch(self._config)
            self._water = Water.of(self._zones, self._aspect)
        people = [self._person(thing) for thing in objects if thing.label in self._config.people]
        others = [self._box(thing) for thing in objects if thing.label not in self._config.people]
        said, vanished = self._watch.look(people, others, self._water, at.timestamp())
        told = (self._told(thing, said) for thing in objects)
        return (*told, *(self._object(one) for one in vanished))

    def _box(self, thing: DetectedObject) -> tuple[float, float, float, float]:
        left, top, right, bottom = thing.xyxyn
        return left * self._aspect, top, right * self._aspect, bottom

    def _person(self, thing: DetectedObject) -> Person:
        adult = None if self._scale is None else self._scale.adult(thing.xyxyn[3])
        return Person(thing.track_id, self._box(thing), adult, self._aspect, thing.confidence)

    def _told(self, thing: DetectedObject, said: dict[str, Said]) -> DetectedObject:
        if thing.label not in self._config.people or thing.track_id not in said:
            return thing
        added: dict[str, object] = {}
        for name, surely in vars(said[thing.track_id]).items():
            added[name] = "unknown" if surely is None else surely >= 0.5
            added[f"{name}_confidence"] = 0.5 if surely is None else round(max(surely, 1 - surely), 3)
        return thing.model_copy(update={"attributes": {**thing.attributes, **added}})

    def _object(self, one: Vanished) -> DetectedObject:
        left, top, right, bottom = one.box
        return DetectedObject(
            track_id=f"{self._epoch}:{LABEL}{one.track_id.rpartition(':')[2]}",
            label=LABEL,
            confidence=one.confidence,
            xyxyn=(left / self._aspect, top, right / self._aspect, bottom),
            attributes={"track": one.track_id, "since": datetime.fromtimestamp(one.last_s, UTC).isoformat()},
        )


def build(config: Config, models_dir: Path | None) -> River:
    """Return the stage; it loads nothing, and raises nothing."""
    del models_dir
    return River(config)
