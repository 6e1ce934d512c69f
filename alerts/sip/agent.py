"""A SIP user agent of one server: requests with their answers, and answers to the server's requests.

Source: RFC 3261, sections 8 (user agents), 17 (transactions other than calls), 22 (digest); RFC 3581 (rport).
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from alerts.digest import authorization
from alerts.sip.link import Link, Server, Sockets, open_link
from alerts.sip.message import BadMessage, Headers, Request, Response, cseq_of, parse, top_via
from lianfang.errors import TransientError

T1_S, T2_S = 0.5, 4.0  # between the first two times that a datagram is sent, and between any two at most
_COOKIE = "z9hG4bK"
_LONGEST_DATAGRAM = 1300  # bytes; longer ones go by TCP (18.1.1)
_REMEMBERED = 256  # answers to requests that may come again
_CHALLENGES = {401: ("WWW-Authenticate", "Authorization"), 407: ("Proxy-Authenticate", "Proxy-Authorization")}

Answer = tuple[int, str]
"""Status and reason."""
Lines = tuple[tuple[str, str], ...]


class TooLong(ValueError):  # noqa: N818 - reads as the fact it states
    """A request that no datagram takes: how long it is, and how long it may be."""

    def __init__(self, length: int) -> None:
        super().__init__(f"the message has {length} bytes; by UDP it may have {_LONGEST_DATAGRAM}")
        self.over = length - _LONGEST_DATAGRAM


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are: ``uri`` such as sip:44200000002000000001@4420000000, and the login of the server."""

    uri: str
    username: str
    password: str = field(repr=False)

    @property
    def user(self) -> str:
        """What stands before the domain."""
        return self.uri.removeprefix("sip:").partition("@")[0]


class _Waiting:
    """One that waits for the answer to a request."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self.is_worked_on = False


class Agent:
    """Asks and answers one server. Of one event loop. The way there is opened when it is needed.

    ``answer`` is given each request of the server once and returns what is said to it.
    """

    def __init__(
        self,
        server: Server,
        login: Login,
        sockets: Sockets,
        answer: Callable[[Request], Answer],
        *,
        timeout_s: float,
        t1_s: float = T1_S,
    ) -> None:
        self._server, self._login, self._sockets = server, login, sockets
        self._answer, self._timeout_s, self._t1_s = answer, timeout_s, t1_s
        self._opening = asyncio.Lock()
        self._link: Link | None = None
        self._waiting: dict[tuple[str, str], _Waiting] = {}
        self._answered: OrderedDict[tuple[str, str, str], bytes] = OrderedDict()
        self._trouble = ""
        self._number = secrets.randbelow(1000)
        self._tag, self._call = secrets.token_hex(8), f"{secrets.token_hex(8)}@{login.user}"
        self.misheard = 0
        """Messages that were none."""

    async def ask(
        self, method: str, uri: str, to: str, more: Lines = (), body: bytes = b"", *, is_bound: bool = False
    ) -> Response:
        """Return the last answer to a request, after our login where it is asked for.

        ``is_bound``: all such requests belong together (REGISTER). TransientError where there is no answer;
        TooLong, before anything is sent, where it is too long for the transport.
        """
        call = self._call if is_bound else f"{secrets.token_hex(8)}@{self._login.user}"
        tag = self._tag if is_bound else secrets.token_hex(8)
        about = (("From", f"<{self._login.uri}>;tag={tag}"), ("To", f"<{to}>"), ("Call-ID", call), *more)
        response = await self._once(method, uri, about, body)
        if response.status in _CHALLENGES:
            asked, answered = _CHALLENGES[response.status]
            challenge = response.headers.get(asked)
            if challenge:
                said = authorization(challenge, self._login.username, self._login.password, method, uri)
                response = await self._once(method, uri, (*about, (answered, said)), body)
        return response

    async def contact(self) -> str:
        """Return the address at which the server reaches us; TransientError as the way there."""
        link = await self._opened()
        way = ";transport=tcp" if link.reliable else ""
        return f"<sip:{self._login.user}@{_at(link.ends[0])}{way}>"

    async def close(self) -> None:
        """Close the way; whoever waits hears of it. What is asked next opens another."""
        link, self._link = self._link, None
        self._fail("the way was closed")
        if link is not None:
            await link.close()

    async def _once(self, method: str, uri: str, about: Lines, body: bytes) -> Response:
        link = await self._opened()
        self._number += 1
        branch = _COOKIE + secrets.token_hex(8)
        name = "TCP" if link.reliable else "UDP"
        lines = (
            ("Via", f"SIP/2.0/{name} {_at(link.ends[0])};rport;branch={branch}"),
            *about,
            ("CSeq", f"{self._number} {method}"),
            ("Max-Forwards", "70"),
            ("User-Agent", "lianfang"),
        )
        data = Request(method, uri, Headers(lines), body).encode()
        if not link.reliable and len(data) > _LONGEST_DATAGRAM:
            raise TooLong(len(data))
        waiting = self._waiting[branch, method] = _Waiting()
        try:
            return await self._sent(link, data, waiting)
        finally:
            del self._waiting[branch, method]

    async def _sent(self, link: Link, data: bytes, waiting: _Waiting) -> Response:
        """Send until somebody answers: a datagram again and again, more and more slowly."""
        self._trouble = ""
        pause_s = self._t1_s
        try:
            async with asyncio.timeout(self._timeout_s):
                link.send(data)
                while not link.reliable:
                    done, _ = await asyncio.wait([waiting.answered], timeout=pause_s)
                    if done:
                        break
                    link.send(data)
                    pause_s = T2_S if waiting.is_worked_on else min(2 * pause_s, T2_S)
                return await waiting.answered
        except TimeoutError as error:
            raise TransientError(self._trouble or f"no answer within {self._timeout_s:g} s") from error

    async def _opened(self) -> Link:
        async with self._opening:
            if self._link is None:
                try:
                    async with asyncio.timeout(self._timeout_s):
                        self._link = await open_link(self._server, self._sockets, self)
                except TimeoutError as error:
                    raise TransientError(f"no connection within {self._timeout_s:g} s") from error
            return self._link

    def heard(self, data: bytes) -> None:
        """Take one message of the server."""
        try:
            message = parse(data)
            via, (_, method) = top_via(message.headers), cseq_of(message.headers)
        except BadMessage:
            self.misheard += 1
            return
        if isinstance(message, Request):
            self._asked(message, (via.parameters.get("branch", ""), via.sent_by, method))
            return
        waiting = self._waiting.get((via.parameters.get("branch", ""), method))
        if waiting is None or waiting.answered.done():
            return  # it came again, or too late
        if message.status < 200:
            waiting.is_worked_on = True
        else:
            waiting.answered.set_result(message)

    def broken(self, trouble: str) -> None:
        """Hear that the way is broken; a datagram that did not arrive is sent again."""
        self._trouble = trouble
        link = self._link
        if link is not None and link.reliable:
            self._link = None
            self._fail(trouble)

    def _fail(self, trouble: str) -> None:
        for waiting in self._waiting.values():
            if not waiting.answered.done():
                waiting.answered.set_exception(TransientError(trouble))

    def _asked(self, request: Request, key: tuple[str, str, str]) -> None:
        if self._link is None or request.method == "ACK":
            return
        known = self._answered.get(key)
        if known is None:
            status, reason = self._answer(request)
            known = self._answered[key] = self._response(request, status, reason, self._link.ends[1])
            if len(self._answered) > _REMEMBERED:
                self._answered.popitem(last=False)
        self._link.send(known)

    @staticmethod
    def _response(request: Request, status: int, reason: str, peer: tuple[str, int]) -> bytes:
        lines: list[tuple[str, str]] = []
        for n, via in enumerate(request.headers.all("Via")):
            parts = via.split(";")
            if n == 0 and "rport" in parts:  # where it really came from
                parts[parts.index("rport")] = f"rport={peer[1]};received={peer[0]}"
            lines.append(("Via", ";".join(parts)))
        to = request.headers.get("To")
        lines += [
            ("From", request.headers.get("From")),
            ("To", to if "tag=" in to else f"{to};tag={secrets.token_hex(8)}"),
            ("Call-ID", request.headers.get("Call-ID")),
            ("CSeq", request.headers.get("CSeq")),
            ("User-Agent", "lianfang"),
        ]
        return Response(status, reason, Headers(tuple(lines))).encode()


def _at(address: tuple[str, int]) -> str:
    """Return ``host:port``, an IPv6 address in brackets."""
    host, port = address
    host = host.partition("%")[0]
    return f"[{host}]:{port}" if ipaddress.ip_address(host).version == 6 else f"{host}:{port}"
