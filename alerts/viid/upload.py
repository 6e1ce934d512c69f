"""Keeps the platform's records of our cameras and tollgates as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from alerts.viid.objects import Report
from alerts.viid.records import Records
from alerts.viid.registration import Registration
from alerts.viid.sender import Sender
from lianfang.errors import PermanentError, TransientError

_log = structlog.get_logger()
_EVERY_S = 5.0


class Upload:
    """Sends what the platform does not have yet, or has otherwise; all of it after each registration.

    Of one event loop. ``look`` gives the records as they should be; TransientError while nobody knows.
    """

    def __init__(
        self, look: Callable[[], Awaitable[Records]], registration: Registration, sender: Sender
    ) -> None:
        self._look, self._registration, self._sender = look, registration, sender
        self._epoch = 0
        self._has: dict[str, Mapping[str, Any]] = {}
        self._refused: dict[str, Mapping[str, Any]] = {}
        self._lacking: Mapping[str, tuple[str, ...]] = {}
        self._trouble = ""

    async def keep(self, every_s: float = _EVERY_S) -> None:
        """Look every ``every_s`` seconds while we are registered; until cancelled."""
        while True:
            if self._registration.epoch:
                try:
                    trouble = await self._turn(self._registration.epoch)
                except TransientError as error:
                    trouble = str(error)
                if trouble and trouble != self._trouble:
                    _log.warning("records_wait", error=trouble)
                self._trouble = trouble
            await asyncio.sleep(every_s)

    async def _turn(self, epoch: int) -> str:
        """Send what is due; return why some of it is to be sent again, "" where nothing is."""
        wanted = await self._look()
        for name, keys in wanted.lacking.items():
            if self._lacking.get(name) != keys:
                _log.warning("record_incomplete", name=name, lacks=", ".join(keys))
        self._lacking = wanted.lacking
        if epoch != self._epoch:  # it may have forgotten everything
            self._epoch, self._has, self._refused = epoch, {}, {}
        due = [r for r in wanted.reports if r.body not in (self._has.get(r.id), self._refused.get(r.id))]
        ends = await asyncio.gather(*(self._send(report) for report in due))
        return next(filter(None, ends), "")

    async def _send(self, report: Report) -> str:
        try:
            await self._sender.send(report, known=report.id in self._has, unsure=True)
        except TransientError as error:
            return str(error)
        except PermanentError as error:
            _log.warning("record_refused", name=report.body["Name"], record=report.id, error=str(error))
            self._refused[report.id] = report.body
        else:
            self._has[report.id] = report.body
        return ""
