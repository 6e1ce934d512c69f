"""Digest over SIP as a strict server asks for it: a nonce for one request, MD5 or SHA-256."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Literal

from deploy.simulators.sip import Message

_PART = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')
_KNOWN = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


class SipDigest:
    """Lets in who knows ``user`` and ``password``; with ``qop`` it asks for qop=auth."""

    def __init__(
        self, user: str, realm: str, password: str, algorithm: Literal["MD5", "SHA-256"], *, qop: bool
    ) -> None:
        self._user, self._realm, self._algorithm, self._qop = user, realm, algorithm, qop
        self._secret = self._hash(f"{user}:{realm}:{password}")
        self._nonces: set[str] = set()

    def knows(self, message: Message) -> bool:
        """Say whether the request shows the password, with a nonce that has not been used."""
        scheme, _, rest = message.get("Authorization").partition(" ")
        given = {name: quoted or plain for name, quoted, plain in _PART.findall(rest)}
        nonce = given.get("nonce", "")
        middle = [nonce, *(given.get(name, "") for name in ("nc", "cnonce", "qop"))] if self._qop else [nonce]
        right = self._hash(":".join([self._secret, *middle, self._hash(f"{message.method}:{message.uri}")]))
        about = (scheme, given.get("username"), given.get("realm"), given.get("uri"))
        known = about == ("Digest", self._user, self._realm, message.uri) and nonce in self._nonces
        if not known or not hmac.compare_digest(right, given.get("response", "")):
            return False
        self._nonces.discard(nonce)
        return True

    def challenge(self) -> str:
        """Return what it asks with."""
        self._nonces.add(nonce := secrets.token_hex(8))
        asked = f'Digest realm="{self._realm}", nonce="{nonce}", algorithm={self._algorithm}'
        return f'{asked}, qop="auth"' if self._qop else asked

    def _hash(self, text: str) -> str:
        return _KNOWN[self._algorithm](text.encode(), usedforsecurity=False).hexdigest()
