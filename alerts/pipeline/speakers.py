"""Which speakers may speak now: neighbours sleep, and a speaker that cries wolf is heard no more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.channels.base import SpeakerConfig
from alerts.rules.base import RuleSettings
from alerts.store.schema import IncidentRow, OutboxRow
from lianfang.config import Config

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_SLOWED = timedelta(minutes=1)  # between two speeches that save lives, where a speaker has said its share


def covering(config: Config, rule: RuleSettings, row: IncidentRow) -> tuple[str, ...]:
    """Return the speakers that are heard where an incident is, nearest first.

    They are those of its zone; for a sensor, which stands in none, those that its rule names or else those of
    every zone at its point.
    """
    camera = config.cameras.get(row.camera)
    if camera is not None:
        zone = camera.zones.get(row.zone)
        return zone.speakers if zone else ()
    if named := getattr(rule, "speakers", ()):
        return tuple(named)
    here = (camera for camera in config.cameras.values() if camera.point == row.point)
    return tuple(dict.fromkeys(s for camera in here for zone in camera.zones.values() for s in zone.speakers))


def allowed(
    session: Session, config: Config, rule: RuleSettings, speakers: Sequence[str], at: datetime
) -> tuple[tuple[str, ...], str]:
    """Return those of ``speakers`` that may speak for ``rule`` of what was seen at ``at``, in their order.

    Where there are none, the word beside them says why.
    """
    silent = {speaker: _silent(session, config, rule, speaker, at) for speaker in speakers}
    free = tuple(speaker for speaker, reason in silent.items() if not reason)
    return free, "" if free else next(iter(silent.values()), "no_speaker_covers_the_zone")


def _silent(session: Session, config: Config, rule: RuleSettings, speaker: str, at: datetime) -> str:
    """Return why the speaker may not speak now, "" where it may."""
    settings = config.receivers.get(speaker)
    if not isinstance(settings, SpeakerConfig):
        return ""
    quiet = partial(settings.quiet.applies, zone=config.community.zone)
    if quiet(at) and not rule.life_safety:
        return "quiet_hours"
    said = _said(session, speaker, at)
    used_up = (
        len(said) >= settings.per_day
        or sum(at - s < _HOUR for s in said) >= settings.per_hour
        or (quiet(at) and sum(map(quiet, said)) >= settings.per_night)
    )
    if not used_up or (rule.life_safety and at - said[-1] >= _SLOWED):
        return ""
    return "speaker_has_said_enough"


def _said(session: Session, speaker: str, at: datetime) -> list[datetime]:
    """Return for what, in the day up to ``at``, the speaker has spoken or is going to; oldest first."""
    query = select(OutboxRow.captured_at).where(
        OutboxRow.receiver == speaker,
        OutboxRow.kind == "speech",
        OutboxRow.captured_at > at - _DAY,
        OutboxRow.state.in_(("pending", "delivered")),  # what was not heard annoyed nobody
    )
    return sorted(session.scalars(query))
