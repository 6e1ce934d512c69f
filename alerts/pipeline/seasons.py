"""What the day is like, as people want to know it: profile and version in force, calendars that have ended.

It decides nothing: each picture is judged by what was in force when it was taken. Here it is only said, in
the log once when it changes, and in the metrics.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from alerts.profiles import InForce, Profiles
from alerts.settings import Settings
from lianfang.clock import Clock
from lianfang.config.profiles import EVERYDAY
from lianfang.errors import TransientError

_log = structlog.get_logger()

_EVERY_S = 0.5


class Seasons(Collector):
    """Looks at the store and the clock twice a second. Thread-safe."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._config, self._clock = settings, settings.file, clock
        self._profiles = Profiles(settings.file)
        self._version = 0
        self._in_force = InForce(EVERYDAY, "otherwise")
        self._ended: frozenset[Path] = frozenset()

    def run(self, stop: threading.Event) -> None:
        """Look until ``stop``. A store that is away changes nothing of what was known."""
        while True:
            try:
                self.look()
            except (TransientError, SQLAlchemyError) as error:
                _log.debug("profile_not_read", reason=str(error))
            if stop.wait(_EVERY_S):
                return

    def look(self) -> None:
        """Look once."""
        now = self._clock.now()
        found = self._profiles.at(now, self._settings.look().switches)
        if found.profile != self._in_force.profile:
            by = found.switch.by if found.switch else ""
            _log.info("profile_in_force", profile=found.profile, why=found.why, by=by)
        self._in_force = found
        version = self._settings.version()
        if version is not None and version.number != self._version:
            _log.info("version_in_force", version=version.number)
            self._version = version.number
        today = now.astimezone(self._config.community.zone).date()
        ended = dict(self._config.community.calendar.ended(today))
        for file in sorted(ended.keys() - self._ended):
            _log.warning("calendar_ended", calendar=str(file), last=ended[file].isoformat())
        self._ended = frozenset(ended)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the metrics as of now."""
        in_force = GaugeMetricFamily(
            "lianfang_profile_in_force", "1 for the profile in force, 0 for the others", labels=["profile"]
        )
        for profile in (EVERYDAY, *self._config.profiles):
            in_force.add_metric([profile], float(profile == self._in_force.profile))
        left = GaugeMetricFamily(
            "lianfang_calendar_days_left",
            "Days until a calendar ends; it says nothing below 0",
            labels=["calendar"],
        )
        today = self._clock.now().astimezone(self._config.community.zone).date()
        for file, last in self._config.community.calendar.ends.items():
            left.add_metric([file.name], (last - today).days)
        yield in_force
        yield left
