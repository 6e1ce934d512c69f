"""HTTP Digest as platforms speak it when one registers: MD5 or SHA-256, with qop=auth or without.

View libraries speak it over HTTP, where the HTTP client's own digest signs the path of the URL and some of
them want the whole of it; GB/T 28181 speaks it over SIP. Source: RFC 2617, RFC 7616, RFC 8760.
"""

from __future__ import annotations

import hashlib
import re
import secrets

from lianfang.errors import TransientError

_PART = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')
_KNOWN = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def authorization(challenge: str, user: str, password: str, method: str, uri: str) -> str:
    """Return the header that answers ``challenge``; TransientError for one that we cannot answer."""
    scheme, asked = parts(challenge)
    if scheme != "digest" or "realm" not in asked or "nonce" not in asked:
        raise TransientError("asks for a login that is no HTTP Digest")
    algorithm = asked.get("algorithm", "MD5").upper()
    if algorithm not in _KNOWN:
        raise TransientError(f"asks for the digest algorithm {algorithm}; we know {' and '.join(_KNOWN)}")
    realm, nonce = asked["realm"], asked["nonce"]
    secret = secret_of(user, realm, password, algorithm)
    said = f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}"'
    if "qop" in asked:
        if "auth" not in re.split(r"[\s,]+", asked["qop"]):
            raise TransientError(f"asks for the quality of protection {asked['qop']}; we know auth")
        cnonce, count = secrets.token_hex(8), "00000001"
        right = response(secret, nonce, method, uri, (count, cnonce, "auth"), algorithm)
        said += f', qop=auth, nc={count}, cnonce="{cnonce}"'
    else:
        right = response(secret, nonce, method, uri, None, algorithm)
    said += f', response="{right}", algorithm={algorithm}'
    return f'{said}, opaque="{asked["opaque"]}"' if "opaque" in asked else said


def parts(header: str) -> tuple[str, dict[str, str]]:
    """Return the scheme of a challenge or its answer, and what it says by name, both in small letters."""
    scheme, _, rest = header.strip().partition(" ")
    return scheme.lower(), {name.lower(): quoted or plain for name, quoted, plain in _PART.findall(rest)}


def secret_of(user: str, realm: str, password: str, algorithm: str = "MD5") -> str:
    """Return what both sides know of a password."""
    return _hash(algorithm, f"{user}:{realm}:{password}")


def response(
    secret: str,
    nonce: str,
    method: str,
    uri: str,
    counted: tuple[str, str, str] | None = None,
    algorithm: str = "MD5",
) -> str:
    """Return the proof that one knows ``secret``; ``counted`` is (nc, cnonce, qop), None without a qop."""
    what = _hash(algorithm, f"{method}:{uri}")
    return _hash(algorithm, ":".join([secret, nonce, *(counted or ()), what]))


def _hash(algorithm: str, text: str) -> str:
    return _KNOWN[algorithm](text.encode(), usedforsecurity=False).hexdigest()
