"""A real mail server (aiosmtpd) that is strict about what it is given, and fails as a test wants it to."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import warnings
from collections import deque
from collections.abc import Callable, Iterable
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

_ONCE = ("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version")


class MailServer:
    """Takes mail for ``mailboxes`` while ``async with`` lasts, on 127.0.0.1.

    With ``tls`` it offers STARTTLS and takes nothing before it, or speaks TLS from the beginning where
    ``implicit``. With ``login`` it takes nothing of anybody else. ``refusals`` are its next answers about
    addresses. ``faults`` meet the messages, one each: ``hang`` is no answer, with ``drop`` it hangs up before
    it has the message, with ``lost`` before it says so; anything else is its answer.
    """

    def __init__(
        self,
        *mailboxes: str,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        login: tuple[str, str] | None = None,
        refusals: dict[str, list[str]] | None = None,
        faults: Iterable[str] = (),
        largest: int = 0,
    ) -> None:
        self._mailboxes, self._refusals, self._faults = mailboxes, refusals or {}, deque(faults)
        self._tls, self._implicit, self._login, self._largest = tls, implicit, login, largest
        self.port = 0
        self.connections = self.open_at_most = 0
        self.open: set[_Smtp] = set()
        self.mails: dict[str, EmailMessage] = {}
        self.raw: dict[str, bytes] = {}
        self.boxes: dict[str, list[str]] = {name: [] for name in mailboxes}

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        encrypted = self._tls if self._implicit else None
        self._server = await loop.create_server(self._protocol, "127.0.0.1", 0, ssl=encrypted)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()
        for connection in self.open:
            hang_up(connection)
        await asyncio.sleep(0.01)  # for the loop to close them
        await self._server.wait_closed()

    def _protocol(self) -> SMTP:
        starttls = self._tls if not self._implicit else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it does not know that TLS may have begun before it
            return self._connection(starttls)

    def _connection(self, starttls: ssl.SSLContext | None) -> SMTP:
        return _Smtp(
            self,
            hostname="mail.test",
            data_size_limit=self._largest or 32 * 1024 * 1024,
            require_starttls=starttls is not None,
            tls_context=starttls,
            auth_required=self._login is not None,
            auth_require_tls=starttls is not None,
            authenticator=self._authenticate if self._login else None,
        )

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        right = (data.login.decode(), data.password.decode()) == self._login
        return AuthResult(success=right, handled=False)

    async def handle_RCPT(  # noqa: N802 - its name in aiosmtpd
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take an address that is known here."""
        if address not in self._mailboxes:
            return "550 5.1.1 no such mailbox"
        answers = self._refusals.get(address, [])
        if answers and (answer := answers.pop(0)):
            return answer
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a message that is one."""
        fault = self._faults.popleft() if self._faults else ""
        if fault == "hang":
            await asyncio.Event().wait()
        if fault == "drop":
            return hang_up(server)
        if fault and fault != "lost":
            return fault
        assert isinstance(envelope.content, bytes)
        wrong = self._judge(envelope.content)
        if wrong:
            return f"554 5.6.0 {wrong}"
        message = read(envelope.content)
        name = str(message["Message-ID"])
        if name in self.raw and self.raw[name] != envelope.content:
            return "554 5.6.0 another message under the same Message-ID"
        self.mails[name], self.raw[name] = message, envelope.content
        for address in envelope.rcpt_tos:
            self.boxes[address].append(name)
        return hang_up(server) if fault == "lost" else "250 2.0.0 queued as 4711"

    def _judge(self, content: bytes) -> str:
        """Return what is wrong with a message, "" where nothing is."""
        if (
            not content.isascii()
            or max(map(len, content.split(b"\r\n"))) > 998
            or b"\n" in content.replace(b"\r\n", b"")
        ):
            return "lines too long, or not of this alphabet"
        message = read(content)
        for header in _ONCE:
            if len(message.get_all(header, [])) != 1:
                return f"{header} not once"
        defects = [*message.defects, *(d for part in message.walk() for d in part.defects)]
        strange = set(message.keys()) - {*_ONCE, "References", "Content-Type", "Content-Transfer-Encoding"}
        if defects or strange:
            return f"no message of RFC 5322: {defects} {strange}"
        return "" if message["Date"].datetime.tzinfo else "no time zone"


def read(content: bytes) -> EmailMessage:
    """Return a message as a reader sees it."""
    parse: Callable[..., Any] = email.message_from_bytes
    message = parse(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


class _Smtp(SMTP):
    """One connection, counted."""

    event_handler: MailServer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.transport is None:  # it is made once more when TLS begins
            there = self.event_handler
            there.connections += 1
            there.open.add(self)
            there.open_at_most = max(there.open_at_most, len(there.open))
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.event_handler.open.discard(self)
        super().connection_lost(error)


def hang_up(server: SMTP) -> str:
    """Break a connection off."""
    for transport in (server.transport, server._original_transport):
        if isinstance(transport, asyncio.Transport):
            transport.abort()
    return "421 nobody hears this"
