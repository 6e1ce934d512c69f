"""What channels over HTTP have in common: one session, and what an answer or its absence means."""

from __future__ import annotations

import io
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import aiohttp
from pydantic import AfterValidator

from lianfang.config import Problem
from lianfang.config.tls import Tls
from lianfang.errors import PermanentError, TransientError
from lianfang.reach.networks import Network, sockets_within
from lianfang.redact import quoted, redact

_WRITTEN_AT_ONCE = 512 * 1024  # bytes of a request
_BODY_LIMIT = 64 * 1024  # bytes of an answer that are read where nothing else is said
_RETRY_AFTER_LIMIT_S = 3600.0
_TRANSIENT = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: status and body, cut at what its endpoint takes."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def quote(self) -> str:
        """Return the beginning of the body, fit for one line of a log."""
        return quoted(self.body.decode("utf-8", errors="replace"))


class HttpEndpoint:
    """Requests to the host of one configured URL: no redirect, no cookie, no proxy leads elsewhere.

    ``token`` goes along as a bearer token, and is taken out of what comes back. ``login``, a user and a
    password, answers challenges of HTTP Digest. It connects to public addresses and to those in
    ``networks`` only, and reads no more than ``longest`` bytes of an answer.
    """

    def __init__(
        self,
        timeout_s: float,
        ca_file: Path | None = None,
        token: str | None = None,
        login: tuple[str, str] | None = None,
        *,
        tls: Tls | None = None,
        networks: Sequence[Network],
        longest: int = _BODY_LIMIT,
    ) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._tls, self._token, self._login = tls or Tls(ca_file=ca_file), token, login
        self._networks, self._longest = networks, longest
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | io.BytesIO | AsyncIterable[bytes] | None = None,
        *,
        longer_s: float = 0,
    ) -> Answer:
        """Return the answer; TransientError if there is none that can be understood.

        A body that takes its time has ``longer_s`` beyond the usual.
        """
        sent = {"User-Agent": "lianfang", "Accept-Encoding": "identity", **headers}
        if self._token:
            sent["Authorization"] = f"Bearer {self._token}"
        timeout = aiohttp.ClientTimeout(total=(self._timeout.total or 0) + longer_s)
        if isinstance(body, bytes) and len(body) > _WRITTEN_AT_ONCE:
            body = io.BytesIO(body)  # written in pieces: others are served in between
        async with (
            _understood(timeout.total or 0),
            self._open().request(
                method, url, headers=sent, data=body, allow_redirects=False, timeout=timeout
            ) as response,
        ):
            said = await _beginning(response, self._longest)
            if self._token:  # some servers repeat the request in their error page
                said = said.replace(self._token.encode(), b"***")
            return Answer(response.status, response.headers, said)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        # Here and not in the constructor: a session belongs to the loop that it is opened in.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=self._tls.context() if self._tls != Tls() else True,
                    limit=0,  # the delivery bounds what is under way
                    socket_factory=sockets_within(self._networks),
                ),
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # a small answer must not grow here
                middlewares=(aiohttp.DigestAuthMiddleware(*self._login),) if self._login else (),
            )
        return self._session


def check_status(answer: Answer, now: datetime) -> None:
    """Return for 2xx; raise what any other status means for a delivery."""
    status, said = answer.status, f"answered {answer.status}: {answer.quote()}"
    if 200 <= status < 300:
        return
    if status == 410:
        raise PermanentError(said, disable=True, untaken=True)
    if status in _TRANSIENT or status >= 500:
        wait_s = retry_after_s(answer.headers.get("Retry-After"), now)
        raise TransientError(said, wait_s, untaken=True)
    if 300 <= status < 400:
        raise PermanentError(f"answered {status}: redirects are not followed", untaken=True)
    raise PermanentError(said, untaken=True)


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, from 0 to 3600; None for nothing or nonsense.

    Source: RFC 9110, 10.2.3: seconds, or an HTTP date.
    """
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        seconds = float(value[:12])
    else:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            return None
        seconds = (moment - now).total_seconds()
    return min(max(seconds, 0.0), _RETRY_AFTER_LIMIT_S)


async def _beginning(response: aiohttp.ClientResponse, longest: int) -> bytes:
    """Read up to the limit. What breaks off after the status line does not unsay it."""
    body = b""
    try:
        while len(body) < longest and (chunk := await response.content.read(longest - len(body))):
            body += chunk
    except (aiohttp.ClientError, TimeoutError):
        pass
    if not response.content.at_eof():
        response.close()  # do not read the rest, nor use the connection again
    return body


@asynccontextmanager
async def _understood(timeout_s: float) -> AsyncIterator[None]:
    try:
        yield
    except aiohttp.ClientConnectorCertificateError as error:
        said = f"its certificate is not trusted: {error.certificate_error}"
        raise TransientError(said, untaken=True) from error
    except aiohttp.ClientSSLError as error:
        raise TransientError(f"no TLS connection: {redact(str(error))}", untaken=True) from error
    except aiohttp.ClientConnectorError as error:
        said = f"no connection: {error.strerror or error.os_error}"
        raise TransientError(said, untaken=True) from error
    except TimeoutError as error:
        raise TransientError(f"no answer within {timeout_s:g} s") from error
    except aiohttp.ClientResponseError as error:
        raise TransientError(f"not an HTTP answer: {redact(error.message)}") from error
    except aiohttp.ClientError as error:
        raise TransientError(f"the connection broke: {redact(str(error))}") from error


def http_url(value: str) -> str:
    """Return ``value`` if it is an http or https URL with a host; ValueError says what is allowed."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.fragment or any(c.isspace() for c in value):
        raise ValueError("a URL that begins with http:// or https:// and names a host")
    return value


def base_url(value: str) -> str:
    """Return ``value`` without its last slash, if it is such a URL and names no user; ValueError as above."""
    if "@" in http_url(value):
        raise ValueError("a URL without a user name: that has a key of its own")
    return value.rstrip("/")


BaseUrl = Annotated[str, AfterValidator(base_url)]


def check_ca_file(path: Path | None) -> Iterator[Problem]:
    """Yield a problem unless ``path`` is None or a file of certificates."""
    if path is None:
        return
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:  # ssl.SSLError is one
        yield Problem(
            ("ca_file",), f"{path}: {error.strerror or error}", "a readable file of PEM certificates"
        )
