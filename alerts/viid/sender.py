"""Objects that the platform may or may not have: a new one is posted, one that it has is changed with PUT."""

from __future__ import annotations

from alerts.viid.codes import StatusCodes
from alerts.viid.collector import Collector, Method
from alerts.viid.objects import Report
from lianfang.errors import PermanentError


class Sender:
    """Sends objects until the platform's word is that it has them. Of one event loop."""

    def __init__(self, collector: Collector, codes: StatusCodes) -> None:
        self._collector, self._codes = collector, codes

    async def send(self, report: Report, *, known: bool, unsure: bool) -> None:
        """Return once the platform has ``report``; TransientError and PermanentError as it says.

        ``known``: it has an older one of that id, and is sent a PUT. ``unsure``: it may have lost it, or have
        it all the same; where the one way is refused, the other is tried.
        """
        ways: tuple[Method, Method] = ("PUT", "POST") if known else ("POST", "PUT")
        try:
            await self._one(report, ways[0])
        except PermanentError as refusal:
            if not unsure or refusal.disable:
                raise
            try:
                await self._one(report, ways[1])
            except PermanentError as second:
                # What it says of a POST is about the object, of a PUT perhaps only that it has none.
                raise second if known else refusal from None

    async def _one(self, report: Report, method: Method) -> None:
        (await self._collector.send(report, method)).check(self._codes)
