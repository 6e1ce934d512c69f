"""For how much of a day a platform kept us registered and cameras gave pictures, and its clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from alerts.store import uptime
from lianfang.events import CameraCondition

_ONLINE = frozenset({CameraCondition.ONLINE, CameraCondition.DEGRADED, CameraCondition.NOISY})
_NONE = timedelta()


@dataclass(frozen=True, slots=True)
class ClockError:
    """By how many seconds a platform's clock was ahead of ours, as often as it was compared."""

    times: int
    least_s: float
    most_s: float
    last_s: float


@dataclass(frozen=True, slots=True)
class Pictures:
    """Share of the time, 0-1, for which a camera's stream came, and for which nobody knows."""

    online: float
    unknown: float


def link(session: Session, receiver: str, begin: datetime, end: datetime) -> float | None:
    """Return the share of the time, 0-1, for which ``receiver`` kept us registered; None where nobody noted.

    To within a keepalive: a registration counts up to the last word that was answered.
    """
    if end <= begin or not uptime.ever_linked(session, receiver):
        return None
    spans = uptime.links(session, receiver, begin, end)
    return _covered(spans, begin, end) / (end - begin)


def clock(session: Session, receiver: str, begin: datetime, end: datetime) -> ClockError | None:
    """Return how far off the clock of ``receiver`` was; None where it was not compared."""
    found = uptime.offsets(session, receiver, begin, end)
    return ClockError(len(found), min(found), max(found), found[-1]) if found else None


def cameras(session: Session, names: Iterable[str], begin: datetime, end: datetime) -> dict[str, Pictures]:
    """Return for how much of the time each camera gave pictures, by its stream's own word."""
    if end <= begin:
        return {}
    found = {}
    for name in names:
        changes = uptime.camera_changes(session, name, begin, end)
        bounds = [min(max(since, begin), end) for since, _ in changes] + [end]
        lasted = [(said, bounds[i + 1] - bounds[i]) for i, (_, said) in enumerate(changes)]
        online = sum((time for said, time in lasted if said in _ONLINE), _NONE)
        found[name] = Pictures(online / (end - begin), (bounds[0] - begin) / (end - begin))
    return found


def _covered(spans: Sequence[tuple[datetime, datetime]], begin: datetime, end: datetime) -> timedelta:
    """Return how long any of ``spans``, which are in the order of their beginnings, lasts."""
    total, reached = _NONE, begin
    for since, until in spans:
        if min(until, end) > max(since, reached):
            total += min(until, end) - max(since, reached)
            reached = min(until, end)
    return total
