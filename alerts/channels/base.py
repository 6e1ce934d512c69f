"""What every channel is given and what it answers.

A channel makes one attempt. It returns the receiver's own word, or raises TransientError (the same attempt
may succeed later) or PermanentError (it never will); backoff, leases and records are the delivery's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol

from pydantic import Field

from alerts.schedule import Schedule, Window
from lianfang.config import Stanza, Text

Role = Literal["speaker", "notice"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that goes along: JPEG bytes, and which kind it is (``original`` or ``annotated``)."""

    kind: Literal["original", "annotated"]
    jpeg: bytes
    sha256: str
    captured_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing to tell one receiver. ``id`` is the same on every attempt.

    ``payload`` is ``alerts.payload.Speech`` or ``Notice`` as plain JSON data.
    """

    id: str
    incident_id: str
    incident_version: int
    attempt: int
    payload: Mapping[str, Any]
    created_at: datetime
    valid_until: datetime | None = None
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the receiver answered: ``outcome`` in one word, ``detail`` in its own."""

    outcome: str
    detail: str = ""


class Channel(Protocol):
    """A way to one receiver."""

    async def send(self, delivery: Delivery) -> Receipt:
        """Make one attempt."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class ChannelConfig(Stanza):
    """What the stanza of every receiver has: a subclass adds ``kind``."""

    role: ClassVar[Role]
    """``speaker`` receives Speech and may stand in a zone's list; ``notice`` receives Notices."""
    name: Text | None = None
    """As people call it; its id where not given."""
    timeout_s: float = 10
    """Seconds until one attempt counts as failed."""


class SpeakerConfig(ChannelConfig):
    """What the stanza of every speaker has: when it is silent, and how much it says at most."""

    role: ClassVar[Role] = "speaker"
    quiet: Schedule = Schedule(windows=(Window(begin="22:00", end="07:00"),))
    """When people sleep near it: only what saves lives is said."""
    per_hour: int = Field(default=12, ge=1, le=1000)
    """Speeches in any hour; beyond, only what saves lives is said, and once a minute at most."""
    per_day: int = Field(default=60, ge=1, le=10000)
    """Speeches in any day; beyond it the same."""
