"""Since when each camera has been looked at without a break, and when each sensor last spoke. Pure.

A detector that died, a bus that was away, a camera that was lost: for a while nobody looked. Trackers begin
anew after it, people have moved, and whoever is not seen at once has not left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.pipeline.order import Event, is_said_of
from alerts.rules.base import EVER
from lianfang.config import Camera, Sensor
from lianfang.events import CameraCondition, CameraState, Observation, Reading

_BREAK = timedelta(seconds=3)  # an empty view is said every second, one with people at every frame
_BREAK_FRAMES = 3  # a slow camera has longer pauses between any two pictures

_AWAY = timedelta(seconds=30)  # lost for so long, a camera shows another scene than before
BLIND = timedelta(seconds=5)  # a river camera that nobody has looked at for so long sees nobody drown


@dataclass
class Coverage:
    """Cameras and sensors of a configuration; of each: (since, time of the last observation or reading)."""

    cameras: Mapping[str, Camera]
    sensors: Mapping[str, Sensor] = field(default_factory=dict)
    _looks: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    _lost: dict[str, datetime] = field(default_factory=dict)
    _back: dict[str, datetime] = field(default_factory=dict)
    blinded: set[str] = field(default_factory=set)
    """Cameras whose pictures do not show their scene: they prove nobody's absence."""

    def take(self, event: Event) -> datetime:
        """Take note of ``event``; return when the unbroken look began that it belongs to."""
        if isinstance(event, Observation):
            return self.since(event.source, event.captured_at)
        if isinstance(event, Reading) and event.value is not None and event.camera_id is None:
            self.heard(event.source, event.captured_at)
        elif isinstance(event, CameraState) and not is_said_of(event):
            self.told(event)
        return EVER

    def since(self, camera_id: str, at: datetime) -> datetime:
        """Take note of an observation at ``at``; return when the unbroken look began that it belongs to."""
        pause = max(_BREAK, timedelta(seconds=_BREAK_FRAMES / self.cameras[camera_id].least_fps))
        since, last = self._looks.get(camera_id, (at, at))
        if not timedelta(0) <= at - last < pause:
            since = at
        self._looks[camera_id] = since, at
        lost_at = self._lost.pop(camera_id, None)
        if lost_at is not None and at - lost_at >= _AWAY:
            self._back[camera_id] = at
        return since

    def told(self, state: CameraState) -> None:
        """Take note of what a camera's own stream says of it."""
        if state.condition is CameraCondition.OFFLINE:
            self._lost.setdefault(state.camera_id, state.captured_at)
        if state.is_blinded:
            self.blinded.add(state.camera_id)
        else:
            self.blinded.discard(state.camera_id)

    def back_at(self, camera_id: str) -> datetime | None:
        """Return when the camera came back after it was lost for a while, None where it never did."""
        return self._back.get(camera_id)

    def heard(self, sensor_id: str, at: datetime) -> None:
        """Take note of a reading at ``at``."""
        self._looks[sensor_id] = at, at

    def is_missed(self, source: str, at: datetime) -> bool:
        """Say whether, by the log, a camera was not looked at, or a sensor silent, for a while at ``at``."""
        sensor = self.sensors.get(source)
        patience_s = sensor.patience_s if sensor else BLIND.total_seconds()
        last = self._looks.get(source)
        return last is None or (at - last[1]).total_seconds() >= patience_s
