"""``kind: email``: notices by mail, handed to a mail server over SMTP.

See docs/protocols/email.md.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Literal

import aiosmtplib
import structlog
from pydantic import Field, StringConstraints

from alerts.channels.base import Delivery, Receipt
from alerts.notice_mail import Mail
from alerts.notice_settings import TlsNoticeConfig
from alerts.notice_text import Template, Worded
from alerts.payload import Notice
from lianfang.clock import Clock
from lianfang.config import Config as WholeConfig
from lianfang.config import Problem, Secret
from lianfang.config.community import Language
from lianfang.config.stanza import Host
from lianfang.errors import PermanentError, TransientError
from lianfang.reach.networks import check_host, connect, inside
from lianfang.redact import quoted

Encryption = Literal["starttls", "tls", "none"]
_PORTS: Mapping[Encryption, int] = {"starttls": 587, "tls": 465, "none": 25}
_AT_ONCE = 4  # connections: a mail server allows few of one client
_FAREWELL_S = 2.0
_REMEMBERED = 1000  # deliveries that some have and others not yet
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
Address = Annotated[
    str,
    StringConstraints(
        max_length=254,
        pattern=rf"^[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~-]+)*@{_LABEL}(\.{_LABEL})*$",
    ),
]
_SUBJECTS: Mapping[Language, str] = {
    "zh": "{change}：{title} {point} {zone}（{severity}）",
    "en": "{change}: {title}, {point} {zone} ({severity})",
}
_TEXTS: Mapping[Language, str] = {
    "zh": "{change}：{title}\n地点：{community} {point} {zone}（{camera}）\n时间：{time}\n人数：{people}\n"
    "级别：{severity}\n编号：{number}",
    "en": "{change}: {title}\nWhere: {community} {point} {zone} ({camera})\nWhen: {time}\nPeople: {people}\n"
    "Severity: {severity}\nNumber: {number}",
}

_log = structlog.get_logger()


class Config(Worded, TlsNoticeConfig):
    """People, or a system, that are told by mail."""

    kind: Literal["email"]
    host: Host
    """The mail server that takes our messages, such as smtp.example.cn."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """587 where not given, 465 for `tls`, 25 for `none`."""
    encryption: Encryption = "starttls"
    """STARTTLS, or TLS from the beginning; nothing is sent without. `none` only within `networks`."""
    username: str | None = Field(default=None, min_length=1, max_length=254)
    """Who we are there; nobody where not given."""
    password: Secret | None = None
    """The password."""
    sender: Address
    """Who writes; refusals that come later go there."""
    to: tuple[Address, ...] = Field(min_length=1, max_length=50)
    """Who is written to; all see each other."""
    subject: Template | None = None
    """Its subject; see the document for what may stand in braces. A drill is always said to be one."""
    text: Template | None = None
    """Its text, with the same in braces."""
    timeout_s: float = Field(default=30, gt=0, le=60)
    """Seconds until one attempt counts as failed."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port or _PORTS[self.encryption]

    def subject_of(self, notice: Notice) -> str:
        """Return the subject of a message."""
        return self.written(self.subject or _SUBJECTS[self.language], notice)

    def text_of(self, notice: Notice) -> str:
        """Return the text of a message."""
        return self.written(self.text or _TEXTS[self.language], notice)

    def check(self, config: WholeConfig) -> Iterable[Problem]:
        """Yield a server that is not allowed, half a login, and what would travel in clear."""
        yield from super().check(config)
        yield from check_host("host", self.host, self.within)
        if (self.password is None) != (self.username is None):
            yield Problem(("password",), "one of username and password", "both or neither")
        if len({address.lower() for address in self.to}) < len(self.to):
            yield Problem(("to",), "an address twice", "each once")
        if self.brings_films:
            yield Problem(("clips",), "inline", "told: a clip is behind a link")
        if self.encryption != "none":
            return
        if not self.within:
            yield Problem(("encryption",), "'none' without `networks`", "starttls or tls, or `networks`")
        if self.password is not None:
            allowed = "starttls or tls, unless nobody can listen"
            yield Problem(("encryption",), "'none' with a password", allowed, warning=True)


@dataclass(slots=True)
class _Heard:
    """What was said of the addresses of one delivery: who has it, and who never takes it, and why."""

    taken: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)


class EmailChannel:
    """Hands messages to a mail server; each address gets its own, until there is a word about all of them."""

    def __init__(self, config: Config, clock: Clock) -> None:
        del clock
        self._config = config
        self._password = config.password.read() if config.password else None
        self._tls = config.tls.context() if config.encryption != "none" else None
        self._mail = Mail(config, config.sender, config.to, config.picture_links)
        self._few = asyncio.Semaphore(_AT_ONCE)
        self._heard: OrderedDict[str, _Heard] = OrderedDict()
        self._refused: set[str] = set()

    async def send(self, delivery: Delivery) -> Receipt:
        """Hand it over; return the server's word that it has it for one address at least, and for which not.

        TransientError while any address may take it later: then only those are tried that have no answer yet.
        """
        async with self._few:
            server: aiosmtplib.SMTP | None = None
            try:
                async with asyncio.timeout(self._config.timeout_s):
                    server = await self._connected()
                    receipt = await self._hand_over(server, delivery)
            except TimeoutError as error:
                raise TransientError(f"no answer within {self._config.timeout_s:g} s") from error
            else:
                with suppress(aiosmtplib.SMTPException, OSError):  # it has the message, whatever follows
                    await server.quit(timeout=_FAREWELL_S)
                return receipt
            finally:
                if server is not None:
                    server.close()

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _connected(self) -> aiosmtplib.SMTP:
        """Return a connection on which we are logged in. Before that nothing is said about a message."""
        host, port = self._config.address
        try:
            sock = await connect(host, port, self._config.within)
        except OSError as error:
            raise TransientError(f"no connection: {error.strerror or error}") from error
        ours, theirs = (name[0].partition("%")[0] for name in (sock.getsockname(), sock.getpeername()))
        if self._tls is None and not inside(theirs, self._config.within):
            sock.close()
            raise TransientError(f"not sent in clear: {theirs} is in none of its `networks`")
        server = aiosmtplib.SMTP(
            hostname=host,
            sock=sock,
            use_tls=self._config.encryption == "tls",
            start_tls=self._config.encryption == "starttls",
            tls_context=self._tls,
            local_hostname=f"[IPv6:{ours}]" if ":" in ours else f"[{ours}]",
            timeout=self._config.timeout_s,
        )
        try:
            await self._logged_in(server)
        except BaseException:
            if isinstance(server.transport, asyncio.WriteTransport):
                server.transport.abort()  # with TLS a farewell would wait for the other side
            server.close()
            raise
        return server

    async def _logged_in(self, server: aiosmtplib.SMTP) -> None:
        try:
            await server.connect()
            if self._config.username is not None:
                await server.login(self._config.username, self._password or "")
            if server.is_ehlo_or_helo_needed:
                await server.ehlo()
        except (aiosmtplib.SMTPException, OSError) as error:
            cause = error.__cause__ if isinstance(error, aiosmtplib.SMTPConnectError) else error
            if isinstance(cause, ssl.SSLError):
                raise TransientError(f"no TLS connection: {quoted(str(cause))}") from error
            raise TransientError(f"does not let us in: {self._said(error)}") from error

    async def _hand_over(self, server: aiosmtplib.SMTP, delivery: Delivery) -> Receipt:
        heard = self._heard.setdefault(delivery.id, _Heard())
        if len(self._heard) > _REMEMBERED:
            self._heard.popitem(last=False)
        message = await asyncio.to_thread(self._mail.message, delivery, self._room(server))
        left = [a for a in self._config.to if a not in heard.taken and a not in heard.refused]
        try:
            answers, said = await server.sendmail(self._config.sender, left, message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            refusals = {one.recipient: (one.code, one.message) for one in error.recipients}
            said = ""
        except aiosmtplib.SMTPResponseException as error:
            if error.code >= 500:
                self._heard.pop(delivery.id, None)
                raise PermanentError(f"answered {self._said(error)}") from error
            raise TransientError(f"answered {self._said(error)}") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise TransientError(f"the connection broke: {self._said(error)}") from error
        else:
            refusals = {address: (answer.code, answer.message) for address, answer in answers.items()}
        return self._judged(delivery.id, heard, left, refusals, said)

    def _judged(
        self, delivery: str, heard: _Heard, left: list[str], refusals: dict[str, tuple[int, str]], said: str
    ) -> Receipt:
        heard.taken |= set(left) - refusals.keys()
        told = {address: f"{code} {quoted(text)}" for address, (code, text) in refusals.items()}
        heard.refused |= {address: told[address] for address, (code, _) in refusals.items() if code >= 500}
        later = [f"{address} {told[address]}" for address in refusals if address not in heard.refused]
        if later:
            raise TransientError(f"not taken yet: {', '.join(later)}")
        self._heard.pop(delivery, None)
        for address in heard.refused.keys() - self._refused:
            _log.warning("mail_address_refused", address=address, said=heard.refused[address])
        self._refused = (self._refused | heard.refused.keys()) - heard.taken
        named = ", ".join(f"{address} {why}" for address, why in heard.refused.items())
        if not heard.taken:
            raise PermanentError(f"taken for nobody: {named}")
        return Receipt("250", "; ".join(filter(None, (quoted(said), named and f"refused: {named}"))))

    def _room(self, server: aiosmtplib.SMTP) -> int:
        """Return how many bytes a message may have: as configured, or as the server says (RFC 1870)."""
        size = server.esmtp_extensions.get("size", "")
        theirs = int(size) if size.isascii() and size.isdigit() else 0
        return min(self._config.max_body_bytes, theirs or self._config.max_body_bytes)

    def _said(self, error: Exception) -> str:
        if isinstance(error, aiosmtplib.SMTPResponseException):
            text = f"{error.code} {quoted(error.message)}"
        else:
            text = quoted((isinstance(error, OSError) and error.strerror) or str(error))
        return text.replace(self._password, "***") if self._password else text


def build(config: Config, clock: Clock) -> EmailChannel:
    """Return the channel; LookupError if the password cannot be read."""
    return EmailChannel(config, clock)
