"""How much the whole community has heard lately: a storm of alarms must not make it deaf to all of them.

Each speaker has a share of its own (``SpeakerConfig``); this is about all of them together, and about a
camera whose zones have several.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from alerts.store.spoken import lately
from lianfang.config.community import Broadcasts

_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Spent:
    """What was said in an hour, or is going to be, by the camera that saw why."""

    bounds: Broadcasts
    by_camera: Counter[str]

    @property
    def is_used_up(self) -> bool:
        """Whether the community has heard enough."""
        return self.by_camera.total() >= self.bounds.per_hour

    def is_enough(self, camera: str) -> bool:
        """Say whether nothing more may be said of what a camera sees."""
        return self.is_used_up or self.by_camera[camera] >= self.bounds.camera_per_hour


def spent(session: Session, bounds: Broadcasts, at: datetime) -> Spent:
    """Return what was said in the hour up to ``at``."""
    return Spent(bounds, Counter(spoken.camera for spoken in lately(session, at, _HOUR)))
