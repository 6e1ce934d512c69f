"""Keep credentials out of everything a person or a log can read."""

from __future__ import annotations

import re

# Greedy up to the last "@" of the word: people paste passwords with "@", ":" and "/" in them, unescaped.
# A path with an "@" behind a port is hidden too: rather too much than a password.
_CREDENTIALS = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)(?P<user>[^\s/:@]*):[^\s]*@")
_QUERY = re.compile(r"(?i)(?P<name>[?&](?:token|password|passwd|pwd|secret|key|auth|sign)=)[^&\s]+")
_QUOTE_LIMIT = 200  # characters


def redact(text: str) -> str:
    """Return ``text`` with the password of every URL, and every query secret, replaced by ``***``."""
    return _QUERY.sub(r"\g<name>***", _CREDENTIALS.sub(r"\g<scheme>\g<user>:***@", text))


def quoted(text: str) -> str:
    """Return the beginning of what somebody else said, fit for one line of a log, without credentials."""
    line = redact("".join(c for c in " ".join(text.split()) if c.isprintable()))
    return line if len(line) <= _QUOTE_LIMIT else f"{line[: _QUOTE_LIMIT - 1]}…"
