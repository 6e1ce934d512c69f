"""The address of a stream, and who we are there: what sources that are called over a network share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar
from urllib.parse import quote, urlsplit

from ingest.sources.base import SourceLost
from lianfang.config import Config as Configuration
from lianfang.config import Problem, Secret, Stanza
from lianfang.events import CameraReason


class Login(Stanza):
    """Who we are at a camera or at what it hangs on."""

    username: str | None = None
    """User name."""
    password: Secret | None = None
    """Password, kept outside this file; needs a user name."""

    def check(self, config: Configuration) -> Iterable[Problem]:
        """Yield a password of nobody."""
        del config
        if self.password is not None and self.username is None:
            yield Problem(("password",), "no username", "a password together with username")

    def login(self) -> tuple[str, str] | None:
        """Return user and password, None for nobody; the secret is read anew: it may change. SourceLost."""
        if self.username is None:
            return None
        try:
            return self.username, self.password.read() if self.password else ""
        except LookupError as error:
            raise SourceLost(CameraReason.SECRET_MISSING, f"password: {error.args[0]}") from None


class Addressed(Login):
    """A source at an address. What stands in it is never repeated: it may be a password."""

    schemes: ClassVar[tuple[str, ...]]
    """The kinds of address that it has."""

    url: str
    """Its address; may hold user name and password, but see below."""
    username: str | None = None
    """User name, in place of one in the address."""

    def check(self, config: Configuration) -> Iterable[Problem]:
        """Yield what is wrong with the address and with who we are."""
        yield from self._wrong("url", self.url)
        yield from super().check(config)

    def address(self) -> str:
        """Return the address with credentials. SourceLost."""
        return self._with_login("url", self.url)

    def _wrong(self, key: str, url: str) -> Iterable[Problem]:
        """Yield what is wrong with an address."""
        fault = self._fault(url)
        if fault:
            first, second = self.schemes
            escaped = "with '/', '?', '#' and '@' of a password escaped (%2F …)"
            yield Problem((key,), fault, f"{first}://host:port/path or {second}://…, {escaped}")
        elif self.username is not None and "@" in urlsplit(url).netloc:
            yield Problem(("username",), "a second user name", "one, here or in the address")

    def _with_login(self, key: str, url: str) -> str:
        """Return an address with the credentials of this source. SourceLost names ``key``."""
        fault = self._fault(url)
        if fault:
            raise SourceLost(CameraReason.BAD_ADDRESS, f"{key}: {fault}")
        return with_login(url, self.login())

    def _fault(self, url: str) -> str:
        """Return what is wrong with an address, without repeating any of it, or nothing."""
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            return "an address that cannot be taken apart"
        if parts.scheme not in self.schemes:
            return "an address of another kind"
        return "" if host else "an address without a host"


def with_login(url: str, login: tuple[str, str] | None) -> str:
    """Return ``url``, which names no user, with user and password in it."""
    if login is None:
        return url
    parts = urlsplit(url)
    user, password = (quote(part, safe="") for part in login)
    return parts._replace(netloc=f"{user}:{password}@{parts.netloc}").geturl()


class OverHttp(Addressed):
    """A source that is asked over HTTP; with Basic or Digest, as the camera asks for it."""

    schemes = ("http", "https")


HTTP_OPTIONS = {
    "protocol_whitelist": "http,https,tcp,tls",
    "max_redirects": "0",  # a camera sends us nowhere else
}
"""What FFmpeg may do where it is given an address of HTTP."""
