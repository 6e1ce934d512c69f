"""HTTP Digest as a strict device asks for it: one nonce for one count, the right URI, MD5 with qop=auth."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from aiohttp import web

from deploy.simulators.server import Handler

_REALM = "device"
_PART = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


class Digest:
    """Lets in who knows ``user`` and ``password``; every nonce is good for ``uses`` requests."""

    def __init__(self, user: str, password: str, uses: int = 100) -> None:
        self._user, self._uses = user, uses
        self.password_is(password)
        self._counts: dict[str, int] = {}
        self.turned_away = 0

    def before(self, handler: Handler) -> Handler:
        """Return ``handler`` behind the login."""

        async def meet(request: web.Request) -> web.StreamResponse:
            if self._knows(request):
                return await handler(request)
            self.turned_away += 1
            self._counts[nonce := secrets.token_hex(8)] = 0
            challenge = f'Digest realm="{_REALM}", qop="auth", nonce="{nonce}", algorithm=MD5'
            return web.Response(status=401, headers={"WWW-Authenticate": challenge}, text="login")

        return meet

    def password_is(self, password: str) -> None:
        """Let in with another password from now on."""
        self._secret = _md5(f"{self._user}:{_REALM}:{password}")

    def forget(self) -> None:
        """Let every nonce be over."""
        self._counts.clear()

    def _knows(self, request: web.Request) -> bool:
        scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
        given = {name: quoted or plain for name, quoted, plain in _PART.findall(rest)}
        nonce, count = given.get("nonce", ""), given.get("nc", "")
        if scheme != "Digest" or given.get("username") != self._user or given.get("uri") != request.path_qs:
            return False
        if nonce not in self._counts or not re.fullmatch("[0-9a-f]{8}", count):
            return False
        if not self._counts[nonce] < int(count, 16) <= self._uses:
            return False  # a count comes once
        what = _md5(f"{request.method}:{request.path_qs}")
        parts = (self._secret, nonce, count, given.get("cnonce", ""), given.get("qop", ""), what)
        right = hmac.compare_digest(_md5(":".join(parts)), given.get("response", ""))
        if right:
            self._counts[nonce] = int(count, 16)
        return right


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
