"""What is seen at a spot that a person dismissed: the thing itself, or somebody who came there. Pure.

A zone is not blinded by a dismissal. Whoever was seen away from the spot is not the thing, however long they
stand there afterwards; nor is a new number at the spot where such a one was lost a moment ago.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.incidents.occupancy import NEW_EPOCH_TAKEOVER, OCCLUSION_TAKEOVER
from alerts.rules.base import Sighting
from alerts.suppression.said import Suppression
from lianfang.events import XYXYN

# Intersection over union with the box that was dismissed. Boxes of a thing that does not move jitter well
# above the first; a person who walks by falls below the second.
AT_SPOT, AWAY = 0.4, 0.1


@dataclass(frozen=True, slots=True)
class Spot:
    """What is known of a dismissed spot: who is the thing, and who came from elsewhere, by track."""

    things: Mapping[str, datetime] = field(default_factory=dict)
    roamers: Mapping[str, datetime] = field(default_factory=dict)
    guest: str = ""
    """The roamer that was at the spot last …"""
    guest_at: datetime | None = None
    """… and when."""


def watched(spot: Spot, word: Suppression, sighting: Sighting) -> Spot:
    """Return what is known of a spot after a sighting."""
    at, seen = sighting.captured_at, (*sighting.members, *sighting.present)
    there = {m.track_id: overlap(m.xyxyn, word.xyxyn) for m in seen if m.track_id}
    roamers = {t: last for t, last in spot.roamers.items() if at - last <= NEW_EPOCH_TAKEOVER}
    roamers |= dict.fromkeys(sighting.elsewhere, at)
    roamers |= {t: at for t, share in there.items() if share < AWAY or t in roamers}
    if spot.guest_at is not None and spot.guest not in there and spot.guest not in sighting.elsewhere:
        same = spot.guest.startswith(f"{sighting.track_epoch}:")
        if at - spot.guest_at <= (OCCLUSION_TAKEOVER if same else NEW_EPOCH_TAKEOVER):
            roamers |= {t: at for t, share in there.items() if share >= AWAY and t not in spot.things}
    things = {t: last for t, last in spot.things.items() if at - last <= NEW_EPOCH_TAKEOVER}
    things |= {t: at for t, share in there.items() if share >= AT_SPOT or t in things}
    things = {t: last for t, last in things.items() if t not in roamers}
    guests = [t for t, share in there.items() if t in roamers and share >= AWAY]
    after = replace(spot, things=things, roamers=roamers)
    return replace(after, guest=guests[0], guest_at=at) if guests else after


def overlap(one: XYXYN, other: XYXYN | None) -> float:
    """Return the intersection over union of two boxes (x_min, y_min, x_max, y_max), 0-1."""
    if other is None:
        return 0.0
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (_area(one) + _area(other) - width * height)


def _area(box: XYXYN) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
