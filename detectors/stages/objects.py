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

from detectors import calibration
from detectors.calibration import Calibration
from detectors.engines.base import Detections, Engine
from detectors.models.tiles import look, picture_height_px, picture_width_px
from detectors.tracking.tracker import Config as TrackerConfig
from detectors.tracking.tracker import Track, Tracker
from lianfang import plugins
from lianfang.config import Config as Root
from lianfang.config import Problem, Stanza
from lianfang.errors import ModelError
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
    calibration: Literal["model"] | Path | None = None
    """Makes of a score, after tracking, how probable it is that the object is one: ``model`` by what comes
    with the model, or a file of ``lianfang models calibrate``. Rules then mean probabilities."""

    @property
    def prefix(self) -> str:
        """What the numbers begin with: nothing for people, else the first label.

        A camera may have a stage for people and one for fire: a number means one object in both.
        """
        return "" if "person" in self.labels else self.labels[0]

    @property
    def picture_width_px(self) -> int | None:
        """The width of a picture of which the model loses nothing; None where its input is not known."""
        size = getattr(self.engine, "input_size", None)
        if size is None:
            return None
        return picture_width_px(size if isinstance(size, int) else size[0], self.tiles[0])

    def check(self, config: Root) -> Iterable[Problem]:
        """Yield unknown labels and numbers given twice, and warn of people too small for the model."""
        yield from self._unknown_labels()
        yield from self._numbered_twice(config)
        try:
            _calibration(self, getattr(self.engine, "model", type(self.engine).__name__))
        except ModelError as error:
            yield Problem(("calibration",), str(error), "a file of `lianfang models calibrate`, or nothing")
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

    def _numbered_twice(self, config: Root) -> Iterable[Problem]:
        for camera_id, camera in config.cameras.items():
            stages = [config.detectors[d] for d in camera.detectors if d in config.detectors]
            alike = [s for s in stages if isinstance(s, Config) and s.prefix == self.prefix]
            if len(alike) > 1 and any(s is self for s in alike):
                found = f"{', '.join(self.labels)}, beside another stage of {camera_id} that numbers alike"
                yield Problem(("labels",), found, "people in one stage only, and another first label in each")

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
    calibration: Calibration | None = None

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
        label = self._stage.engine.labels[track.class_id]
        return DetectedObject(
            track_id=None if track.n is None else f"{self._epoch}:{self._stage.config.prefix}{track.n}",
            label=label,
            confidence=self._confidence(label, track.confidence),
            xyxyn=track.xyxyn,
        )

    def _confidence(self, label: str, score: float) -> float:
        curves = self._stage.calibration
        return score if curves is None else float(curves.curve(label).probability(np.array([score]))[0])


def _calibration(config: Config, model: str) -> Calibration | None:
    match config.calibration:
        case None:
            return None
        case Path() as file:
            return calibration.read(file)
        case "model":
            return calibration.of_model(model)


def build(config: Config, models_dir: Path | None) -> Objects:
    """Load the model; ModelError where it is missing or altered, or its calibration is that of another."""
    engine: Engine = plugins.build("detectors.engines", config.engine, models_dir)
    wanted = np.array([label in config.labels for label in engine.labels])
    curves = _calibration(config, engine.model_id.partition("@")[0])
    if curves is not None:
        curves.require(engine.model_id)
        for label in config.labels:
            curves.curve(label)
    return Objects(config, engine, wanted, curves)
