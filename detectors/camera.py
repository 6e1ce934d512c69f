"""One camera under watch: its stages, and what of it is worth saying."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from detectors.picture import decode
from detectors.stages.base import Stage, StageOfPlaces, TellsTime, opened
from lianfang.bus import Position
from lianfang.camera_clock import ClockJudge
from lianfang.clock import Clock
from lianfang.config import Camera
from lianfang.events import CameraClock, DetectedObject, Frame, FrameReference, Observation
from lianfang.ids import new_epoch

# Absence is a fact too: said at once when a view becomes empty, and again so often while it stays so.
EMPTY_EVERY = timedelta(seconds=1)
# A new connection that says a time so far back: the host's clock was ahead and has been set right.
CLOCK_STEP = timedelta(seconds=30)


class WatchedCamera:
    """The stages of one camera in one track epoch. Its frames come in order, one at a time."""

    def __init__(
        self,
        camera_id: str,
        camera: Camera,
        stages: Mapping[str, Stage],
        clock: Clock,
        judge: ClockJudge | None = None,
    ) -> None:
        """``judge`` is asked about the camera's clock, where a stage reads it."""
        self._id, self._clock, self._camera = camera_id, clock, camera
        self._epoch = new_epoch()
        self._stages = [opened(stages[name], camera, camera_id, self._epoch) for name in camera.detectors]
        self._judge = judge
        self._of_places = any(isinstance(stages[name], StageOfPlaces) for name in camera.detectors)
        self._models = tuple(model for name in camera.detectors for model in stages[name].models)
        self._last_at: datetime | None = None
        self._connection = ""
        self._said_at: datetime | None = None
        self._said_empty = False

    def is_old(self, frame: Frame) -> bool:
        """Say whether ``frame`` was taken no later than the last one."""
        return self._last_at is not None and frame.captured_at <= self._last_at

    def is_over(self, frame: Frame) -> bool:
        """Say whether ``frame`` begins another track epoch, because time went back between connections.

        To drop what follows as old would leave the camera blind until the wrong time has come.
        """
        if self._last_at is None or frame.epoch == self._connection:
            return False
        return self._last_at - frame.captured_at >= CLOCK_STEP

    def is_drawn_as(self, camera: Camera) -> bool:
        """Say whether its stages may go on where it is configured as ``camera``."""
        return not self._of_places or camera is self._camera or _shapes(camera) == _shapes(self._camera)

    def look(self, frame: Frame, position: Position) -> Observation | None:
        """Return what is to be said about ``frame``, None while an empty view was said just now.

        DecodeError where the frame is not what it says; ValueError where it is old.
        """
        if self.is_old(frame):
            raise ValueError(f"{frame.camera_id}: {frame.captured_at} is not after {self._last_at}")
        image = decode(frame)
        self._last_at, self._connection = frame.captured_at, frame.epoch
        objects: tuple[DetectedObject, ...] = ()
        for stage in self._stages:
            objects = stage.look(image, frame.captured_at, objects)
        clock = self._clock_read(frame.captured_at)
        if not self._worth_saying(frame.captured_at, bool(objects)) and clock is None:
            return None
        return Observation(
            camera_id=self._id,
            track_epoch=self._epoch,
            frame=FrameReference(
                topic=position.topic,
                partition=position.partition,
                offset=position.offset,
                camera_id=frame.camera_id,
                epoch=frame.epoch,
                seq=frame.seq,
            ),
            captured_at=frame.captured_at,
            published_at=frame.published_at,
            detected_at=self._clock.now(),
            width=frame.width,
            height=frame.height,
            objects=objects,
            models=self._models,
            clock=clock,
        )

    def _clock_read(self, at: datetime) -> CameraClock | None:
        """Return what a stage has read of the camera's clock in the picture taken ``at``."""
        for stage in self._stages:
            offset_s = stage.clock_offset_s() if isinstance(stage, TellsTime) else None
            if offset_s is not None and self._judge is not None:
                return self._judge.word(offset_s, "osd", at)
        return None

    def _worth_saying(self, at: datetime, any_objects: bool) -> bool:
        empty_said = self._said_empty and self._said_at is not None and at - self._said_at < EMPTY_EVERY
        if not any_objects and empty_said:
            return False
        self._said_at, self._said_empty = at, not any_objects
        return True


def _shapes(camera: Camera) -> dict[str, object]:
    return {name: (zone.polygon, zone.kind) for name, zone in camera.zones.items()}
