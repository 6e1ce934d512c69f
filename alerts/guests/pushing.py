"""Cameras that cannot be reached: their owners push to a media server, which asks us whom to let in. Pure."""

from __future__ import annotations

import hmac
from hashlib import sha256

from alerts.guests.problems import NotPossible
from lianfang.config.guests import Guests, MediaServer
from lianfang.reach.guests import GuestSource, Kind

READER = "lianfang"
"""The user as which ingest takes a stream."""
_PREFIX, _DIGITS = "cam_", 16


def name_of(push_digest: str) -> str:
    """Return the name of a stream: it follows from the digest of its key."""
    return _PREFIX + push_digest[:_DIGITS]


def stream_of(key: str) -> str:
    """Return what the owner's side is told to push: the name of the stream, and its key."""
    return f"{name_of(sha256(key.encode()).hexdigest())}?key={key}"


def read_key(guests: Guests, name: str) -> str:
    """Return what ingest shows to take a stream."""
    return hmac.new(guests.secrets[0].encode(), f"read {name}".encode(), sha256).hexdigest()


def may_read(guests: Guests, name: str, key: str) -> bool:
    """Say whether somebody with ``key`` is ingest; also with a key of ours that is about to go."""
    return any(
        hmac.compare_digest(hmac.new(k.encode(), f"read {name}".encode(), sha256).hexdigest(), key)
        for k in guests.secrets
    )


def pushed(guests: Guests, push_digest: str) -> GuestSource:
    """Return how ingest takes the stream of a key; NotPossible where there is no media server, or no key."""
    server = guests.media_server
    if server is None or not push_digest:
        raise NotPossible("no_push", "no key to push with was asked for")
    name = name_of(push_digest)
    key, kind = read_key(guests, name), _kind(server)
    if server.kind == "mediamtx":
        return GuestSource(kind=kind, url=f"{server.pull.rstrip('/')}/{name}", username=READER, password=key)
    return GuestSource(kind=kind, url=f"{server.pull.rstrip('/')}/{name}?key={key}")


def _kind(server: MediaServer) -> Kind:
    return "rtmp" if server.pull.startswith("rtmp") else "rtsp"
