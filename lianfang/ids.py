"""Deterministic ids: a UUIDv5 of what the thing is, so that a redelivery changes nothing."""

from __future__ import annotations

import secrets
import uuid

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:lianfang")
_SEPARATOR = "\x1f"  # cannot stand in an id, so that ("a", "bc") and ("ab", "c") differ


def identify(kind: str, *parts: str | int) -> str:
    """Return the UUIDv5 of ``kind`` and ``parts`` as 36 characters; equal input gives the equal id."""
    return str(uuid.uuid5(NAMESPACE, _SEPARATOR.join([kind, *map(str, parts)])))


def new_epoch() -> str:
    """Return a fresh opaque id for one connection of a camera or one life of a tracker (12 hex digits).

    Epochs carry no order: readers take the one that appeared last in the log as the newest, because a
    host clock that steps back would otherwise make every new epoch look old, and the camera blind.
    """
    return secrets.token_hex(6)
