"""``kind: gb28181``: incidents as alarms of GB/T 28181, by SIP, for a video platform of the police.

See docs/protocols/gb28181.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

from pydantic import Field

from alerts.channels.base import Delivery, Receipt, Site
from alerts.clock_offset import registered_as
from alerts.corrections import check_codes
from alerts.gb28181 import codes, desk
from alerts.gb28181.alarm import Alarms
from alerts.gb28181.desk import Installation
from alerts.gb28181.numbers import Numbers
from alerts.gb28181.session import Names, Session
from alerts.gb28181.xml import Declared
from alerts.notice_settings import NoticeConfig
from alerts.notice_text import Template, Worded
from alerts.payload import WITHDRAWN, Datum, Notice, notice_of
from alerts.sip.agent import Agent, Login, TooLong
from alerts.sip.link import Server, Transport
from lianfang.clock import Clock
from lianfang.config import Config as WholeConfig
from lianfang.config import Problem, Secret
from lianfang.config.community import Language
from lianfang.config.stanza import DeviceCode
from lianfang.errors import PermanentError, TransientError
from lianfang.reach.networks import check_host, sockets_within

_TRIALS = frozenset({"test", "drill"})
# What somebody is to look at. That it is over is nothing that an alarm can say.
_CALLS = frozenset(
    {"opened", "raised", "escalated", "returned", "heard", "confirmed", "reopened", "forwarded"}
)
_TEXTS: Mapping[Language, str] = {
    "zh": "{change}：{title}，{point} {zone}，{people}人，编号{number}",
    "en": "{change}: {title}, {point} {zone}, {people} people, number {number}",
}


class Config(Worded, NoticeConfig):
    """A platform of GB/T 28181. Each camera of an incident needs its ``device_code``."""

    kind: Literal["gb28181"]
    host: str = Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.:_-]+$")
    """The platform: a name or an address."""
    port: int = Field(default=5060, ge=1, le=65535)
    """Its SIP port."""
    transport: Transport = "udp"
    """How SIP is carried; a long `text` has room by tcp only."""
    platform_code: DeviceCode
    """The platform's 20-digit code (SIP 服务器编号)."""
    domain: str = Field(default="", pattern=r"^[A-Za-z0-9.-]{0,253}$")
    """The SIP domain (SIP 服务器域); the first ten digits of its code where not given."""
    device_code: DeviceCode
    """Our own 20-digit code there."""
    username: str = Field(default="", pattern=r'^[^:"]*$')
    """Who registers (Digest); our code where not given."""
    password: Secret
    """The password."""
    expires_s: int = Field(default=3600, ge=120, le=86_400)
    """Seconds for which we register; renewed at half of what the platform grants."""
    keepalive_s: float = Field(default=60, ge=5, le=600)
    """Seconds between two words that we are there."""
    confirmed_by: Literal["response", "ok"] = "response"
    """What makes an alarm delivered: the platform's Response to it, or only that its SIP server took it."""
    declared: Declared = "GB18030"
    """What messages are said to be written in; they are in GB18030 either way."""
    datum: Datum = "wgs84"
    """Datum of its coordinates; places known in another one only are left out."""
    text: Template | None = None
    """What AlarmDescription says; see the document for what may stand in braces."""
    codes: Path | None = None
    """TOML file with what differs there from the numbers of the standard."""
    takes_trials: bool = False
    """Drills and tests are sent, too, and say so in their text: only where people read that."""

    @property
    def knows_the_site(self) -> bool:
        """Always: the platform asks for the cameras."""
        return True

    def check(self, config: WholeConfig) -> Iterable[Problem]:
        """Yield an address and codes of no use."""
        yield from super().check(config)
        yield from check_host("host", self.host, self.within)
        yield from check_codes(codes.read, self.codes)


class Gb28181Channel:
    """Reports incidents as alarms, each until the platform has said that it has it."""

    def __init__(self, config: Config, clock: Clock, site: Site | None) -> None:
        self._config, self._clock, self._site = config, clock, site
        self._zone = ZoneInfo(config.timezone)
        self._alarms = Alarms(codes.read(config.codes), self._zone, config.datum)
        self._template = config.text or _TEXTS[config.language]
        self._numbers = Numbers(clock)
        domain = config.domain or config.platform_code[:10]
        device, platform = (f"sip:{code}@{domain}" for code in (config.device_code, config.platform_code))
        login = Login(device, config.username or config.device_code, config.password.read())
        server = Server(config.host, config.port, config.transport)
        sockets = sockets_within(config.within)
        self.session = Session(
            lambda asked: Agent(server, login, sockets, asked, timeout_s=config.timeout_s),
            Names(config.device_code, device, platform),
            clock,
            self._zone,
            self._numbers.next,
            self._numbers.answered,
            self._answers,
            declared=config.declared,
            expires_s=config.expires_s,
            linked=site.linked if site else None,
            compared=site.compared if site else None,
        )

    async def send(self, delivery: Delivery) -> Receipt:
        """Send the alarm; return once the platform has said that it has it."""
        notice = notice_of(delivery.payload)
        if notice.mode in _TRIALS and not self._config.takes_trials:
            raise PermanentError(f"not sent: a {notice.mode}, and takes_trials is not set")
        if idle := await self._nothing_to_say(notice, delivery):
            return Receipt("not needed", idle)
        number = self._numbers.of(delivery.id)
        if not self._numbers.is_answered(number):
            await self._tell(notice, number)
        if self._config.confirmed_by == "ok":
            return Receipt("200", f"SN {number}: its SIP server took the message")
        try:
            result = await self._numbers.said(number, self._config.timeout_s)
        except TimeoutError as error:
            raise TransientError("took the message, and says nothing of the alarm") from error
        self._numbers.forget(delivery.id)
        if result == "OK":
            return Receipt("OK", f"SN {number}")
        raise PermanentError(f"the platform says {result!r} of the alarm")

    async def register(self) -> str:
        """Register now; return as whom, and how clocks differ. TransientError where it lets nobody in."""
        await self.session.registered()
        return registered_as(self._config.device_code, self.session.offset_s)

    async def keep(self) -> None:
        """Be registered, also while there is nothing to report; until cancelled."""
        await self.session.keep(self._config.keepalive_s)

    async def close(self) -> None:
        """Unregister, and close the way."""
        await self.session.close()

    async def _nothing_to_say(self, notice: Notice, delivery: Delivery) -> str:
        """Return why there is nothing to send, "" where there is; PermanentError for what is withdrawn."""
        if notice.change not in _CALLS | WITHDRAWN:
            return f"an alarm cannot say {notice.change}"
        if self._site is None:
            return ""  # nobody knows what was sent
        standing = await asyncio.to_thread(
            self._site.standing, delivery.incident_id, delivery.incident_version
        )
        if standing == "withdrawn":
            raise PermanentError("not sent: it has been withdrawn since")
        return "nothing of it was ever sent" if notice.change in WITHDRAWN and standing == "none" else ""

    async def _tell(self, notice: Notice, number: int) -> None:
        """Send the alarm, with as much of its text as the transport has room for."""
        text = self._config.written(self._template, notice)
        while True:
            try:
                await self.session.tell(self._alarms.alarm(notice, number, text))
            except TooLong as error:
                text = _shorter(text, error.over)
                if not text:
                    raise PermanentError(f"{error}; transport: tcp has room for it") from error
            else:
                return

    def _answers(self, asked: ET.Element) -> Iterator[ET.Element]:
        if self._site is None:
            return iter(())
        there = Installation(self._site.config(), self._site.conditions())
        now = self._clock.now().astimezone(self._zone)
        return desk.answers(asked, self._config.device_code, there, self._config.datum, now)


def build(config: Config, clock: Clock, site: Site | None = None) -> Gb28181Channel:
    """Return the channel; LookupError if the password cannot be read. Without ``site`` it has no cameras."""
    return Gb28181Channel(config, clock, site)


def _shorter(text: str, over: int) -> str:
    """Return the beginning of ``text``, at least ``over`` bytes shorter; "" where nothing is left."""
    data = text.removesuffix("…").encode("gb18030")
    return (
        data[: max(len(data) - over - 2, 0)].decode("gb18030", errors="ignore") + "…"
        if over < len(data)
        else ""
    )
