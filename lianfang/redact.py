"""Keep credentials out of everything a person or a log can read."""

from __future__ import annotations

import re

# Greedy up to the last "@" of the word: people paste passwords with "@", ":" and "/" in them, unescaped.
# A path with an "@" behind a port is hidden too: rather too much than a password.
_CREDENTIALS = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)(?P<user>[^\s/:@]*):[^\s]*@")
_QUERY = re.compile(r"(?i)(?P<name>[?&](?:token|password|passwd|pwd|secret|key|auth|sign)=)[^&\s]+")


def redact(text: str) -> str:
    """Return ``text`` with the password of every URL, and every query secret, replaced by ``***``."""
    return _QUERY.sub(r"\g<name>***", _CREDENTIALS.sub(r"\g<scheme>\g<user>:***@", text))
