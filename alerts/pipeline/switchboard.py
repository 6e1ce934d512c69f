"""Tells on the bus what people change of the configuration: ingest and detectors have no store."""

from __future__ import annotations

import threading

import structlog

from alerts.settings import Settings
from lianfang.bus import Bus
from lianfang.clock import Clock
from lianfang.codec import encode_version
from lianfang.errors import LianfangError
from lianfang.events import SETTINGS, ConfigVersion
from lianfang.following import key_of

_log = structlog.get_logger()

_EVERY_S = 0.25
_ANSWER_S = 5.0


class Switchboard:
    """Says it at the start and when it changes, before it is in force; a bus that is away is told later."""

    def __init__(self, settings: Settings, bus: Bus, clock: Clock) -> None:
        self._settings, self._bus, self._clock = settings, bus, clock
        self._said: int | None = None

    def run(self, stop: threading.Event) -> None:
        """Tell until ``stop``."""
        while True:
            try:
                self.tell()
            except (LianfangError, TimeoutError) as error:
                _log.debug("settings_not_said", reason=str(error))
            if stop.wait(_EVERY_S):
                return

    def tell(self) -> None:
        """Say the newest version if it was not said before; without any, that it is the file."""
        newest = self._settings.newest()
        number = newest.number if newest else 0
        if number == self._said:
            return
        said = ConfigVersion(
            version=number,
            since=newest.since if newest else self._clock.now(),
            changes=newest.changes.model_dump(mode="json", exclude_defaults=True, exclude={"lists"})
            if newest
            else {},  # without lists: who is on one concerns rules alone
        )
        self._bus.publish(SETTINGS, key_of(number), *encode_version(said)).result(_ANSWER_S)
        self._said = number
