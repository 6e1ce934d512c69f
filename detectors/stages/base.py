"""What every stage is given and gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lianfang.config import Camera, Config, Problem, Stanza
from lianfang.events import DetectedObject

Attributes = Mapping[str, tuple[str | bool | int, ...]]
"""What a stage says of objects, for rules to ask for: each attribute with its values, () where any may come.

The ``Config`` of a stage that says anything has it as ``attributes``, beside the ``labels`` that it finds.
"""


class CameraStage(Protocol):
    """A stage at work on one camera; its frames come one after the other, in order."""

    def look(
        self, image_bgr: NDArray[np.uint8], at: datetime, objects: tuple[DetectedObject, ...]
    ) -> tuple[DetectedObject, ...]:
        """Return the objects of ``image_bgr`` (H × W × 3), given what the stages before it found."""
        ...


@runtime_checkable
class TellsTime(CameraStage, Protocol):
    """A stage that also reads the camera's clock in the picture."""

    def clock_offset_s(self) -> float | None:
        """Return by how many seconds it was ahead of the time of the last picture; None where unread."""
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


def before(stage: Stanza, config: Config) -> Iterator[tuple[str, Camera, list[str]]]:
    """Yield each camera that names ``stage``, and the labels that the stages before it give there."""
    for camera_id, camera in config.cameras.items():
        names = enumerate(camera.detectors)
        place = next((i for i, name in names if config.detectors.get(name) is stage), None)
        if place is not None:
            yield camera_id, camera, config.labels_given(camera.detectors[:place])


def without_people(people: Iterable[str], camera_id: str, given: list[str]) -> Iterator[Problem]:
    """Yield a problem where none of ``people`` is among the labels ``given`` before a stage of them."""
    if not set(people).intersection(given):
        allowed = f"a label that a detector of camera {camera_id} before this one gives: "
        yield Problem(("people",), repr(list(people)), allowed + (", ".join(given) or "nothing"))
