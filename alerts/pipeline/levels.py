"""Readings that put profiles in force: what a level did is written down as a switch, which all go by."""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from alerts.profiles import exceeded
from alerts.sensors import fault
from alerts.store import switches
from lianfang.config import Config
from lianfang.events import Reading

_log = structlog.get_logger()


def follow(session: Session, config: Config, reading: Reading, now: datetime) -> None:
    """Begin or end what the levels of ``config`` say of a reading, in the caller's transaction.

    It takes effect a moment after ``now``, and not when the reading was taken: pictures of that time have
    been judged. A sensor that is silent, or says what it cannot measure, switches nothing.
    """
    for name, profile in config.profiles.items():
        level = profile.level
        if level is None or level.sensor != reading.source:
            continue
        if reading.value is None or fault(config.sensors[level.sensor], reading) is not None:
            continue
        before = switches.is_exceeded(session, name)
        after = exceeded(level, before, reading.value)
        if after == before:
            continue
        if after:
            reason = f"{reading.value:g} {reading.unit}".strip()
            switches.begin(session, name, "level", level.sensor, now, reason=reason)
        else:
            switches.end_level(session, name, level.sensor, now)
        _log.info("level_crossed", profile=name, sensor=level.sensor, value=reading.value, exceeded=after)
