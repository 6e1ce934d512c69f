"""A camera's pictures through its own stages, rules and incidents, on the time of the pictures.

The code is that of the services, without bus, store and receivers: nothing is written, nobody is told, no
speaker speaks, and it goes as fast as it can.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from alerts.incidents.incident import Incident
from alerts.incidents.model import ChangeKind
from alerts.pipeline.decide import Decider
from alerts.pipeline.order import Order
from alerts.pipeline.rulebook import RuleBook
from alerts.suppression.noise import ALARMS
from detectors.camera import WatchedCamera
from detectors.stages.base import Stage
from lianfang import plugins
from lianfang.bus import Position
from lianfang.clock import SystemClock
from lianfang.config import Config
from lianfang.events import FRAMES, DetectedObject, Frame


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
        if observation is None or self._order.admit(observation) is not None:
            return ()
        for decision in self._decider.decide(observation):
            self.incidents[decision.incident.id] = decision.incident
            self.alarms += [
                Alarm(decision.rule, decision.incident.place, change.at, change.kind)
                for change in decision.changes
                if change.kind in ALARMS
            ]
        return observation.objects
