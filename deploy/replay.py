"""A camera's pictures through its own stages, rules and incidents, on the time of the pictures.

The code is that of the services, without bus, store and receivers: nothing is written, nobody is told, no
speaker speaks, and it goes as fast as it can.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import simplejpeg

from alerts.incidents.incident import Incident
from alerts.incidents.model import ChangeKind
from alerts.pipeline.decide import Decider
from alerts.pipeline.order import Event, Order
from alerts.pipeline.rulebook import RuleBook
from alerts.suppression.noise import ALARMS
from detectors.camera import WatchedCamera
from detectors.stages.base import Stage
from ingest.health.watch import ViewWatch
from lianfang import plugins
from lianfang.bus import Position
from lianfang.clock import SystemClock
from lianfang.config import Config
from lianfang.events import FRAMES, CameraCondition, CameraState, DetectedObject, Frame


@dataclass(frozen=True)
class Alarm:
    """What an operator would have been told at ``at``, the time of the picture that caused it."""

    rule: str
    place: str
    at: datetime
    kind: ChangeKind


def stages_of(config: Config, names: Iterable[str]) -> dict[str, Stage]:
    """Return the stages ``names`` with their models loaded; ModelError where one is missing or altered."""
    return {
        name: plugins.build("detectors.stages", config.detectors[name], config.models_dir)
        for name in dict.fromkeys(names)
    }


class Replay:
    """One camera from its first picture on. ``stages`` may be shared by several replays."""

    def __init__(self, config: Config, camera_id: str, stages: Mapping[str, Stage]) -> None:
        # Its clock only says when a picture was looked at, which no rule reads.
        self._camera = WatchedCamera(camera_id, config.cameras[camera_id], stages, SystemClock())
        self._view = ViewWatch(config.cameras[camera_id].health)
        self._order, self._decider = Order(), Decider(RuleBook(config))
        self.alarms: list[Alarm] = []
        """What has been raised so far."""
        self.incidents: dict[str, Incident] = {}
        """Every incident so far by its id, as it is now."""

    def look(self, frame: Frame) -> tuple[DetectedObject, ...]:
        """Return what is seen in ``frame``, and raise what follows from it.

        DecodeError where the frame is not what it says; ValueError where it is not after the last one.
        """
        observation = self._camera.look(frame, Position(FRAMES, 0, frame.seq))
        luma = simplejpeg.decode_jpeg(frame.pixels, "GRAY")[..., 0]
        if self._view.look(luma, frame.captured_at.timestamp()):
            self._decide(self._state(frame))
        if observation is None:
            return ()
        self._decide(observation)
        return observation.objects

    def _state(self, frame: Frame) -> CameraState:
        """Return what ingest would say of the camera with ``frame``."""
        return CameraState(
            camera_id=frame.camera_id,
            condition=CameraCondition.ONLINE,
            captured_at=frame.captured_at,
            epoch=frame.epoch,
            faults=tuple(sorted(self._view.faults)),
        )

    def _decide(self, event: Event) -> None:
        if self._order.admit(event) is not None:
            return
        for decision in self._decider.decide(event):
            self.incidents[decision.incident.id] = decision.incident
            self.alarms += [
                Alarm(decision.rule, decision.incident.place, change.at, change.kind)
                for change in decision.changes
                if change.kind in ALARMS
            ]
