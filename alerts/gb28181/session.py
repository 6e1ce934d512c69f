"""Being registered at a platform of GB/T 28181: kept alive, registered again, and asked by it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import structlog

from alerts import clock_offset
from alerts.clock_offset import ClockOffset
from alerts.gb28181 import xml
from alerts.gb28181.xml import BadXml, Declared, document, element
from alerts.link_time import LinkTime, Note
from alerts.sip.agent import Agent, Answer
from alerts.sip.message import Request, Response, parameters
from lianfang.clock import Clock
from lianfang.errors import PermanentError, TransientError
from lianfang.tasks import end

_log = structlog.get_logger()
_LOST_AFTER = 3  # keepalives in a row that nobody answered
_LEAVE_S = 3.0
_MOST_ANSWERING = 8  # questions that are answered at the same time
_KNOWN = frozenset({"INVITE", "BYE", "CANCEL", "SUBSCRIBE", "NOTIFY", "INFO", "REGISTER", "REFER", "UPDATE"})
_UNKNOWN_THERE = frozenset({401, 403, 404, 407})
_LATER = frozenset({408, 423, 429, 480, 486, 600})
_SECONDS = re.compile(r"[0-9]{1,9}")
_OK: Answer = (200, "OK")


@dataclass(frozen=True, slots=True)
class Names:
    """What is called what: our device, the platform's address and its name in messages."""

    device: str
    device_uri: str
    platform_uri: str


Answers = Callable[[ET.Element], Iterable[ET.Element]]
"""Gives what a question or command of the platform is answered; not called on the event loop."""
Heard = Callable[[str, str], None]
"""Takes the platform's word about an alarm: its SN and the Result."""


class Session:
    """Tells a platform things as a registered device, and answers it. Of one event loop.

    ``make`` gives the agent, which hands the platform's requests to what it is given; ``linked`` notes for
    how long the platform has kept us registered, ``compared`` how its clock differs; ``zone`` is its own.
    """

    def __init__(
        self,
        make: Callable[[Callable[[Request], Answer]], Agent],
        names: Names,
        clock: Clock,
        zone: ZoneInfo,
        next_number: Callable[[], int],
        heard: Heard,
        answers: Answers,
        *,
        declared: Declared,
        expires_s: int,
        linked: Note | None = None,
        compared: clock_offset.Note | None = None,
    ) -> None:
        self._agent, self._names, self._clock, self._zone = make(self._asked), names, clock, zone
        self._next_number, self._heard, self._answers = next_number, heard, answers
        self._declared, self._expires_s = declared, expires_s
        self._registering = asyncio.Lock()
        self._contact = ""  # under which we are registered; "" where we are not
        self._refresh_at_s = 0.0
        self._answering: set[asyncio.Task[None]] = set()
        self._trouble = ""
        self._link = LinkTime(clock, linked)
        self._offset = ClockOffset(names.device, clock, compared)
        self.offset_s: float | None = None
        """By how many seconds the platform's clock was ahead of ours; None where it tells no time."""

    async def tell(self, body: ET.Element) -> None:
        """Send a document and return once the platform has taken it.

        A platform that does not know us is registered at, and told again. TransientError, PermanentError by
        what it answers; TooLong where a datagram is too short for it.
        """
        contact = await self.registered()
        response = await self._message(body)
        if response.status in _UNKNOWN_THERE:
            self._forget(contact)
            await self.registered()
            response = await self._message(body)
        _check(response)

    async def registered(self) -> str:
        """Register where we are not, or will not be for long, and return under which address we are."""
        async with self._registering:
            contact = await self._agent.contact()
            if contact == self._contact and self._clock.monotonic() < self._refresh_at_s:
                return contact
            known, self._contact = self._contact, ""
            granted_s = await self._register(contact, self._expires_s)
            self._contact, self._refresh_at_s = contact, self._clock.monotonic() + granted_s / 2
            if contact != known:
                _log.info("platform_registered", device=self._names.device)
            return contact

    async def keep(self, every_s: float) -> None:
        """Say that we are there every ``every_s`` seconds, until cancelled."""
        unanswered = 0
        while True:
            try:
                await self.tell(self._keepalive())
            except (TransientError, PermanentError) as error:
                unanswered += 1
                self._link.lost()
                self._complain(str(error))
                if unanswered % _LOST_AFTER == 0:  # we, or it, may be at another address now
                    await self._agent.close()
            else:
                unanswered = 0
                self._complain("")
                await self._link.alive()
            left_s = max(self._refresh_at_s - self._clock.monotonic(), 1.0) if self._contact else every_s
            await asyncio.sleep(min(every_s, left_s))

    async def close(self) -> None:
        """Unregister, if we are registered and it answers soon, and close the way."""
        await end(*self._answering)
        contact, self._contact = self._contact, ""
        if contact:
            with suppress(TransientError, PermanentError, TimeoutError):
                async with asyncio.timeout(_LEAVE_S):
                    await self._register(contact, 0)
        await self._agent.close()

    async def _register(self, contact: str, expires_s: int) -> float:
        """Return for how many seconds we are registered."""
        response = await self._ask_to_register(contact, expires_s)
        least_s = _seconds(response.headers.get("Min-Expires"))
        if response.status == 423 and least_s and expires_s:
            response = await self._ask_to_register(contact, expires_s := int(least_s))
        if response.status in _UNKNOWN_THERE:
            raise TransientError(f"does not let us in: {_said(response)}")
        _check(response)
        await self._compare(response.headers.get("Date"))
        own = parameters(response.headers.get("Contact").partition(">")[2]).get("expires", "")
        return _seconds(own) or _seconds(response.headers.get("Expires")) or expires_s

    async def _compare(self, told: str) -> None:
        """Compare clocks, where the platform tells its own (校时)."""
        theirs = _time(told, self._zone)
        if theirs is not None:
            self.offset_s = round((theirs - self._clock.now()).total_seconds(), 1)
            await self._offset.found(self.offset_s)

    async def _ask_to_register(self, contact: str, expires_s: int) -> Response:
        names, more = self._names, (("Contact", contact), ("Expires", str(expires_s)))
        return await self._agent.ask("REGISTER", names.platform_uri, names.device_uri, more, is_bound=True)

    async def _message(self, body: ET.Element) -> Response:
        uri = self._names.platform_uri
        data = xml.write(body, self._declared)
        return await self._agent.ask("MESSAGE", uri, uri, (("Content-Type", xml.MEDIA),), data)

    def _keepalive(self) -> ET.Element:
        return document(
            "Notify",
            element("CmdType", "Keepalive"),
            element("SN", self._next_number()),
            element("DeviceID", self._names.device),
            element("Status", "OK"),
        )

    def _asked(self, request: Request) -> Answer:
        """Answer a request of the platform."""
        if request.method == "MESSAGE":
            return self._hear(request)
        if request.method == "OPTIONS":
            return _OK
        return (405, "Method Not Allowed") if request.method in _KNOWN else (501, "Not Implemented")

    def _hear(self, request: Request) -> Answer:
        """Answer a message; what needs a document as its answer gets one afterwards."""
        if request.headers.get("Content-Type").partition(";")[0].strip().lower() != xml.MEDIA.lower():
            return 415, "Unsupported Media Type"
        try:
            said = xml.read(request.body)
        except BadXml:
            return 400, "Bad Request"
        if said.tag == "Response" and said.findtext("CmdType") == "Alarm":
            self._heard(said.findtext("SN", "").strip(), said.findtext("Result", "").strip())
            return _OK
        if said.tag in {"Query", "Control"}:
            return self._ask_for(said)
        return 501, "Not Implemented"

    def _ask_for(self, said: ET.Element) -> Answer:
        if len(self._answering) >= _MOST_ANSWERING:
            return 503, "Service Unavailable"
        task = asyncio.create_task(self._reply(said))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        return _OK

    async def _reply(self, said: ET.Element) -> None:
        command = said.findtext("CmdType", "")
        _log.info("platform_asked", device=self._names.device, command=command[:40])
        try:
            for body in await asyncio.to_thread(lambda: list(self._answers(said))):
                await self.tell(body)
        except (TransientError, PermanentError, ValueError) as error:
            _log.warning("platform_not_answered", device=self._names.device, error=str(error))

    def _forget(self, contact: str) -> None:
        if contact == self._contact:  # or we have registered since
            self._contact = ""
            self._link.lost()

    def _complain(self, trouble: str) -> None:
        """Log when the trouble changes, and once when it is over."""
        if trouble and trouble != self._trouble:
            _log.warning("platform_not_kept", device=self._names.device, error=trouble)
        elif self._trouble and not trouble:
            _log.info("platform_recovered", device=self._names.device, after=self._trouble)
        self._trouble = trouble


def _check(response: Response) -> None:
    """Return for 2xx; raise what any other status means for an attempt."""
    status = response.status
    if 200 <= status < 300:
        return
    if status in _UNKNOWN_THERE | _LATER or 500 <= status < 600:
        wait_s = _seconds(response.headers.get("Retry-After"))
        raise TransientError(f"answered {_said(response)}", None if wait_s is None else min(wait_s, 3600.0))
    if 300 <= status < 400:
        raise PermanentError(f"answered {status}: redirects are not followed")
    raise PermanentError(f"answered {_said(response)}")


def _said(response: Response) -> str:
    reason = "".join(c for c in response.reason[:100] if c.isprintable())
    return f"{response.status} {reason}".strip()


def _time(text: str, zone: ZoneInfo) -> datetime | None:
    """Return a time as GB/T 28181 writes it, local and without its zone, or as RFC 3261 does; else None."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        with suppress(ValueError):
            at = read(text.strip())
            return at if at.tzinfo else at.replace(tzinfo=zone)
    return None


def _seconds(text: str) -> float | None:
    found = _SECONDS.match(text)
    return float(found[0]) if found else None
