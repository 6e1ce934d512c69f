"""How many pictures a second of a camera are published, by the hour."""

from __future__ import annotations

from datetime import datetime

from lianfang.almanac import Almanac
from lianfang.config import Camera
from lianfang.config.schedule import Hours


class Rate:
    """The target of a camera: ``fps``, or what one of its hours says. One thread owns it."""

    def __init__(self, camera: Camera, almanac: Almanac) -> None:
        self._usual = camera.fps
        self._hours = [(Hours(hours.active, almanac), hours.fps) for hours in camera.fps_hours]

    def fps(self, at: datetime) -> float:
        """Return the pictures a second at ``at``; of hours that overlap the first counts."""
        return next((fps for hours, fps in self._hours if hours.applies(at)), self._usual)
