"""Who may speak to us: a platform that registered with HTTP Digest, and was heard of since."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Literal
from urllib.parse import urlsplit

from alerts.digest import parts, response, secret_of
from alerts.throttle import LoginThrottle
from lianfang.clock import Clock

_REALM = "lianfang"
_FRESH_S = 60.0  # a challenge that is answered later is asked anew
_SILENT_S = 300.0  # without a word for so long a platform has to register again
_COUNT = re.compile(r"[0-9a-fA-F]{8}", re.ASCII)
_MAX_USED = 10_000

Knock = Literal["in", "ask", "stale", "wait"]


class Door:
    """Lets in who knows the password; MD5 with qop=auth or without, the path signed or the whole URL.

    What lets in is the address that a platform registered from, not its code: that is no secret. Of one
    event loop. Source: RFC 7616, and RFC 2069 without a qop.
    """

    def __init__(self, username: str, password: str, clock: Clock) -> None:
        self._username, self._secret = username, secret_of(username, _REALM, password)
        self._clock, self._throttle = clock, LoginThrottle(clock)
        self._key = secrets.token_bytes(32)
        self._used: dict[str, int] = {}  # nonces that were answered rightly, and the count that came last
        self._heard_s: dict[str, float] = {}  # when an address was heard of last

    def challenge(self, *, stale: bool) -> str:
        """Return what to ask for; nothing is kept of it, so that asking often costs us nothing."""
        said = f"{int(self._clock.monotonic() * 1000):x}-{secrets.token_hex(8)}"
        nonce = f"{said}-{self._sign(said)}"
        again = ", stale=true" if stale else ""
        return f'Digest realm="{_REALM}", qop="auth", nonce="{nonce}", algorithm=MD5{again}'

    def knock(self, authorization: str, method: str, path: str, address: str) -> Knock:
        """Say what to do with a log-in: let it in, ask (again), or let it wait after too many wrong ones.

        ``path`` is the path of the call with its query, as it came.
        """
        if not authorization.isascii():
            return "ask"  # whoever knows the password says what we can hash
        scheme, said = parts(authorization)
        nonce = said.get("nonce", "")
        if scheme != "digest" or not nonce:
            return "ask"
        if not self._is_fresh(nonce):
            return "stale"
        if self._throttle.attempt(said.get("username", ""), address):
            return "wait"
        if not self._is_right(said, method, path):
            return "ask"
        self._throttle.succeeded(self._username, address)
        return "in" if self._count(nonce, said) else "stale"

    def register(self, address: str) -> None:
        """Take calls from ``address`` for ones of the platform."""
        now_s = self._clock.monotonic()
        known = {a: s for a, s in self._heard_s.items() if now_s - s <= _SILENT_S}
        self._heard_s = known | {address: now_s}

    def unregister(self, address: str) -> None:
        """Take no call from ``address`` any more."""
        self._heard_s.pop(address, None)

    def is_registered(self, address: str) -> bool:
        """Say whether calls from ``address`` are the platform's; being heard keeps it registered."""
        now_s = self._clock.monotonic()
        heard_s = self._heard_s.get(address)
        if heard_s is None or now_s - heard_s > _SILENT_S:
            return False
        self._heard_s[address] = now_s
        return True

    def _is_fresh(self, nonce: str) -> bool:
        """Say whether we gave a nonce, and not too long ago."""
        said, _, signed = nonce.rpartition("-")
        if not hmac.compare_digest(self._sign(said).encode(), signed.encode()):
            return False
        return self._clock.monotonic() - _given_s(said) <= _FRESH_S

    def _is_right(self, said: dict[str, str], method: str, path: str) -> bool:
        uri, qop = said.get("uri", ""), said.get("qop")
        counted = None if qop is None else (said.get("nc", ""), said.get("cnonce", ""), qop)
        if counted is not None and (qop != "auth" or not _COUNT.fullmatch(counted[0]) or not counted[1]):
            return False
        if said.get("username") != self._username or said.get("realm") != _REALM or not _leads(uri, path):
            return False
        right = response(self._secret, said["nonce"], method, uri, counted)
        return hmac.compare_digest(right.encode(), said.get("response", "").lower().encode())

    def _count(self, nonce: str, said: dict[str, str]) -> bool:
        """Say whether a nonce comes for the first time with its count; without a count it comes once."""
        oldest_s = self._clock.monotonic() - _FRESH_S
        if len(self._used) >= _MAX_USED:
            self._used = {n: c for n, c in self._used.items() if _given_s(n) >= oldest_s}
        count = int(said["nc"], 16) if "qop" in said else 0xFFFFFFFF
        if count <= self._used.get(nonce, 0):
            return False
        self._used[nonce] = count
        return True

    def _sign(self, said: str) -> str:
        return hmac.new(self._key, said.encode(), hashlib.sha256).hexdigest()


def _given_s(nonce: str) -> float:
    """Return when a nonce of ours was given, on the monotonic clock."""
    return int(nonce.partition("-")[0], 16) / 1000


def _leads(uri: str, path: str) -> bool:
    """Say whether ``uri`` is ``path``, or a whole URL with it: we may have another name over there."""
    try:
        whole = urlsplit(uri)
    except ValueError:
        return False
    if whole.scheme not in {"http", "https"} or not whole.netloc:
        return uri == path
    return uri.endswith(path) and f"{whole.path}?{whole.query}".removesuffix("?") == path
