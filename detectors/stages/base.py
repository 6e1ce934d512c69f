"""What every stage is given and gives."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lianfang.config import Camera
from lianfang.events import DetectedObject


class CameraStage(Protocol):
    """A stage at work on one camera; its frames come one after the other, in order."""

    def look(
        self, image_bgr: NDArray[np.uint8], at: datetime, objects: tuple[DetectedObject, ...]
    ) -> tuple[DetectedObject, ...]:
        """Return the objects of ``image_bgr`` (H × W × 3), given what the stages before it found."""
        ...


class Stage(Protocol):
    """A stage with its models loaded, shared by every camera that names it."""

    @property
    def models(self) -> tuple[str, ...]:
        """Return the ids of the models it runs."""
        ...

    def open(self, camera_id: str, track_epoch: str) -> CameraStage:
        """Return the stage for one camera, knowing nothing yet; its tracks are named in ``track_epoch``."""
        ...


@runtime_checkable
class StageOfPlaces(Stage, Protocol):
    """A stage that also wants what is drawn on a camera's picture: zones, reference heights."""

    def open_at(self, camera: Camera, camera_id: str, track_epoch: str) -> CameraStage:
        """Return the stage for ``camera``; `open` gives that of a camera on which nothing is drawn."""
        ...


def opened(stage: Stage, camera: Camera, camera_id: str, track_epoch: str) -> CameraStage:
    """Return ``stage`` for one camera, with what is drawn on its picture if the stage wants that."""
    if isinstance(stage, StageOfPlaces):
        return stage.open_at(camera, camera_id, track_epoch)
    return stage.open(camera_id, track_epoch)
