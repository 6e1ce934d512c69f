"""Cameras that are lost together are one outage of what they hang on, and not a fault of each. Pure.

A switch without power takes dozens of cameras with it. Whoever is called dozens of times finds the one camera
that is broken by itself no more, so for a moment after a camera was lost it is waited for whether others are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.rules.base import Member, Sighting
from lianfang.config import Camera, Uplink

TOGETHER = timedelta(seconds=30)
MANY = 5
ZONE = "uplink"
"""Stands in the place of a zone: whoever is there is lost together with others."""
_LOST = frozenset({"offline", "blind"})


@dataclass
class _Outage:
    """The cameras of an uplink that are lost, and since when; those of an outage are ``together``."""

    lost: dict[str, datetime] = field(default_factory=dict)
    together: set[str] = field(default_factory=set)

    def saw(self, camera: str, at: datetime, *, lost: bool) -> None:
        """Take note of what a camera is worth at ``at``."""
        if not lost:
            self.lost.pop(camera, None)
            self.together.discard(camera)
            return
        self.lost.setdefault(camera, at)
        lately = {c for c, since in self.lost.items() if at - since <= TOGETHER}
        if self.together or len(lately) >= MANY:
            self.together |= lately

    def waits(self, camera: str, at: datetime) -> bool:
        """Say whether it may yet turn out that others are lost with the camera."""
        return at - self.lost[camera] < TOGETHER


@dataclass
class Uplinks:
    """The uplinks of a configuration. Only cameras that one worker decides for are seen together."""

    cameras: Mapping[str, Camera]
    uplinks: Mapping[str, Uplink]
    _outages: dict[str, _Outage] = field(default_factory=dict)

    def sorted(self, sighting: Sighting) -> Sighting:
        """Return what a rule about devices sees, with what is lost together in the uplink's ZONE.

        What is lost by itself is not sure until it was waited for.
        """
        camera = self.cameras.get(sighting.camera)
        if camera is None or camera.uplink is None:
            return sighting
        at = sighting.captured_at
        lost = [m for m in sighting.members if m.label in _LOST]
        outage = self._outages.setdefault(camera.uplink, _Outage())
        outage.saw(sighting.camera, at, lost=bool(lost))
        if not lost:
            return sighting
        if sighting.camera in outage.together:
            name = self.uplinks[camera.uplink].name
            members = tuple(_moved(m, name) if m in lost else m for m in sighting.members)
            return replace(sighting, members=members)
        if outage.waits(sighting.camera, at):
            others = tuple(m for m in sighting.members if m not in lost)
            return replace(sighting, members=others, present=(*sighting.present, *lost))
        return sighting


def _moved(member: Member, uplink: str) -> Member:
    return replace(member, zone=ZONE, subject=uplink)
