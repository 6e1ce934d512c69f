"""Since when each camera has been looked at without a break. Pure.

A detector that died, a bus that was away, a camera that was lost: for a while nobody looked. Trackers begin
anew after it, people have moved, and whoever is not seen at once has not left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lianfang.config import Camera

_BREAK = timedelta(seconds=3)  # an empty view is said every second, one with people at every frame
_BREAK_FRAMES = 3  # a slow camera has longer pauses between any two pictures


BLIND = timedelta(seconds=5)  # a river camera that nobody has looked at for so long sees nobody drown


@dataclass
class Coverage:
    """The cameras of a configuration, and what is known of each: (since, time of the last observation)."""

    cameras: Mapping[str, Camera]
    _looks: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)

    def since(self, camera_id: str, at: datetime) -> datetime:
        """Take note of an observation at ``at``; return when the unbroken look began that it belongs to."""
        pause = max(_BREAK, timedelta(seconds=_BREAK_FRAMES / self.cameras[camera_id].fps))
        since, last = self._looks.get(camera_id, (at, at))
        if not timedelta(0) <= at - last < pause:
            since = at
        self._looks[camera_id] = since, at
        return since

    def is_blind(self, camera_id: str, at: datetime) -> bool:
        """Say whether, by the log, nobody had looked at the camera for a while at ``at``."""
        return camera_id not in self._looks or at - self._looks[camera_id][1] >= BLIND
