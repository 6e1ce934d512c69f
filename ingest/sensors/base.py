"""What a source of readings is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from lianfang.config import Stanza
from lianfang.errors import LianfangError


class SensorSourceConfig(Stanza):
    """The stanza of every source; a subclass adds ``kind`` and its own keys.

    Its module's ``build(config, sensors, root, clock)`` gets one of the stanzas that share a connection, all
    of them by sensor, the whole configuration, and the clock.
    """

    @property
    def shares(self) -> Hashable | None:
        """What sensors of this kind with an equal one share: one connection. None where each has its own."""
        return None


@dataclass(frozen=True, slots=True)
class Said:
    """What a sensor said just now.

    ``unit`` is None where it named none: then it is the sensor's. ``device_time`` is its own clock, ``id``
    what it calls the message, "" where it has no name. ``attributes`` are words beside the value.
    """

    sensor_id: str
    value: float
    unit: str | None = None
    device_time: datetime | None = None
    id: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unread:
    """A message that says no reading: from where it came (a topic), what it was, and what is wrong with it.

    ``sensor_id`` is whose it would have been, "" where nobody's. ``raw`` is kept for people to look at: it
    holds nothing that may not be kept.
    """

    where: str
    raw: bytes
    problem: str
    sensor_id: str = ""


STANDS: Literal["stands"] = "stands"
"""The connection stands, whether or not anything is said yet."""

Heard = Said | Unread | Literal["stands"]
Hearing = AsyncGenerator[Heard, None]


class SourceLost(LianfangError):  # noqa: N818 - reads as the fact it states
    """The source tells nothing any more; trying again later may help. The text holds no password."""


class Source(Protocol):
    """One connection, of one sensor or of several."""

    def open(self) -> Hearing:
        """Connect, and yield STANDS and then what is said until cancelled; SourceLost says why not.

        To end without it counts as a loss too. May be called again after that. Everything is released when
        the generator is closed. What would block the event loop belongs into a thread.
        """
        ...


Sensors = Mapping[str, SensorSourceConfig]
"""The stanzas of one connection, by sensor."""
