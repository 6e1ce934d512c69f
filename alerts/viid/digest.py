"""HTTP Digest as view libraries ask for it when one registers: MD5, with qop=auth or without.

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
    scheme, _, rest = challenge.strip().partition(" ")
    asked = {name.lower(): quoted or plain for name, quoted, plain in _PART.findall(rest)}
    if scheme.lower() != "digest" or "realm" not in asked or "nonce" not in asked:
        raise TransientError("asks for a login that is no HTTP Digest")
    if asked.get("algorithm", "MD5").upper() != "MD5":
        raise TransientError(f"asks for the digest algorithm {asked['algorithm']}; we know MD5")
    realm, nonce = asked["realm"], asked["nonce"]
    who, what = _md5(f"{user}:{realm}:{password}"), _md5(f"{method}:{uri}")
    said = f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}"'
    if "qop" in asked:
        if "auth" not in re.split(r"[\s,]+", asked["qop"]):
            raise TransientError(f"asks for the quality of protection {asked['qop']}; we know auth")
        cnonce, count = secrets.token_hex(8), "00000001"
        response = _md5(f"{who}:{nonce}:{count}:{cnonce}:auth:{what}")
        said += f', qop=auth, nc={count}, cnonce="{cnonce}"'
    else:
        response = _md5(f"{who}:{nonce}:{what}")
    said += f', response="{response}", algorithm=MD5'
    return f'{said}, opaque="{asked["opaque"]}"' if "opaque" in asked else said


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
