"""Which zones no camera sees and no speaker reaches, by what people found out on the spot. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.channels.base import SpeakerConfig
from alerts.store.walks import AudibilityRow, WalkTestRow
from alerts.walks import Verdict, verdict
from lianfang.config import Config, Point
from lianfang.config.map import Position
from lianfang.config.sharing import heard_at

_MONTH = timedelta(days=30.44)
_NEAR_M = 10.0  # where nobody knows how far off a speaker is: who does not hear it there hears it nowhere
_EARTH_M = 6_371_000.0


class Sight(StrEnum):
    """Whether a camera sees a zone; but for the first one it is a gap."""

    SEEN = "seen"
    UNTRIED = "untried"  # nobody has walked there
    OLD = "old"  # the last walk test is long ago
    MISSED = "missed"  # the last walk test at some distance was not seen
    OFFLINE = "offline"  # the camera gives no picture, or none of its scene
    DISABLED = "disabled"  # the camera is switched off
    NONE = "none"  # the point has no camera


class Hearing(StrEnum):
    """Whether a speaker is heard in a zone; but for the first one it is a gap."""

    HEARD = "heard"
    UNTRIED = "untried"  # nobody has listened there
    NOT_HEARD = "not_heard"  # who listened there did not hear it
    FAULTY = "faulty"  # no speaker of the zone works
    NONE = "none"  # the zone names no speaker


@dataclass(frozen=True, slots=True)
class Covered:
    """A zone, or a point without any camera (``camera`` and ``zone`` are ""); ``walk`` is what says so."""

    point: str
    camera: str
    zone: str
    sight: Sight
    hearing: Hearing
    walk: WalkTestRow | None = None


@dataclass(frozen=True)
class Known:
    """What is known now: cameras that give no picture, how speakers are, the newest tests."""

    blind: frozenset[str]
    healths: Mapping[str, str]
    walks: Sequence[WalkTestRow]
    heard: Sequence[AudibilityRow]


def covered(config: Config, known: Known, now: datetime) -> list[Covered]:
    """Return every zone of the configuration, and the points that have no camera."""
    found = [
        _zone(config, known, camera, zone, now)
        for camera, stanza in config.cameras.items()
        for zone in stanza.zones
    ]
    watched = {camera.point for camera in config.cameras.values()}
    alone = (point for point in config.points if point not in watched)
    return found + [Covered(point, "", "", Sight.NONE, Hearing.NONE) for point in alone]


def _zone(config: Config, known: Known, camera: str, zone: str, now: datetime) -> Covered:
    mine = [row for row in known.walks if (row.camera, row.zone) == (camera, zone)]
    missed = [row for row in mine if verdict(row, now) is Verdict.MISSED]
    newest = max(missed or mine, key=lambda row: row.started_at, default=None)
    stanza = config.cameras[camera]
    if not stanza.enabled:
        sight = Sight.DISABLED
    elif camera in known.blind:
        sight = Sight.OFFLINE
    elif newest is None:
        sight = Sight.UNTRIED
    elif missed:
        sight = Sight.MISSED
    else:
        months = config.community.walk_test_months
        sight = Sight.OLD if now - newest.started_at > months * _MONTH else Sight.SEEN
    return Covered(stanza.point, camera, zone, sight, _hearing(config, known, camera, zone), newest)


def _hearing(config: Config, known: Known, camera: str, zone: str) -> Hearing:
    speakers = config.cameras[camera].zones[zone].speakers
    if not speakers:
        return Hearing.NONE
    working = [speaker for speaker in speakers if known.healths.get(speaker) == "ready"]
    if not working:
        return Hearing.FAULTY
    found = {_heard(config, known.heard, speaker, camera, zone) for speaker in working}
    order = (Hearing.HEARD, Hearing.UNTRIED, Hearing.NOT_HEARD)
    return next(hearing for hearing in order if hearing in found)


def _heard(config: Config, rows: Iterable[AudibilityRow], speaker: str, camera: str, zone: str) -> Hearing:
    """Return how a speaker is heard in a zone: by who stood there, else by how far off it is heard."""
    mine = [row for row in rows if row.speaker == speaker]
    there = [row for row in mine if (row.camera, row.zone) == (camera, zone)]
    if there:
        last = max(there, key=lambda row: row.at)
        return Hearing.NOT_HEARD if last.heard == "not" else Hearing.HEARD
    metres = _metres(config, speaker, camera)
    if metres is not None and any(row.heard != "not" and row.distance_m >= metres for row in mine):
        return Hearing.HEARD
    limit = _NEAR_M if metres is None else metres
    lost = any(row.heard == "not" and row.distance_m <= limit for row in mine)
    return Hearing.NOT_HEARD if lost else Hearing.UNTRIED


def _metres(config: Config, speaker: str, camera: str) -> float | None:
    """Return how far a speaker is from a camera's point; None where that is not known."""
    stanza, point = config.receivers[speaker], config.cameras[camera].point
    own = stanza.position if isinstance(stanza, SpeakerConfig) else None
    stands = heard_at(config, speaker)
    if own is None and stands == point:
        return 0.0
    here, there = own or config.points.get(stands or ""), config.points.get(point)
    return None if here is None or there is None else _between(here, there)


def _between(a: Point | Position, b: Point | Position) -> float | None:
    """Return the metres between two places of one datum; over a community the earth is flat."""
    if None in (a.longitude, a.latitude, b.longitude, b.latitude) or (a.datum == "gcj02") != (
        b.datum == "gcj02"
    ):
        return None
    assert a.longitude is not None and a.latitude is not None  # noqa: S101, PT018 - said above
    assert b.longitude is not None and b.latitude is not None  # noqa: S101, PT018
    north = math.radians(b.latitude - a.latitude)
    east = math.radians(b.longitude - a.longitude) * math.cos(math.radians(a.latitude))
    return math.hypot(north, east) * _EARTH_M
