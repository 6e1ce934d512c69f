"""HTTP Digest as view libraries speak it when one registers: MD5, with qop=auth or without.

The HTTP client's own digest signs the path of the URL; some platforms want the whole of it.
"""

from __future__ import annotations

import hashlib
import re
import secrets

from lianfang.errors import TransientError

_PART = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')


def authorization(challenge: str, user: str, password: str, method: str, uri: str) -> str:
    """Return the header that answers ``challenge``; TransientError for one that we cannot answer."""
    scheme, asked = parts(challenge)
    if scheme != "digest" or "realm" not in asked or "nonce" not in asked:
        raise TransientError("asks for a login that is no HTTP Digest")
    if asked.get("algorithm", "MD5").upper() != "MD5":
        raise TransientError(f"asks for the digest algorithm {asked['algorithm']}; we know MD5")
    realm, nonce = asked["realm"], asked["nonce"]
    secret = secret_of(user, realm, password)
    said = f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}"'
    if "qop" in asked:
        if "auth" not in re.split(r"[\s,]+", asked["qop"]):
            raise TransientError(f"asks for the quality of protection {asked['qop']}; we know auth")
        cnonce, count = secrets.token_hex(8), "00000001"
        right = response(secret, nonce, method, uri, (count, cnonce, "auth"))
        said += f', qop=auth, nc={count}, cnonce="{cnonce}"'
    else:
        right = response(secret, nonce, method, uri)
    said += f', response="{right}", algorithm=MD5'
    return f'{said}, opaque="{asked["opaque"]}"' if "opaque" in asked else said


def parts(header: str) -> tuple[str, dict[str, str]]:
    """Return the scheme of a challenge or its answer, and what it says by name, both in small letters."""
    scheme, _, rest = header.strip().partition(" ")
    return scheme.lower(), {name.lower(): quoted or plain for name, quoted, plain in _PART.findall(rest)}


def secret_of(user: str, realm: str, password: str) -> str:
    """Return what both sides know of a password."""
    return _md5(f"{user}:{realm}:{password}")


def response(
    secret: str, nonce: str, method: str, uri: str, counted: tuple[str, str, str] | None = None
) -> str:
    """Return the proof that one knows ``secret``; ``counted`` is (nc, cnonce, qop), None without a qop."""
    return _md5(":".join([secret, nonce, *(counted or ()), _md5(f"{method}:{uri}")]))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
