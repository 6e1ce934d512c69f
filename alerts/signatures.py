"""Signatures of Standard Webhooks: which keys can sign, and whether a message was signed with one of them.

Source: Standard Webhooks 1.0, "Signature scheme" and "Verifying webhook authenticity".
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field
from standardwebhooks import Webhook

from lianfang.config import Problem, Secret
from lianfang.errors import LianfangError

SigningKeys = Annotated[tuple[Secret, ...], Field(min_length=1, max_length=2)]
"""The key; while it is being changed, the old and the new one."""

_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)
_FRESH = timedelta(minutes=5)
_ID_CHARACTERS = 64


class NotSigned(LianfangError):  # noqa: N818 - reads as the fact it states
    """A message was not signed with a key that counts, or not now."""


def check_keys(at: Sequence[str], keys: Iterable[Secret]) -> Iterator[Problem]:
    """Yield those of ``keys``, which stand at ``at`` in the stanza, that cannot sign."""
    for i, secret in enumerate(keys):
        try:
            usable = _is_key(secret.read())
        except LookupError:
            continue  # the secret itself says so
        if not usable:
            allowed = f"{_PREFIX} and 24 to 64 random bytes in base64 (openssl rand -base64 32)"
            yield Problem((*at, i), "a text of another form", allowed)


def signed_id(keys: Iterable[Secret], headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Return the id of a message that was signed with one of ``keys`` within 5 min of ``now``; NotSigned."""
    message_id, signatures = headers.get("webhook-id", ""), headers.get("webhook-signature", "")
    stamp = headers.get("webhook-timestamp", "")
    if not 0 < len(message_id) <= _ID_CHARACTERS or not (stamp.isascii() and stamp.isdigit()):
        raise NotSigned("no webhook-id of up to 64 characters, or no webhook-timestamp in seconds")
    try:
        at, text = datetime.fromtimestamp(int(stamp[:12]), UTC), body.decode()
    except ValueError as error:  # UnicodeDecodeError is one
        raise NotSigned("no text in UTF-8, or no time") from error
    if abs(now - at) > _FRESH:
        raise NotSigned("its time is more than 5 min from ours")
    given = [signature.encode() for signature in signatures.split(" ")]
    for key in keys:
        right = Webhook(key.read()).sign(message_id, at, text).encode()
        if any(hmac.compare_digest(right, signature) for signature in given):
            return message_id
    raise NotSigned("no signature with a key that counts")


def _is_key(text: str) -> bool:
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        return False
    return text.startswith(_PREFIX) and len(key) in _KEY_BYTES
