"""``kind: objects``: one pass of an object model, and a tracker that gives the objects their numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, SerializeAsAny

from detectors.engines.base import Detections, Engine
from detectors.models.tiles import look, picture_height_px
from detectors.tracking.tracker import Config as TrackerConfig
from detectors.tracking.tracker import Track, Tracker
from lianfang import plugins
from lianfang.config import Config as Root
from lianfang.config import Problem, Stanza
from lianfang.events import DetectedObject

MIN_PERSON_PX = 20  # at the model's input; smaller people are mostly missed: docs/models/objects.md
EngineStanza = Annotated[SerializeAsAny[Stanza], plugins.PluginConfig("detectors.engines").validator()]


class Config(Stanza):
    """The object pass that every other stage of a camera builds on."""

    kind: Literal["objects"]
    engine: EngineStanza
    """What runs the object model."""
    labels: Annotated[tuple[str, ...], Field(min_length=1)] = ("person",)
    """Classes that are tracked and published; the model's others are ignored."""
    tiles: tuple[Annotated[int, Field(ge=1, le=8)], Annotated[int, Field(ge=1, le=8)]] = (1, 1)
    """Columns and rows of parts looked at one by one besides the whole: small objects, more time."""
    tracker: TrackerConfig = TrackerConfig()
    """How boxes become tracks."""

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield labels that the model does not have, and warn of people that are too small for it."""
        yield from self._unknown_labels()
        if "person" in self.labels:
            yield from self._small_people(config)

    def _small_people(self, config: Root) -> Iterable[Problem]:
        size = getattr(self.engine, "input_size", None)
        if size is None:
            return
        width, height = (size, size) if isinstance(size, int) else size
        picture_px = picture_height_px((width, height), self.tiles)
        for camera_id, camera in config.cameras.items():
            if camera.person_height is None or not any(
                config.detectors.get(d) is self for d in camera.detectors
            ):
                continue
            if (person_px := camera.person_height * picture_px) < MIN_PERSON_PX:
                found = f"{width}x{height}, where people of {camera_id} are {person_px:.0f} px high"
                allowed = f"an input_size, or tiles, at which they are {MIN_PERSON_PX} px or more"
                yield Problem(("engine", "input_size"), found, allowed, warning=True)

    def _unknown_labels(self) -> Iterable[Problem]:
        known: tuple[str, ...] = getattr(self.engine, "labels", ())
        for i, label in enumerate(self.labels):
            if known and label not in known:
                yield Problem(("labels", i), repr(label), f"a label of the model: {', '.join(known)}")


@dataclass(frozen=True)
class Objects:
    """The stage; ``wanted`` is (classes of the model,) and true for the labels that count."""

    config: Config
    engine: Engine
    wanted: NDArray[np.bool_]

    @property
    def models(self) -> tuple[str, ...]:
        """Return the id of the object model."""
        return (self.engine.model_id,)

    def open(self, camera_id: str, track_epoch: str) -> CameraObjects:
        """Return the stage for one camera with a new tracker."""
        del camera_id
        return CameraObjects(self, track_epoch, Tracker(self.config.tracker, self.engine.labels))


class CameraObjects:
    """The object pass of one camera."""

    def __init__(self, stage: Objects, track_epoch: str, tracker: Tracker) -> None:
        self._stage, self._epoch, self._tracker = stage, track_epoch, tracker

    def look(
        self, image_bgr: NDArray[np.uint8], at: datetime, objects: tuple[DetectedObject, ...]
    ) -> tuple[DetectedObject, ...]:
        """Return ``objects`` and those of this picture; without a number while a track is unconfirmed."""
        found = look(self._stage.engine, image_bgr, self._stage.config.tiles)
        keep = self._stage.wanted[found.class_id]
        kept = Detections(found.xyxyn[keep], found.confidence[keep], found.class_id[keep])
        tracks = self._tracker.update(kept, at.timestamp())
        return (*objects, *(self._object(track) for track in tracks))

    def _object(self, track: Track) -> DetectedObject:
        return DetectedObject(
            track_id=None if track.n is None else f"{self._epoch}:{track.n}",
            label=self._stage.engine.labels[track.class_id],
            confidence=track.confidence,
            xyxyn=track.xyxyn,
        )


def build(config: Config, models_dir: Path | None) -> Objects:
    """Load the model; ModelError where it is missing or altered."""
    engine: Engine = plugins.build("detectors.engines", config.engine, models_dir)
    wanted = np.array([label in config.labels for label in engine.labels])
    return Objects(config, engine, wanted)
